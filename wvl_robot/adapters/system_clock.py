"""The machine's monotonic clock as the Clock port."""

import time

_SPIN_NS = 200_000
"""`time.sleep` overshoots by tens of microseconds; the rest is waited out awake."""


class SystemClock:
    """CLOCK_MONOTONIC: the same in every process of a machine, untouched by NTP and by hand."""

    def now_ns(self) -> int:
        """Nanoseconds since the machine started."""
        return time.monotonic_ns()

    def sleep_until_ns(self, deadline_ns: int) -> None:
        """Sleep to shortly before the deadline, then spin to it."""
        remaining_ns = deadline_ns - time.monotonic_ns()
        if remaining_ns > _SPIN_NS:
            time.sleep((remaining_ns - _SPIN_NS) * 1e-9)
        while time.monotonic_ns() < deadline_ns:
            pass

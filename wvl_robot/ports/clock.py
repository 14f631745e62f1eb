"""Clock: the only source of time. Monotonic, so that no jump of the wall clock stops an arm."""

from typing import Protocol


class Clock(Protocol):
    """Monotonic time; a test may run an hour of it in a second."""

    def now_ns(self) -> int:
        """Monotonic nanoseconds since an arbitrary start."""
        ...

    def sleep_until_ns(self, deadline_ns: int) -> None:
        """Return at or just after `deadline_ns`; at once where it has passed."""
        ...

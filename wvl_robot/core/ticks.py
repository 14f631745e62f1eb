"""TickGrid: absolute deadlines on the monotonic clock. Missed ones are skipped, never caught up."""


class TickGrid:
    """Deadlines `start, start + period, ...`."""

    def __init__(self, start_ns: int, period_ns: int) -> None:
        self._deadline_ns, self._period_ns = start_ns, period_ns

    @property
    def deadline_ns(self) -> int:
        """The next tick."""
        return self._deadline_ns

    def advance(self) -> None:
        """The tick was worked on; the next one is a period later."""
        self._deadline_ns += self._period_ns

    def skip_missed(self, now_ns: int) -> int:
        """Leave out the ticks that are more than half a period ago; returns their number.

        Up to half a period late a tick still comes, so that two ticks are never closer than half a
        period and a short delay costs no tick.
        """
        num_missed = max(0, (now_ns - self._deadline_ns + self._period_ns // 2) // self._period_ns)
        self._deadline_ns += num_missed * self._period_ns
        return num_missed

"""A clock that a test turns by hand; sleeping costs nothing."""

import heapq
from collections.abc import Callable
from itertools import count

Action = Callable[[], None]


class FakeClock:
    """A `Clock` whose time passes only when somebody sleeps or the test advances it.

    `at` and `every` put events on it (a watchdog, a receipt that arrives); they run in the order of
    their times, with the clock standing at that time.
    """

    def __init__(self, start_ns: int = 1_000_000_000) -> None:
        self._now_ns = start_ns
        self._events: list[tuple[int, int, Action]] = []
        self._numbers = count()

    def now_ns(self) -> int:
        return self._now_ns

    def sleep_until_ns(self, deadline_ns: int) -> None:
        while self._events and self._events[0][0] <= deadline_ns:
            due_ns, _, action = heapq.heappop(self._events)
            self._now_ns = max(self._now_ns, due_ns)
            action()
        self._now_ns = max(self._now_ns, deadline_ns)

    def advance_s(self, seconds: float) -> None:
        self.sleep_until_ns(self._now_ns + round(seconds * 1e9))

    def at(self, due_ns: int, action: Action) -> None:
        heapq.heappush(self._events, (due_ns, next(self._numbers), action))

    def every(self, period_ns: int, action: Action) -> None:
        due_ns = self._now_ns + period_ns

        def again() -> None:
            nonlocal due_ns
            action()
            due_ns += period_ns
            self.at(due_ns, again)

        self.at(due_ns, again)

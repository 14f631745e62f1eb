"""Somebody who knows, from a function of the time."""

from collections.abc import Callable


class FakeReferee:
    """A `Referee`."""

    def __init__(self, judge: Callable[[int], bool | None]) -> None:
        self._judge = judge

    def is_success(self, stamp_ns: int) -> bool | None:
        return self._judge(stamp_ns)

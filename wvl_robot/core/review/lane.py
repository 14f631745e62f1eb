"""The reward lane: success intervals under the mouse. Pure functions on half-open step ranges.

Intervals stay increasing, disjoint, not empty and inside the episode, whatever the mouse does.
"""

from dataclasses import dataclass
from enum import StrEnum

Intervals = tuple[tuple[int, int], ...]


class LaneTool(StrEnum):
    """What a drag does."""

    AUTO = "auto"
    """On an edge: moves it; elsewhere: paints success."""
    PAINT = "paint"
    ERASE = "erase"


def painted(intervals: Intervals, start: int, stop: int) -> Intervals:
    """With success in [start, stop); touching intervals become one."""
    raise NotImplementedError


def erased(intervals: Intervals, start: int, stop: int) -> Intervals:
    """Without success in [start, stop)."""
    raise NotImplementedError


@dataclass(frozen=True, kw_only=True, slots=True)
class Drag:
    """A drag that has begun; `at` is the lane with the mouse somewhere."""

    intervals: Intervals
    """Before the drag."""
    start: int
    """Step where the button went down."""
    num_steps: int
    tool: LaneTool
    edge: tuple[int, bool] | None = None
    """Interval whose edge is moved, and whether it is its first edge; None: paint or erase."""

    def at(self, step: int) -> Intervals:
        """The lane when the button is let go at `step`; steps outside count as the ends."""
        raise NotImplementedError


def begin_drag(
    intervals: Intervals, step: int, num_steps: int, tool: LaneTool, reach_steps: float = 1.0
) -> Drag:
    """A drag from `step`; with AUTO an edge at most `reach_steps` away is taken hold of."""
    raise NotImplementedError

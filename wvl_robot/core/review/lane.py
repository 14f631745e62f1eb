"""The reward lane: success intervals under the mouse. Pure functions on half-open step ranges.

Intervals stay increasing, disjoint, not empty and inside the episode, whatever the mouse does.
"""

from collections.abc import Iterable
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
    if start >= stop:
        return intervals
    return _joined(sorted((*intervals, (start, stop))))


def erased(intervals: Intervals, start: int, stop: int) -> Intervals:
    """Without success in [start, stop)."""
    if start >= stop:
        return intervals
    kept = []
    for first, last in intervals:
        kept += [(first, min(last, start)), (max(first, stop), last)]
    return tuple((first, last) for first, last in kept if first < last)


def cut_to(intervals: Intervals, num_steps: int) -> Intervals:
    """What of the intervals lies inside an episode."""
    cut = ((first, min(last, num_steps)) for first, last in intervals)
    return tuple((first, last) for first, last in cut if first < last)


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
        step = max(0, min(step, self.num_steps - 1))
        if self.edge is not None:
            return self._with_edge_at(step, *self.edge)
        start, stop = min(self.start, step), max(self.start, step) + 1
        change = erased if self.tool is LaneTool.ERASE else painted
        return change(self.intervals, start, stop)

    def _with_edge_at(self, step: int, index: int, is_first: bool) -> Intervals:
        """The step under the mouse becomes the interval's first or last success step.

        Dragged past its other edge, the interval turns over; onto a neighbour, they become one.
        """
        first, last = self.intervals[index]
        others = self.intervals[:index] + self.intervals[index + 1 :]
        fixed = last - 1 if is_first else first
        return painted(others, min(fixed, step), max(fixed, step) + 1)


def begin_drag(
    intervals: Intervals, step: int, num_steps: int, tool: LaneTool, reach_steps: float = 1.0
) -> Drag:
    """A drag from `step`; with AUTO an edge at most `reach_steps` away is taken hold of."""
    step = max(0, min(step, num_steps - 1))
    edge = _nearest_edge(intervals, step, reach_steps) if tool is LaneTool.AUTO else None
    return Drag(intervals=intervals, start=step, num_steps=num_steps, tool=tool, edge=edge)


def _nearest_edge(intervals: Intervals, step: int, reach_steps: float) -> tuple[int, bool] | None:
    """Edges are the first and the last success step of an interval."""
    candidates = [
        (abs(step - place), index, is_first)
        for index, (first, last) in enumerate(intervals)
        for place, is_first in ((first, True), (last - 1, False))
    ]
    if not candidates:
        return None
    # Where both edges are equally near (an interval of one step), the side of the mouse decides.
    distance, index, is_first = min(
        candidates, key=lambda c: (c[0], c[2] != (step <= intervals[c[1]][0]))
    )
    return (index, is_first) if distance <= reach_steps else None


def _joined(ordered: Iterable[tuple[int, int]]) -> Intervals:
    joined: list[tuple[int, int]] = []
    for first, last in ordered:
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return tuple(joined)

"""Figures of stamps: how late ticks came, how many never came, what was lost on the way. Pure."""

from dataclasses import dataclass

import numpy as np

MS = 1e-6
"""Milliseconds in a nanosecond."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """How a time is distributed, in milliseconds."""

    n: int
    p50: float
    p99: float
    p999: float
    max: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """A part of the run: from `start_ns` to before `end_ns`, monotonic."""

    start_ns: int
    end_ns: int

    @property
    def seconds(self) -> float:
        """How long it is."""
        return (self.end_ns - self.start_ns) * 1e-9

    def holds(self, stamps_ns: np.ndarray) -> np.ndarray:
        """Mask [N] of the stamps that lie in it."""
        return (stamps_ns >= self.start_ns) & (stamps_ns < self.end_ns)


def spread(times_ns: np.ndarray) -> Spread | None:
    """The distribution of times; None where there are none."""
    if len(times_ns) == 0:
        return None
    p50, p99, p999 = np.percentile(times_ns, [50, 99, 99.9]) * MS
    return Spread(
        n=len(times_ns),
        p50=float(p50),
        p99=float(p99),
        p999=float(p999),
        max=float(np.max(times_ns) * MS),
    )


def lateness_ns(ticks_ns: np.ndarray, period_ns: int) -> np.ndarray:
    """How much later than its deadline each tick began.

    Deadlines are `anchor + k * period`; the anchor is not known, so the earliest tick of the run
    counts as punctual. No tick begins early, and among thousands one is punctual within some us.
    """
    if len(ticks_ns) == 0:
        return ticks_ns
    half = period_ns // 2
    around_first = (ticks_ns - ticks_ns[0] + half) % period_ns - half
    return around_first - around_first.min()


def num_skipped(ticks_ns: np.ndarray, period_ns: int, pause_ns: int) -> int:
    """Periods without a tick; a gap from `pause_ns` on is a pause, in which none was due."""
    gaps = np.diff(np.sort(ticks_ns))
    gaps = gaps[gaps < pause_ns]
    return int((np.maximum(np.rint(gaps / period_ns), 1) - 1).sum())


def num_gaps(numbers: np.ndarray) -> int:
    """Numbers that are missing between the smallest and the largest."""
    if len(numbers) == 0:
        return 0
    return int(numbers.max() - numbers.min() + 1 - len(np.unique(numbers)))

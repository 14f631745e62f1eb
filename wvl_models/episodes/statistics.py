"""Statistics of actions and of what the robot measured, over a view: what normalisation needs.

The action of a step is the delta from the target in force to the decided setpoint, taken through
`ActionSpec.differentiate`, so that training and execution mean the same thing by it.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from wvl_models.contract.action import ACTION_DIM, ActionSpec
from wvl_models.contract.errors import StoreError, WvlError
from wvl_models.contract.pose import frozen_array
from wvl_models.contract.rotation import F64
from wvl_models.episodes.arrays import EpisodeSignals
from wvl_models.episodes.filesystem import FileSystem, read_inside
from wvl_models.episodes.journal import journal_line, parse_journal
from wvl_models.episodes.records import Record, parse_record
from wvl_models.episodes.schema import FLOATS
from wvl_models.episodes.views import EpisodeView

_LOGGER = logging.getLogger(__name__)

_MAX_CACHE_BYTES = 1 << 16

_ANY_RANGE = ActionSpec(low=np.zeros(ACTION_DIM), high=np.zeros(ACTION_DIM))
"""`differentiate` does not depend on the range."""

ACTION = "action"

MEASURED: Mapping[str, int] = {
    signal.name: signal.width for signal in FLOATS.signals if signal.may_be_unmeasured
}
"""Width of every signal that the robot measures."""

FIGURES = ("mean", "std", "q01", "q99", "minimum", "maximum")


@dataclass(frozen=True, kw_only=True, slots=True)
class SignalStatistics:
    """Per component of a signal [width], over all steps of a snapshot that have it."""

    num_steps: int
    mean: F64
    std: F64
    q01: F64
    q99: F64
    minimum: F64
    maximum: F64

    def __post_init__(self) -> None:
        for name in FIGURES:
            figure = getattr(self, name)
            object.__setattr__(self, name, frozen_array(name, figure, (len(self.mean),)))


@dataclass(frozen=True, kw_only=True, slots=True)
class EpisodeStatistics:
    """Of one snapshot."""

    snapshot_id: str
    num_steps: int
    signals: Mapping[str, SignalStatistics]
    """`action`, then the measured ones; without those that no step has (imagined episodes)."""


_Row = Annotated[tuple[float, ...], Field(min_length=1)]


class _SignalRecord(Record):
    """A `SignalStatistics`."""

    num_steps: int
    mean: _Row
    std: _Row
    q01: _Row
    q99: _Row
    minimum: _Row
    maximum: _Row


class _StatisticsRecord(Record):
    """The cached form."""

    snapshot_id: str
    num_steps: int
    signals: dict[str, _SignalRecord]


def as_json(statistics: EpisodeStatistics) -> dict[str, object]:
    """What `wvl episodes stats --json` prints, and what is cached."""
    return {
        "snapshot_id": statistics.snapshot_id,
        "num_steps": statistics.num_steps,
        "signals": {
            name: {"num_steps": figures.num_steps}
            | {figure: getattr(figures, figure).tolist() for figure in FIGURES}
            for name, figures in statistics.signals.items()
        },
    }


def actions_of(signals: EpisodeSignals) -> F64:
    """[T, 7] the action decided at each step, in metres and radians."""
    pairs = np.stack([signals.target, signals.decided], axis=1)
    return _ANY_RANGE.differentiate(pairs)[:, 0]


def episode_statistics(view: EpisodeView) -> EpisodeStatistics:
    """Figures over all steps of a view, cached in the store by snapshot.

    Images are not read and episodes pass one by one; the 280 bytes of each step's action and
    measurements are kept, because quantiles are exact (1,000 episodes of 300 steps are 84 MB).
    """
    if not len(view):
        raise StoreError("statistics need at least one episode; the filter leaves none.")
    path = view.layout.cache / f"statistics-{view.snapshot.snapshot_id}.json"
    cached = _load(path)
    if cached is not None and cached.snapshot_id == view.snapshot.snapshot_id:
        return cached
    rows = np.concatenate([_row_per_step(signals) for _, signals in view.signals()])
    widths = {ACTION: ACTION_DIM, **MEASURED}
    columns = np.split(rows, np.cumsum(list(widths.values()))[:-1], axis=1)
    found = {name: _figures(values) for name, values in zip(widths, columns, strict=True)}
    statistics = EpisodeStatistics(
        snapshot_id=view.snapshot.snapshot_id,
        num_steps=len(rows),
        signals={name: figures for name, figures in found.items() if figures is not None},
    )
    _save(path, statistics)
    return statistics


def _row_per_step(signals: EpisodeSignals) -> F64:
    """[T, 35] the action and every measured signal."""
    measured = [getattr(signals, name).reshape(signals.num_steps, -1) for name in MEASURED]
    return np.concatenate([actions_of(signals), *measured], axis=1)


def _figures(values: F64) -> SignalStatistics | None:
    """Of [T, width]; None where no step has them."""
    values = values[~np.isnan(values).any(axis=1)]
    if not len(values):
        return None
    q01, q99 = np.quantile(values, (0.01, 0.99), axis=0)
    return SignalStatistics(
        num_steps=len(values),
        mean=values.mean(axis=0),
        std=values.std(axis=0),
        q01=q01,
        q99=q99,
        minimum=values.min(axis=0),
        maximum=values.max(axis=0),
    )


def _load(path: Path) -> EpisodeStatistics | None:
    try:
        text = parse_journal(read_inside(path.parent, (path.name,), limit=_MAX_CACHE_BYTES))
        record = parse_record(text.records[0], _StatisticsRecord, source=str(path))
        return EpisodeStatistics(
            snapshot_id=record.snapshot_id,
            num_steps=record.num_steps,
            signals={name: _value(figures) for name, figures in record.signals.items()},
        )
    except (OSError, WvlError, IndexError):  # none, or none that can be used: compute
        return None


def _value(record: _SignalRecord) -> SignalStatistics:
    figures = {name: np.array(getattr(record, name)) for name in FIGURES}
    return SignalStatistics(num_steps=record.num_steps, **figures)


def _save(path: Path, statistics: EpisodeStatistics) -> None:
    line = journal_line(as_json(statistics))
    try:
        path.parent.mkdir(exist_ok=True)
        FileSystem().replace_file(path, line)
    except OSError as error:  # a reader may lack the permission; the figures are right all the same
        _LOGGER.info("%s is not cached: %s", path, error)

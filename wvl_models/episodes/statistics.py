"""Statistics of actions over a view: the ranges that an `ActionSpec` normalises with.

The action of a step is the delta from the target in force to the decided setpoint, taken through
`ActionSpec.differentiate`, so that training and execution mean the same thing by it.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

import numpy as np
from pydantic import Field

from wvl_models.contract.action import ACTION_DIM, ActionSpec
from wvl_models.contract.errors import StoreError
from wvl_models.contract.pose import frozen_array
from wvl_models.contract.rotation import F64
from wvl_models.episodes.arrays import EpisodeSignals
from wvl_models.episodes.filesystem import FileSystem, read_inside
from wvl_models.episodes.journal import journal_line, parse_journal
from wvl_models.episodes.records import Record, parse_record
from wvl_models.episodes.views import EpisodeView

_LOGGER = logging.getLogger(__name__)

_MAX_CACHE_BYTES = 1 << 16

_ANY_RANGE = ActionSpec(low=np.zeros(ACTION_DIM), high=np.zeros(ACTION_DIM))
"""`differentiate` does not depend on the range."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ActionStatistics:
    """Per dimension of an action [7], over all steps of a snapshot."""

    snapshot_id: str
    num_steps: int
    mean: F64
    std: F64
    q01: F64
    q99: F64
    minimum: F64
    maximum: F64

    def __post_init__(self) -> None:
        for name in _FIGURES:
            object.__setattr__(self, name, frozen_array(name, getattr(self, name), (ACTION_DIM,)))


_FIGURES = ("mean", "std", "q01", "q99", "minimum", "maximum")

_Row = Annotated[tuple[float, ...], Field(min_length=ACTION_DIM, max_length=ACTION_DIM)]


class _StatisticsRecord(Record):
    """The cached form."""

    snapshot_id: str
    num_steps: int
    mean: _Row
    std: _Row
    q01: _Row
    q99: _Row
    minimum: _Row
    maximum: _Row

    @classmethod
    def of(cls, statistics: ActionStatistics) -> Self:
        """The stored form."""
        figures = {name: tuple(getattr(statistics, name).tolist()) for name in _FIGURES}
        return cls(snapshot_id=statistics.snapshot_id, num_steps=statistics.num_steps, **figures)

    def value(self) -> ActionStatistics:
        """The public form."""
        return ActionStatistics(
            snapshot_id=self.snapshot_id,
            num_steps=self.num_steps,
            **{name: np.array(getattr(self, name)) for name in _FIGURES},
        )


def actions_of(signals: EpisodeSignals) -> F64:
    """[T, 7] the action decided at each step, in metres and radians."""
    pairs = np.stack([signals.target, signals.decided], axis=1)
    return _ANY_RANGE.differentiate(pairs)[:, 0]


def action_statistics(view: EpisodeView) -> ActionStatistics:
    """Figures over all steps of a view, cached in the store by snapshot.

    Images are not read and episodes pass one by one; the 56 bytes of each step's action are kept,
    because quantiles are exact (10,000 episodes of 300 steps are 170 MB).
    """
    if not len(view):
        raise StoreError("statistics need at least one episode; the filter leaves none.")
    path = view.layout.cache / f"actions-{view.snapshot.snapshot_id}.json"
    cached = _load(path)
    if cached is not None and cached.snapshot_id == view.snapshot.snapshot_id:
        return cached
    actions = np.concatenate([actions_of(signals) for _, signals in view.signals()])
    q01, q99 = np.quantile(actions, (0.01, 0.99), axis=0)
    statistics = ActionStatistics(
        snapshot_id=view.snapshot.snapshot_id,
        num_steps=len(actions),
        mean=actions.mean(axis=0),
        std=actions.std(axis=0),
        q01=q01,
        q99=q99,
        minimum=actions.min(axis=0),
        maximum=actions.max(axis=0),
    )
    _save(path, statistics)
    return statistics


def _load(path: Path) -> ActionStatistics | None:
    try:
        text = parse_journal(read_inside(path.parent, (path.name,), limit=_MAX_CACHE_BYTES))
        return parse_record(text.records[0], _StatisticsRecord, source=str(path)).value()
    except (OSError, StoreError, IndexError):  # none, or none that can be used: compute
        return None


def _save(path: Path, statistics: ActionStatistics) -> None:
    line = journal_line(_StatisticsRecord.of(statistics).model_dump(mode="json"))
    try:
        path.parent.mkdir(exist_ok=True)
        FileSystem().replace_file(path, line)
    except OSError as error:  # a reader may lack the permission; the figures are right all the same
        _LOGGER.info("%s is not cached: %s", path, error)

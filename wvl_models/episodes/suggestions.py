"""Suggestions: what a predicate or a world model thinks of an episode. Never a label.

`suggestions.jsonl` is a log like that of the labels, beside it and apart from it: nothing that
reads labels, rewards, views or snapshots reads it. A person takes a suggestion over, or does not.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Self

import numpy as np
from pydantic import Field

from wvl_models.contract.episode import Outcome, check_judgement, intervals_of
from wvl_models.contract.errors import DataError, StoreError
from wvl_models.episodes.filesystem import FileSystem
from wvl_models.episodes.layout import StoreLayout
from wvl_models.episodes.reading import read_manifest
from wvl_models.episodes.record_log import Content, RecordLog
from wvl_models.episodes.records import MAX_STEPS, EpisodeId, IsoTime, Record, parse_record

PREDICATE = "predicate"
"""Source of what follows from the rewards that were recorded with the episode."""

_PERCENT = 100
"""Probabilities are kept in whole percent: no reward head is calibrated better than that."""

_PERCENTS = bytes(range(_PERCENT + 1))
"""Every value that a step may have."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Suggestion:
    """How an episode may have ended, according to something that is no person."""

    source: str
    """`predicate`, or `world_model:<version>`."""
    outcome: Outcome
    success_intervals: tuple[tuple[int, int], ...]
    confidence: float
    """0 to 1."""
    success_percent: bytes
    """[T], 0 to 100: how likely the state at each step is a success state. One byte each, because
    ten thousand episodes have millions of them and a list of episodes shows none."""
    stamp_utc: str = ""

    def __post_init__(self) -> None:
        check_judgement(self.success_intervals, self.confidence)
        end = self.success_intervals[-1][1] if self.success_intervals else 0
        if end > self.num_steps:
            raise DataError(f"success_intervals reach step {end} of {self.num_steps} steps.")
        if not self.source:
            raise DataError("a suggestion needs a source.")
        if self.success_percent.translate(None, _PERCENTS):
            raise DataError("success_percent must lie in 0 to 100.")

    @property
    def num_steps(self) -> int:
        """T."""
        return len(self.success_percent)

    @property
    def success_probabilities(self) -> tuple[float, ...]:
        """[T], 0 to 1."""
        return tuple(percent / _PERCENT for percent in self.success_percent)


def judged(success: Sequence[bool] | np.ndarray) -> tuple[Outcome, tuple[tuple[int, int], ...]]:
    """Outcome and success intervals of an episode whose success states [T] are known.

    Success means that the last state is one. A success that was lost again (a slip) is a
    near-success; what came close without ever succeeding, only a person can tell from a failure.
    """
    intervals = intervals_of(np.asarray(success, dtype=np.float32))
    if not intervals:
        return Outcome.FAILURE, ()
    is_last = intervals[-1][1] == len(success)
    return (Outcome.SUCCESS if is_last else Outcome.NEAR_SUCCESS), intervals


def predicate_suggestion(rewards: np.ndarray) -> Suggestion | None:
    """What the recorded rewards [T] say; None where the predicate could not judge every step."""
    if np.isnan(rewards).any():
        return None
    outcome, intervals = judged(rewards > 0.5)
    return Suggestion(
        source=PREDICATE,
        outcome=outcome,
        success_intervals=intervals,
        confidence=1.0,
        success_percent=_percent(rewards),
    )


def model_suggestion(
    source: str, success_probabilities: np.ndarray, threshold: float
) -> Suggestion:
    """What a reward head's probabilities [T] say under the threshold that it is used with.

    The confidence is that of the steps on which the outcome hangs, the last one or the most
    successful one: how far they are from the threshold, 1 where they could not be farther.
    """
    p = np.clip(np.asarray(success_probabilities, dtype=np.float64), 0.0, 1.0)
    outcome, intervals = judged(p > threshold)
    decisive = {
        Outcome.SUCCESS: [p[-1]],
        Outcome.NEAR_SUCCESS: [p.max(), p[-1]],
        Outcome.FAILURE: [p.max()],
    }[outcome]
    return Suggestion(
        source=source,
        outcome=outcome,
        success_intervals=intervals,
        confidence=min(_margin(float(value), threshold) for value in decisive),
        success_percent=_percent(p),
    )


def _percent(probabilities: np.ndarray) -> bytes:
    """[T] in 0 to 1, rounded."""
    return np.rint(np.asarray(probabilities) * _PERCENT).astype(np.uint8).tobytes()


def _margin(probability: float, threshold: float) -> float:
    """How far from the threshold, as a share of what is possible on that side."""
    if probability > threshold:
        return (probability - threshold) / (1.0 - threshold)
    return (threshold - probability) / threshold


class _SuggestionRecord(Record):
    """A `Suggestion` of one episode."""

    episode_id: EpisodeId
    source: Annotated[str, Field(min_length=1)]
    stamp_utc: IsoTime
    outcome: Outcome
    success_intervals: tuple[tuple[int, int], ...]
    confidence: float
    success_percent: Annotated[str, Field(pattern=r"^(?:[0-9a-f]{2})+$", max_length=2 * MAX_STEPS)]
    """Two hex digits per step: a list of numbers takes five times as long to read."""

    @classmethod
    def of(cls, episode_id: str, given: Suggestion) -> Self:
        """The stored form."""
        content = {
            "episode_id": episode_id,
            "source": given.source,
            "stamp_utc": given.stamp_utc or datetime.now(UTC).isoformat(timespec="milliseconds"),
            "outcome": given.outcome,
            "success_intervals": given.success_intervals,
            "confidence": given.confidence,
            "success_percent": given.success_percent.hex(),
        }
        return parse_record(content, cls, source="the suggestion")


_Entry = tuple[str, Suggestion]
"""Episode and what is suggested of it."""


class Suggestions:
    """The suggestions of one store, to read and to add to. Needs no store lock; any thread."""

    def __init__(self, files: FileSystem, layout: StoreLayout) -> None:
        self._layout = layout
        self._log: RecordLog[_Entry] = RecordLog(files, layout.suggestions, _entry)

    def add(self, episode_id: str, suggestion: Suggestion) -> None:
        """Append; it replaces what the same source suggested before. On the disk on return."""
        num_steps = read_manifest(self._layout, episode_id).num_steps
        if suggestion.num_steps != num_steps:
            raise StoreError(
                f"the suggestion has {suggestion.num_steps} steps, episode {episode_id} has "
                f"{num_steps}."
            )
        self._log.append(_SuggestionRecord.of(episode_id, suggestion).model_dump(mode="json"))

    def by_episode(self) -> dict[str, tuple[Suggestion, ...]]:
        """The newest suggestion of each source, newest last."""
        found: dict[str, list[_Entry]] = {}
        for entry in self._log.values():
            if entry is not None:
                found.setdefault(entry[0], []).append(entry)
        return {episode_id: _newest(entries) for episode_id, entries in found.items()}

    def of(self, episode_id: str) -> tuple[Suggestion, ...]:
        """The newest suggestion of each source for one episode, newest last."""
        return _newest(entry for entry in self._log.values() if entry and entry[0] == episode_id)

    @property
    def path(self) -> Path:
        """The log."""
        return self._log.path

    def repair(self, keep_original: Path) -> int:
        """See `RecordLog.repair`."""
        return self._log.repair(keep_original)


def _newest(entries: Iterable[_Entry]) -> tuple[Suggestion, ...]:
    """The newest of each source, newest last."""
    by_source: dict[str, Suggestion] = {}
    for _, suggestion in entries:
        by_source.pop(suggestion.source, None)
        by_source[suggestion.source] = suggestion
    return tuple(by_source.values())


def _entry(content: Content, source: str) -> _Entry:
    record = parse_record(content, _SuggestionRecord, source=source)
    try:
        suggestion = Suggestion(
            source=record.source,
            outcome=record.outcome,
            success_intervals=record.success_intervals,
            confidence=record.confidence,
            success_percent=bytes.fromhex(record.success_percent),
            stamp_utc=record.stamp_utc,
        )
    except DataError as error:
        raise StoreError(f"{source} is damaged or foreign: {error}") from error
    return record.episode_id, suggestion

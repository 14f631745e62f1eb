"""Labels: who said what of which episode, when, and what is in force. Nothing is ever erased.

An episode's first label lies in its manifest, committed with it; all later ones and every
withdrawal are lines of `labels.jsonl`. Each author keeps the last label not withdrawn; the newest
of these is the current one, and disagreement between authors can be asked for.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from wvl_models.contract.episode import Label, Outcome
from wvl_models.contract.errors import StoreError
from wvl_models.episodes.index import EpisodeFacts
from wvl_models.episodes.label_log import LabelEvent, LabelLog
from wvl_models.episodes.layout import StoreLayout
from wvl_models.episodes.reading import read_manifest
from wvl_models.episodes.records import STORE_AUTHOR, LabelRecord, canonical_json
from wvl_models.episodes.sealing import admit_label

_TOLERATED_STEPS = 5
"""Half a second at 10 Hz: two people who agree still draw an interval that differently."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Disagreement:
    """Authors whose labels of one episode differ."""

    authors: tuple[str, ...]
    outcomes: tuple[Outcome, ...]
    """What they say, each once."""
    num_steps_apart: int
    """Steps that one of them calls success and another does not."""

    def __str__(self) -> str:
        names = ", ".join(self.authors)
        if len(self.outcomes) > 1:
            return f"{names} disagree: {' or '.join(o.value for o in self.outcomes)}"
        return f"{names} agree on {self.outcomes[0].value}, not on {self.num_steps_apart} steps"


class LabelBook:
    """The state of all labels after some number of events. Pure."""

    def __init__(
        self, first_labels: Mapping[str, Label], events: Sequence[LabelEvent | None]
    ) -> None:
        self._first = first_labels
        self._later: dict[str, list[LabelEvent]] = {}
        self.num_events = len(events)
        for event in filter(None, events):
            self._later.setdefault(event.episode_id, []).append(event)

    def history(self, episode_id: str) -> tuple[LabelEvent, ...]:
        """Everything that was ever said of the episode, oldest first."""
        first = self._first.get(episode_id)
        opening = () if first is None else (_opening(episode_id, first),)
        return (*opening, *self._later.get(episode_id, ()))

    def standing(self, episode_id: str) -> tuple[Label, ...]:
        """The label of each author that is in force, oldest first."""
        if episode_id not in self._later:
            first = self._first.get(episode_id)
            return () if first is None else (first,)
        stacks: dict[str, list[tuple[int, Label]]] = {}
        if episode_id in self._first:
            first_label = self._first[episode_id]
            stacks[first_label.author] = [(-1, first_label)]
        for order, event in enumerate(self._later[episode_id]):
            stack = stacks.setdefault(event.author, [])
            if event.label is not None:
                stack.append((order, event.label))
            elif stack:
                stack.pop()
        newest = sorted([stack[-1] for stack in stacks.values() if stack])  # orders differ
        return tuple([label for _, label in newest])

    def current(self, episode_id: str) -> Label | None:
        """The newest label in force, or None."""
        standing = self.standing(episode_id)
        return standing[-1] if standing else None

    def disagreement(self, episode_id: str) -> Disagreement | None:
        """How the labels in force differ, or None where they agree."""
        return disagreement_of(self.standing(episode_id))

    def revision(self, episode_ids: Iterable[str]) -> str:
        """sha256 of the labels in force of these episodes."""
        state = {
            name: [LabelRecord.of(label).model_dump(mode="json") for label in self.standing(name)]
            for name in episode_ids
        }
        return hashlib.sha256(canonical_json(state)).hexdigest()


class Labels:
    """The labels of one store, to read and to add to. Needs no store lock; any thread."""

    def __init__(self, log: LabelLog, layout: StoreLayout) -> None:
        self._log = log
        self._layout = layout

    def book(self, facts: Mapping[str, EpisodeFacts], num_events: int | None = None) -> LabelBook:
        """Labels of these episodes now, or as they were after `num_events` lines of the log."""
        events = self._log.events()
        if num_events is not None and num_events > len(events):
            raise StoreError(
                f"{self._log.path} has {len(events)} records where {num_events} are asked for: "
                "labels have been lost, or this is another store."
            )
        first = {name: row.first_label for name, row in facts.items() if row.first_label}
        return LabelBook(first, events[:num_events])

    def add(self, episode_id: str, label: Label) -> None:
        """Append a label; on the disk when this returns. An empty `stamp_utc` becomes now."""
        given = admit_label(label, read_manifest(self._layout, episode_id).num_steps)
        self._append(episode_id, given.author, given)

    def undo(self, episode_id: str, author: str) -> Label | None:
        """Withdraw the author's label in force; returns what is current after that."""
        standing = self.book_of(episode_id).standing(episode_id)
        if author not in {label.author for label in standing}:
            raise StoreError(f"{author!r} has no label in force on episode {episode_id}.")
        self._append(episode_id, author, None)
        return self.current(episode_id)

    def current(self, episode_id: str) -> Label | None:
        """The newest label in force, or None."""
        return self.book_of(episode_id).current(episode_id)

    def history(self, episode_id: str) -> tuple[LabelEvent, ...]:
        """Everything that was ever said of the episode, oldest first."""
        return self.book_of(episode_id).history(episode_id)

    def disagreement(self, episode_id: str) -> Disagreement | None:
        """How the authors' labels in force differ, or None."""
        return self.book_of(episode_id).disagreement(episode_id)

    def _append(self, episode_id: str, author: str, label: Label | None) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        stamp = now if label is None else label.stamp_utc
        event = LabelEvent(episode_id=episode_id, author=author, stamp_utc=stamp, label=label)
        self._log.append(event)

    def book_of(self, episode_id: str) -> LabelBook:
        """The labels of one episode, without a look at the others."""
        manifest = read_manifest(self._layout, episode_id)
        first = {} if manifest.first_label is None else {episode_id: manifest.first_label.value()}
        events = self._log.events()
        return LabelBook(first, [e for e in events if e and e.episode_id == episode_id])


def disagreement_of(standing: Sequence[Label]) -> Disagreement | None:
    """How labels of one episode differ, or None where they agree; the store has no opinion."""
    if len(standing) < 2:
        return None
    opinions = [label for label in standing if label.author != STORE_AUTHOR]
    outcomes = tuple(sorted({label.outcome for label in opinions}))
    apart = _steps_apart(opinions)
    if len(outcomes) < 2 and apart <= _TOLERATED_STEPS:
        return None
    return Disagreement(
        authors=tuple(label.author for label in opinions),
        outcomes=outcomes,
        num_steps_apart=apart,
    )


def _steps_apart(labels: Sequence[Label]) -> int:
    """Steps that some of them call success and others do not."""
    if len({label.success_intervals for label in labels}) < 2:
        return 0
    intervals = [interval for label in labels for interval in label.success_intervals]
    edges = sorted([(first, 1) for first, _ in intervals] + [(last, -1) for _, last in intervals])
    num_steps, num_inside, since = 0, 0, 0
    for step, change in edges:
        if 0 < num_inside < len(labels):
            num_steps += step - since
        num_inside, since = num_inside + change, step
    return num_steps


def _opening(episode_id: str, label: Label) -> LabelEvent:
    return LabelEvent(
        episode_id=episode_id, author=label.author, stamp_utc=label.stamp_utc, label=label
    )

"""The store beside a dictionary: any order of operations, crashes included, and what must agree."""

import shutil
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    precondition,
    rule,
)

from wvl_models.contract.episode import Label, Outcome
from wvl_models.contract.examples import example_header
from wvl_models.episodes.arrays import EpisodeArrays
from wvl_models.episodes.examples import example_steps
from wvl_models.episodes.snapshot import Snapshot
from wvl_models.episodes.store import EpisodeStore
from wvl_models.episodes.writer import EpisodeWriter
from wvl_robot.faults.failing_disk import FailingDisk

AUTHORS = st.sampled_from(["ann", "bob"])
OUTCOMES = st.sampled_from([Outcome.SUCCESS, Outcome.NEAR_SUCCESS, Outcome.FAILURE])
STEPS = example_steps(np.random.default_rng(0), 12, width=4, height=4)
ARRAYS = EpisodeArrays.from_steps(STEPS)


@dataclass
class Expected:
    """What an episode must be."""

    num_steps: int
    labels: dict[str, list[Outcome]] = field(default_factory=dict)
    """Stack of each author; the order of authors is that of their newest label."""

    def add(self, author: str, outcome: Outcome) -> None:
        """The author's newest label."""
        stack = self.labels.pop(author, [])
        self.labels[author] = [*stack, outcome]

    @property
    def is_labelled_by(self) -> set[str]:
        """Authors with a label in force."""
        return {author for author, stack in self.labels.items() if stack}


class StoreMachine(RuleBasedStateMachine):
    """Rules: begin, append, commit, abort, add, crash and repair, label, undo, snapshot."""

    episodes = Bundle("episodes")
    recordings = Bundle("recordings")
    snapshots = Bundle("snapshots")

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="wvl-model-"))
        self.store = EpisodeStore.create(self.root / "store", FailingDisk())
        self.model: dict[str, Expected] = {}
        self.open: dict[str, tuple[EpisodeWriter, int]] = {}
        self.number = 0

    def teardown(self) -> None:
        """Nothing stays."""
        self.store.close()
        shutil.rmtree(self.root)

    @initialize()
    def nothing(self) -> None:
        """A new store is empty."""
        assert self.store.ids() == ()

    def _name(self) -> str:
        self.number += 1
        return f"e{self.number:03d}"

    def _header(self, name: str):
        return replace(example_header(np.random.default_rng(0)), episode_id=name)

    @rule(target=episodes, num_steps=st.integers(1, 4), outcome=st.none() | OUTCOMES)
    def add(self, num_steps: int, outcome: Outcome | None) -> str:
        """A whole episode at once."""
        name = self._name()
        label = None if outcome is None else Label(outcome=outcome, author="ann")
        arrays = EpisodeArrays.from_steps(STEPS[:num_steps])
        self.store.add(self._header(name), arrays, label)
        self.model[name] = Expected(num_steps)
        if outcome is not None:
            self.model[name].add("ann", outcome)
        return name

    @rule(target=recordings)
    def begin(self) -> str:
        """Start a recording."""
        name = self._name()
        self.open[name] = (self.store.begin(self._header(name)), 0)
        return name

    @rule(name=recordings)
    def append(self, name: str) -> None:
        """One more step."""
        if name in self.open and self.open[name][1] < len(STEPS):
            writer, count = self.open[name]
            writer.append(STEPS[count])
            self.open[name] = (writer, count + 1)

    @rule(target=episodes, name=consumes(recordings), outcome=OUTCOMES)
    def commit(self, name: str, outcome: Outcome) -> str:
        """End a recording with a label; an empty one is given up."""
        writer, count = self.open.pop(name, (None, 0))
        if writer is not None and count:
            writer.commit(Label(outcome=outcome, author="bob"))
            self.model[name] = Expected(count)
            self.model[name].add("bob", outcome)
        elif writer is not None:
            writer.abort("empty")
        return name

    @rule(target=episodes, name=consumes(recordings))
    def abort(self, name: str) -> str:
        """Give a recording up."""
        writer, count = self.open.pop(name, (None, 0))
        if writer is not None:
            writer.abort("test")
            self._aborted(name, count)
        return name

    @rule(reopens=st.booleans())
    def crash_and_repair(self, reopens: bool) -> None:
        """The process dies with all its recordings; the next one repairs."""
        self.store.close()
        self.store = EpisodeStore(self.root / "store", FailingDisk())
        if reopens:
            self.store.layout.index.unlink(missing_ok=True)
        self.store.repair()
        for name, (_, count) in self.open.items():
            self._aborted(name, count)
        self.open.clear()

    def _aborted(self, name: str, count: int) -> None:
        if count:
            self.model[name] = Expected(count)
            self.model[name].add("store", Outcome.ABORTED)

    @rule(name=episodes, author=AUTHORS, outcome=OUTCOMES)
    def label(self, name: str, author: str, outcome: Outcome) -> None:
        """Label an episode."""
        if name in self.model:
            self.store.labels.add(name, Label(outcome=outcome, author=author))
            self.model[name].add(author, outcome)

    @rule(name=episodes, author=AUTHORS)
    def undo(self, name: str, author: str) -> None:
        """Take a label back."""
        if name in self.model and author in self.model[name].is_labelled_by:
            self.store.labels.undo(name, author)
            self.model[name].labels[author].pop()

    @rule(name=consumes(episodes))
    def set_aside(self, name: str) -> None:
        """Take an episode out."""
        if self.model.pop(name, None) is not None:
            self.store.set_aside(name)

    @rule(target=snapshots)
    def snapshot(self) -> tuple[Snapshot, dict[str, frozenset[Outcome]]]:
        """Note what is there."""
        state = {name: self._standing(name) for name in self.store.ids()}
        return self.store.snapshot(), state

    @rule(taken=snapshots)
    def snapshot_still_holds(self, taken) -> None:
        """What was noted is what is read, however long ago."""
        snapshot, state = taken
        if not set(state) <= set(self.model):
            return
        view = self.store.view_of(snapshot)
        assert {n: _outcomes(view.labels.standing(n)) for n in view.ids} == state

    def _standing(self, name: str) -> frozenset[Outcome]:
        return frozenset(stack[-1] for stack in self.model[name].labels.values() if stack)

    @invariant()
    def holds_exactly_the_committed_episodes(self) -> None:
        """No more, no fewer."""
        assert set(self.store.ids()) == set(self.model)

    @invariant()
    def summary_agrees(self) -> None:
        """Steps, authors and labels in force."""
        for row in self.store.summary():
            expected = self.model[row.facts.episode_id]
            assert row.facts.num_steps == expected.num_steps
            assert len(row.authors) == len(expected.is_labelled_by - {"store"})
            assert _outcomes(
                self.store.labels.book({row.facts.episode_id: row.facts}).standing(
                    row.facts.episode_id
                )
            ) == self._standing(row.facts.episode_id)

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def reads_what_was_written(self, data: st.DataObject) -> None:
        """Byte for byte."""
        name = data.draw(st.sampled_from(sorted(self.model)))
        read = self.store.read(name)
        assert np.array_equal(read.rgb, ARRAYS.rgb[: self.model[name].num_steps])
        assert np.array_equal(read.sent, ARRAYS.sent[: self.model[name].num_steps])
        assert self.store.verify(name) == ()


def _outcomes(labels: tuple[Label, ...]) -> frozenset[Outcome]:
    return frozenset(label.outcome for label in labels)

"""A fixed set of episodes under fixed labels: what training reads.

A view of a snapshot gives the same data for ever, however the store grows and whoever relabels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from wvl_models.contract.camera import F32
from wvl_models.contract.episode import EpisodeHeader, Label, Outcome
from wvl_models.contract.errors import StoreError
from wvl_models.contract.observation import U8
from wvl_models.episodes.arrays import EpisodeArrays, EpisodeSignals
from wvl_models.episodes.index import EpisodeFacts
from wvl_models.episodes.labels import LabelBook
from wvl_models.episodes.layout import StoreLayout
from wvl_models.episodes.reading import read_arrays, read_manifest, read_rgb, read_signals
from wvl_models.episodes.records import Manifest
from wvl_models.episodes.snapshot import EpisodeFilter, Snapshot, SnapshotEntry
from wvl_models.episodes.windows import Padding, Window, cut_windows


@dataclass(frozen=True, slots=True)
class EpisodeView:
    """Episodes of a store by id, with the labels that count. Reads from disk at every call."""

    layout: StoreLayout
    snapshot: Snapshot
    """What this view is; note it where a result is noted."""
    facts: dict[str, EpisodeFacts]
    labels: LabelBook

    @property
    def ids(self) -> tuple[str, ...]:
        """Episodes of the view, sorted."""
        return tuple(self.facts)

    def __len__(self) -> int:
        return len(self.facts)

    def header(self, episode_id: str) -> EpisodeHeader:
        """What was known before the first step."""
        return self._manifest(episode_id).header.value()

    def label(self, episode_id: str) -> Label | None:
        """The label that counts."""
        self._require(episode_id)
        return self.labels.current(episode_id)

    def read(self, episode_id: str) -> EpisodeArrays:
        """The whole episode."""
        return read_arrays(self.layout, self._manifest(episode_id))

    def read_signals(self, episode_id: str) -> EpisodeSignals:
        """Everything but the images."""
        return read_signals(self.layout, self._manifest(episode_id))

    def rewards(self, episode_id: str) -> F32:
        """[T] of 0 and 1; see `rewards_of`."""
        signals = self.read_signals(episode_id)
        return rewards_of(self.label(episode_id), signals.reward)

    def windows(
        self, *, length: int, stride: int = 1, padding: Padding = Padding.NONE
    ) -> tuple[Window, ...]:
        """Windows of all episodes, see `cut_windows`."""
        num_steps = {name: facts.num_steps for name, facts in self.facts.items()}
        return cut_windows(num_steps, length=length, stride=stride, padding=padding)

    def read_rgb(self, window: Window) -> U8:
        """[window.length, H, W, 3]; the last real frame stands in for those missing."""
        rgb = read_rgb(self.layout, self._manifest(window.episode_id), window.start, window.stop)
        return rgb if window.num_real == window.length else rgb[window.indices() - window.start]

    def signals(self) -> Iterator[tuple[str, EpisodeSignals]]:
        """All episodes one by one, without their images."""
        for episode_id in self.facts:
            yield episode_id, self.read_signals(episode_id)

    def _require(self, episode_id: str) -> EpisodeFacts:
        if episode_id not in self.facts:
            raise StoreError(f"episode {episode_id} is not in this view of {self.layout.root}.")
        return self.facts[episode_id]

    def _manifest(self, episode_id: str) -> Manifest:
        facts = self._require(episode_id)
        manifest = read_manifest(self.layout, episode_id)
        if manifest.digest != facts.digest:
            raise StoreError(f"episode {episode_id} is not the one of this view: it was replaced.")
        return manifest


def rewards_of(label: Label | None, recorded: Sequence[float] | F32) -> F32:
    """[T] of 0 and 1: from the label if there is one, else as recorded (NaN counts as 0).

    A label of success that names no interval means that the episode ended in success: its last
    step is the success state.
    """
    if label is None:
        return np.nan_to_num(np.asarray(recorded, dtype=np.float32), nan=0.0)
    rewards = label.rewards(len(recorded)).astype(np.float32)
    if label.outcome is Outcome.SUCCESS and not label.success_intervals:
        rewards[-1] = 1.0
    return rewards


def view_now(
    layout: StoreLayout, wanted: EpisodeFilter, facts: dict[str, EpisodeFacts], labels: LabelBook
) -> EpisodeView:
    """The view of what a filter admits among `facts`, and its snapshot."""
    chosen = {n: row for n, row in facts.items() if wanted.admits(row, labels.current(n))}
    snapshot = Snapshot(
        filter=wanted,
        entries=tuple(SnapshotEntry(episode_id=n, digest=row.digest) for n, row in chosen.items()),
        num_label_events=labels.num_events,
        label_revision=labels.revision(chosen),
    )
    return EpisodeView(layout, snapshot, chosen, labels)


def view_of(
    layout: StoreLayout, snapshot: Snapshot, facts: dict[str, EpisodeFacts], labels: LabelBook
) -> EpisodeView:
    """The view of a snapshot, under `labels` as they were then; StoreError unless all is here."""
    for entry in snapshot.entries:
        row = facts.get(entry.episode_id)
        if row is None or row.digest != entry.digest:
            state = "missing" if row is None else "another one"
            raise StoreError(
                f"episode {entry.episode_id} of snapshot {snapshot.snapshot_id} is {state} in "
                f"{layout.root}."
            )
    chosen = {entry.episode_id: facts[entry.episode_id] for entry in snapshot.entries}
    if labels.revision(chosen) != snapshot.label_revision:
        raise StoreError(
            f"the labels of {layout.root} are not those of snapshot {snapshot.snapshot_id}: its "
            "label log has been changed or replaced."
        )
    return EpisodeView(layout, snapshot, chosen, labels)

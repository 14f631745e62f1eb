"""A dataset version: which episodes, byte for byte, under which labels. What a training run notes.

Episodes never change and labels are only appended, so the list of digests and the length of the
label log are enough to get the same data again; the label revision proves that it is the same.
"""

import hashlib
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field

from wvl_models.contract.episode import Label, Origin, Outcome
from wvl_models.contract.errors import StoreError
from wvl_models.episodes.filesystem import FileSystem, read_inside, store_errors
from wvl_models.episodes.index import EpisodeFacts
from wvl_models.episodes.records import (
    Digest,
    EpisodeId,
    Record,
    canonical_json,
    parse_json,
    parse_record,
    render_document,
)

_MAX_SNAPSHOT_BYTES = 1 << 28
"""2 million episodes."""


class EpisodeFilter(Record):
    """Which episodes; None lets everything through."""

    ids: tuple[EpisodeId, ...] | None = None
    tasks: tuple[str, ...] | None = None
    outcomes: tuple[Outcome, ...] | None = None
    """By the current label; an episode without one has no outcome and is left out."""
    origins: tuple[Origin, ...] | None = None
    policy_versions: tuple[str, ...] | None = None
    """Episodes in which one of these decided at least one step."""

    def admits(self, facts: EpisodeFacts, label: Label | None) -> bool:
        """Whether an episode with this label is wanted."""
        return (
            (self.ids is None or facts.episode_id in self.ids)
            and (self.tasks is None or facts.task in self.tasks)
            and (self.origins is None or facts.origin in self.origins)
            and (self.outcomes is None or (label is not None and label.outcome in self.outcomes))
            and (
                self.policy_versions is None
                or not set(self.policy_versions).isdisjoint(facts.policy_versions)
            )
        )


class SnapshotEntry(Record):
    """One episode of a snapshot."""

    episode_id: EpisodeId
    digest: Digest


class Snapshot(Record):
    """Episodes and the state of their labels; equal content has an equal `snapshot_id`."""

    filter: EpisodeFilter
    """What was asked for; the entries are what counts."""
    entries: tuple[SnapshotEntry, ...]
    num_label_events: Annotated[int, Field(ge=0)]
    """The label log's length: its first so many lines are in force."""
    label_revision: Digest
    """Digest of the labels in force of these episodes."""

    @property
    def snapshot_id(self) -> str:
        """Sixteen hex digits over episodes and labels, whatever the filter and the log's length."""
        content = {
            "entries": [entry.model_dump() for entry in self.entries],
            "label_revision": self.label_revision,
        }
        return hashlib.sha256(canonical_json(content)).hexdigest()[:16]

    def save(self, path: Path) -> None:
        """Write as JSON, beside and renamed."""
        document = {"snapshot_id": self.snapshot_id, "snapshot": self.model_dump(mode="json")}
        with store_errors(f"write the snapshot {path}"):
            FileSystem().replace_file(path, render_document(document))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote; StoreError where it is something else or was edited."""
        with store_errors(f"read the snapshot {path}"):
            data = read_inside(path.parent, (path.name,), limit=_MAX_SNAPSHOT_BYTES)
        document = parse_json(data, source=str(path))
        snapshot = parse_record(document.get("snapshot"), cls, source=str(path))
        if document.get("snapshot_id") != snapshot.snapshot_id:
            raise StoreError(f"{path} has been edited: its content is {snapshot.snapshot_id}.")
        return snapshot

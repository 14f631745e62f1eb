"""The store: one folder of episodes and their labels; every other room comes through here.

Any number of processes may read and label; one may record. Nothing acknowledged is lost by a
crash, nothing unacknowledged is visible, and nothing damaged is read as if it were whole.
"""

import os
from pathlib import Path
from types import TracebackType
from typing import Self

from wvl_models.contract.camera import F32
from wvl_models.contract.episode import EpisodeHeader, Label
from wvl_models.contract.errors import StoreError
from wvl_models.contract.observation import U8
from wvl_models.episodes.adding import add_episode
from wvl_models.episodes.arrays import EpisodeArrays, EpisodeSignals
from wvl_models.episodes.bulk import no_collections
from wvl_models.episodes.filesystem import FileSystem, store_errors
from wvl_models.episodes.index import EpisodeFacts, EpisodeIndex
from wvl_models.episodes.label_log import LabelLog
from wvl_models.episodes.labels import Labels
from wvl_models.episodes.layout import StoreLayout
from wvl_models.episodes.lock import StoreLock
from wvl_models.episodes.marker import check_store, create_store
from wvl_models.episodes.overview import SummaryRow, summary_row
from wvl_models.episodes.reading import read_arrays, read_manifest, read_rgb, read_signals
from wvl_models.episodes.records import Ending
from wvl_models.episodes.repair import Log, Repair, move_aside, repair_log, repair_staging
from wvl_models.episodes.snapshot import EpisodeFilter, Snapshot
from wvl_models.episodes.suggestions import Suggestions
from wvl_models.episodes.verify import Damage, verify_episode
from wvl_models.episodes.views import EpisodeView, rewards_of, view_now, view_of
from wvl_models.episodes.writer import EpisodeWriter, WriterState

_FREE_FACTOR = 2
"""A new episode needs room for twice the largest one (fault plan, row 10)."""

_LEAST_FREE_BYTES = 64 << 20
"""And for this at least: 70 raw 640x480 frames, far more of rendered ones."""


class EpisodeStore:
    """Opens a store. Reading and labelling need no lock; the first write takes it until `close`."""

    def __init__(self, root: Path, files: FileSystem | None = None) -> None:
        """`files` is the disk, replaceable by tests. StoreError where `root` is no store."""
        self.layout = StoreLayout(root)
        self._files = files or FileSystem()
        check_store(self.layout)
        self._lock = StoreLock(root)
        self._index = EpisodeIndex(self._files, self.layout)
        self._log = LabelLog(self._files, self.layout.labels)
        self._writers: list[EpisodeWriter] = []
        self.labels = Labels(self._log, self.layout)
        self.suggestions = Suggestions(self._files, self.layout)

    @classmethod
    def create(cls, root: Path, files: FileSystem | None = None) -> "EpisodeStore":
        """Make a store in a new or empty folder and open it; opens it where there is one."""
        layout = StoreLayout(root)
        if not layout.marker.exists():
            create_store(files or FileSystem(), layout)
        return cls(root, files)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def root(self) -> Path:
        """The store's folder."""
        return self.layout.root

    def lock(self) -> None:
        """Become the one writer now, and not at the first write; StoreError if there is another."""
        self._lock.acquire()

    def close(self) -> None:
        """Let others write. End every `EpisodeWriter` before."""
        self._lock.release()

    def begin(self, header: EpisodeHeader) -> EpisodeWriter:
        """Start to record an episode step by step."""
        largest = max((row.num_bytes for row in self._index.facts()[0].values()), default=0)
        self._prepare(header.episode_id, max(_FREE_FACTOR * largest, _LEAST_FREE_BYTES))
        writer = EpisodeWriter(self._files, self.layout, header, self._index.add)
        self._writers = [w for w in self._writers if w.state is WriterState.OPEN] + [writer]
        return writer

    def add(
        self,
        header: EpisodeHeader,
        arrays: EpisodeArrays,
        label: Label | None = None,
        ending: Ending = Ending.COMMITTED,
    ) -> str:
        """Commit an episode that lies in memory; on the disk when this returns its id.

        `ending` is how its recording ended, where that was elsewhere.
        """
        self._prepare(header.episode_id, _FREE_FACTOR * arrays.rgb.nbytes)
        manifest = add_episode(self._files, self.layout, header, arrays, label, ending)
        self._index.add(manifest)
        return header.episode_id

    def repair(self) -> tuple[Repair, ...]:
        """Deal with everything that a crash left behind; says what became of it."""
        self._lock.acquire()
        is_recording = [w.episode_id for w in self._writers if w.state is WriterState.OPEN]
        if is_recording:
            raise StoreError(f"cannot repair while episode {is_recording[0]} is being recorded.")
        with store_errors(f"repair the episode store at {self.root}"):
            names = sorted(entry.name for entry in self.layout.folders_in(self.layout.all_staging))
            repairs = [repair_staging(self._files, self.layout, name) for name in names]
            for repair in repairs:
                if repair.manifest is not None:
                    self._index.add(repair.manifest)
            logs: tuple[Log, ...] = (self._log, self.suggestions)
            lost = [found for log in logs for found in repair_log(self._files, self.layout, log)]
            return (*repairs, *lost)

    def set_aside(self, episode_id: str) -> Path:
        """Take a damaged episode out of the store, without deleting it; returns where it lies."""
        self._lock.acquire()
        with store_errors(f"set episode {episode_id} aside"):
            return move_aside(self._files, self.layout, self.layout.episode(episode_id))

    def ids(self) -> tuple[str, ...]:
        """All committed episodes, readable or not, sorted."""
        with store_errors(f"list the episodes of {self.root}"):
            entries = self.layout.folders_in(self.layout.episodes)
            return tuple(sorted(entry.name for entry in entries))

    def unreadable(self) -> dict[str, str]:
        """Episodes whose manifest is damaged, with the reason; `summary` leaves them out."""
        return self._index.facts()[1]

    def summary(self, wanted: EpisodeFilter | None = None) -> tuple[SummaryRow, ...]:
        """One row for each readable episode, sorted by id."""
        return self.overview(wanted)[0]

    @no_collections()
    def overview(
        self, wanted: EpisodeFilter | None = None
    ) -> tuple[tuple[SummaryRow, ...], dict[str, str]]:
        """`summary` and `unreadable` of one look at the disk."""
        facts, damaged = self._index.facts()
        book, suggestions = self.labels.book(facts), self.suggestions.by_episode()
        rows = (summary_row(row, book, suggestions) for row in facts.values())
        chosen = (row for row in rows if wanted is None or wanted.admits(row.facts, row.label))
        return tuple(chosen), damaged

    def summary_of(self, episode_id: str) -> SummaryRow:
        """The row of one episode, without a look at the others."""
        facts = self.facts(episode_id)
        book = self.labels.book_of(episode_id)
        return summary_row(facts, book, {episode_id: self.suggestions.of(episode_id)})

    def header(self, episode_id: str) -> EpisodeHeader:
        """What was known before the first step."""
        return read_manifest(self.layout, episode_id).header.value()

    def facts(self, episode_id: str) -> EpisodeFacts:
        """Size, ending, digest and first label of an episode."""
        return EpisodeFacts.of(read_manifest(self.layout, episode_id))

    def read(self, episode_id: str) -> EpisodeArrays:
        """The whole episode; StoreError names the file where anything is damaged."""
        return read_arrays(self.layout, read_manifest(self.layout, episode_id))

    def read_signals(self, episode_id: str) -> EpisodeSignals:
        """Everything but the images."""
        return read_signals(self.layout, read_manifest(self.layout, episode_id))

    def read_rgb_window(self, episode_id: str, start: int, stop: int) -> U8:
        """Frames `start` to `stop` (exclusive), [stop - start, H, W, 3]."""
        return read_rgb(self.layout, read_manifest(self.layout, episode_id), start, stop)

    def rewards(self, episode_id: str) -> F32:
        """[T] of 0 and 1 under the current label; see `views.rewards_of`."""
        return rewards_of(self.labels.current(episode_id), self.read_signals(episode_id).reward)

    def verify(self, episode_id: str) -> tuple[Damage, ...]:
        """Every damage of an episode, by file; empty when it is as it was committed."""
        with store_errors(f"verify episode {episode_id}"):
            return verify_episode(self.layout, episode_id)

    def strays(self) -> tuple[str, ...]:
        """What lies among the episodes and is none: links, files, names that are no id."""
        with store_errors(f"list {self.layout.episodes}"):
            return self.layout.strays_in(self.layout.episodes)

    def log_damages(self) -> tuple[str, ...]:
        """What is wrong with the logs of labels and suggestions."""
        damages = []
        for read in (self._log.events, self.suggestions.by_episode):
            try:
                read()
            except StoreError as error:
                damages.append(str(error))
        return tuple(damages)

    def snapshot(self, wanted: EpisodeFilter | None = None) -> Snapshot:
        """The episodes that a filter admits, and their labels, as they are now."""
        return self.view(wanted).snapshot

    def view(self, wanted: EpisodeFilter | None = None) -> EpisodeView:
        """The episodes that a filter admits now, and only those, whatever happens later."""
        facts, damaged = self._index.facts()
        if damaged:
            raise StoreError(
                f"{len(damaged)} of the episodes at {self.root} cannot be read: "
                f"{', '.join(sorted(damaged)[:5])}. Put a backup in place, or take them out with "
                "`wvl episodes repair --set-aside ID`."
            )
        return view_now(self.layout, wanted or EpisodeFilter(), facts, self.labels.book(facts))

    def view_of(self, snapshot: Snapshot) -> EpisodeView:
        """The episodes and labels of a snapshot; StoreError unless all are here, unchanged."""
        facts, _ = self._index.facts()
        book = self.labels.book(facts, snapshot.num_label_events)
        return view_of(self.layout, snapshot, facts, book)

    def _prepare(self, episode_id: str, num_bytes: int) -> None:
        """Lock, and refuse what cannot end well."""
        self._lock.acquire()
        if os.path.lexists(self.layout.episode(episode_id)):
            raise StoreError(f"there is an episode {episode_id} already in {self.root}.")
        if os.path.lexists(self.layout.staging(episode_id).folder):
            raise StoreError(
                f"episode {episode_id} is being recorded, or was when its process died; in that "
                "case `wvl episodes repair` keeps its complete steps."
            )
        with store_errors(f"look at the free space of {self.root}"):
            free = self._files.free_bytes(self.root)
        if free < num_bytes:
            raise StoreError(
                f"cannot begin episode {episode_id}: the disk of {self.root} has "
                f"{free / 1e6:.0f} MB free and an episode may need {num_bytes / 1e6:.0f} MB. "
                "Free some space first."
            )

"""The file behind the labels: one checksummed line per event, appended and synced under a lock.

The lock is the file's own and held for one append, so that a labeller may work while the session
records. Readers take none: an unfinished last line is not there yet.
"""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from wvl_models.contract.episode import Label
from wvl_models.contract.errors import StoreError
from wvl_models.episodes.filesystem import FileSystem, read_at, store_errors
from wvl_models.episodes.journal import journal_line, parse_journal, salvage_journal
from wvl_models.episodes.records import EpisodeId, IsoTime, LabelRecord, Record, parse_record


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelEvent:
    """Somebody labelled an episode or took a label back."""

    episode_id: str
    author: str
    stamp_utc: str
    label: Label | None
    """None: the author's label in force is withdrawn."""


class _EventRecord(Record):
    """A line of `labels.jsonl`; `number` counts from 0, so that a lost line is noticed."""

    number: Annotated[int, Field(ge=0)]
    episode_id: EpisodeId
    author: Annotated[str, Field(min_length=1)]
    stamp_utc: IsoTime
    label: LabelRecord | None

    def event(self) -> LabelEvent:
        """What it says."""
        return LabelEvent(
            episode_id=self.episode_id,
            author=self.author,
            stamp_utc=self.stamp_utc,
            label=None if self.label is None else self.label.value(),
        )


class LabelLog:
    """Reads `labels.jsonl` as it grows and appends to it. Safe to call from several threads."""

    def __init__(self, files: FileSystem, path: Path) -> None:
        self.path = path
        self._files = files
        self._mutex = threading.Lock()
        self._events: list[LabelEvent | None] = []
        self._num_bytes = 0
        self._inode = -1

    def events(self) -> list[LabelEvent | None]:
        """Everything acknowledged so far, oldest first; StoreError where a line is damaged.

        None stands for a line that `repair` had to give up.
        """
        with self._mutex, store_errors(f"read {self.path}"):
            try:
                descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW)
            except FileNotFoundError:
                return []
            try:
                return self._caught_up(descriptor)
            finally:
                os.close(descriptor)

    def append(self, event: LabelEvent) -> None:
        """Add one event; on the disk when this returns."""
        with self._mutex, store_errors(f"write to {self.path}"), self._locked() as descriptor:
            number = len(self._caught_up(descriptor))
            record = parse_record(
                {
                    "number": number,
                    "episode_id": event.episode_id,
                    "author": event.author,
                    "stamp_utc": event.stamp_utc,
                    "label": None if event.label is None else LabelRecord.of(event.label),
                },
                _EventRecord,
                source="the label",
            )
            self._files.truncate(descriptor, self._num_bytes)  # an unfinished, unacknowledged line
            try:
                self._files.write(descriptor, journal_line(record.model_dump(mode="json")))
                self._files.sync(descriptor)
            except OSError:
                self._files.truncate(descriptor, self._num_bytes)
                raise

    def repair(self, keep_original: Path) -> int:
        """Mark damaged lines as lost so that the others can be read; returns how many.

        The damaged file is copied to `keep_original` first.
        """
        with self._mutex, store_errors(f"repair {self.path}"):
            if not self.path.exists():
                return 0
            with self._locked() as descriptor:
                data = read_at(descriptor, 0, os.fstat(descriptor).st_size)
                lines = salvage_journal(data)
                num_lost = lines.count(None)
                if num_lost:
                    self._files.write_file(keep_original, data)
                    self._files.sync_folder(keep_original.parent)
                    kept = [line or {"number": k, "lost": True} for k, line in enumerate(lines)]
                    self._files.replace_file(self.path, b"".join(map(journal_line, kept)))
                return num_lost

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """The file, created if need be, with its lock held."""
        while True:
            is_new = not self.path.exists()
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
            try:
                if is_new:
                    self._files.sync_folder(self.path.parent)
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                if self.path.lstat().st_ino == os.fstat(descriptor).st_ino:
                    yield descriptor
                    return
            finally:
                os.close(descriptor)
            # `repair` has put a new file in its place while we waited: lock that one.

    def _caught_up(self, descriptor: int) -> list[LabelEvent | None]:
        """Parse what was appended since the last look; None for lines marked as lost."""
        state = os.fstat(descriptor)
        if state.st_ino != self._inode or state.st_size < self._num_bytes:
            self._events, self._num_bytes, self._inode = [], 0, state.st_ino
        data = read_at(descriptor, self._num_bytes, state.st_size - self._num_bytes)
        text = parse_journal(data)
        events = list(self._events)
        for record in text.records:
            events.append(self._parse(record, len(events)))
        if text.damaged_line is not None:
            self._refuse(len(events), "its checksum fails")
        self._events = events
        self._num_bytes += text.num_bytes
        return events

    def _parse(self, data: dict[str, Any], number: int) -> LabelEvent | None:
        """One line (Any: JSON)."""
        if data == {"number": number, "lost": True}:
            return None
        record = parse_record(data, _EventRecord, source=f"{self.path}:{number + 1}")
        if record.number != number:
            self._refuse(number, f"it is numbered {record.number}, so lines are missing")
        return record.event()

    def _refuse(self, number: int, problem: str) -> None:
        raise StoreError(
            f"{self.path} is damaged in line {number + 1}: {problem}. Put a backup in its place, "
            "or let `wvl episodes repair` give that line up; the episodes are not affected."
        )

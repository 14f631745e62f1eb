"""A file of numbered, checksummed records, one a line, appended and synced under a lock.

The lock is the file's own and held for one append, so that a labeller may work while the session
records. Readers take none: an unfinished last line is not there yet. What a record means is the
matter of whoever keeps the log (`label_log`, `suggestion_log`).
"""

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar

from wvl_models.contract.errors import StoreError
from wvl_models.episodes.filesystem import FileSystem, read_at, store_errors
from wvl_models.episodes.journal import journal_line, parse_journal, salvage_journal

ValueT = TypeVar("ValueT")

Content = dict[str, Any]
"""A record without its number (Any: JSON)."""


class RecordLog(Generic[ValueT]):
    """Reads a log as it grows and appends to it. Safe to call from several threads."""

    def __init__(
        self, files: FileSystem, path: Path, parse: Callable[[Content, str], ValueT]
    ) -> None:
        """`parse` gets a record and the place to name in its StoreError."""
        self.path = path
        self._files = files
        self._parse_content = parse
        self._mutex = threading.Lock()
        self._values: list[ValueT | None] = []
        self._num_bytes = 0
        self._inode = -1

    def values(self) -> list[ValueT | None]:
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

    def append(self, content: Content) -> None:
        """Add one record; on the disk when this returns."""
        with self._mutex, store_errors(f"write to {self.path}"), self._locked() as descriptor:
            number = len(self._caught_up(descriptor))
            line = journal_line({"number": number, **content})
            self._files.truncate(descriptor, self._num_bytes)  # an unfinished, unacknowledged line
            try:
                self._files.write(descriptor, line)
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

    def _caught_up(self, descriptor: int) -> list[ValueT | None]:
        """Parse what was appended since the last look; None for lines marked as lost."""
        state = os.fstat(descriptor)
        if state.st_ino != self._inode or state.st_size < self._num_bytes:
            self._values, self._num_bytes, self._inode = [], 0, state.st_ino
        data = read_at(descriptor, self._num_bytes, state.st_size - self._num_bytes)
        text = parse_journal(data)
        values = list(self._values)
        for record in text.records:
            values.append(self._parse(record, len(values)))
        if text.damaged_line is not None:
            self._refuse(len(values), "its checksum fails")
        self._values = values
        self._num_bytes += text.num_bytes
        return values

    def _parse(self, record: Content, number: int) -> ValueT | None:
        if record == {"number": number, "lost": True}:
            return None
        found = record.pop("number", None)
        if found != number:
            self._refuse(number, f"it is numbered {found}, so lines are missing")
        return self._parse_content(record, f"{self.path}:{number + 1}")

    def _refuse(self, number: int, problem: str) -> None:
        raise StoreError(
            f"{self.path} is damaged in line {number + 1}: {problem}. Put a backup in its place, "
            "or let `wvl episodes repair` give that line up; the episodes are not affected."
        )

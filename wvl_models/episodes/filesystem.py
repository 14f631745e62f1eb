"""Every call with which the store touches the disk, in one place.

Writing goes through a `FileSystem` object, so that a test can make each call fail, tear or
vanish. Reading goes through `read_inside`, which never follows a link below the root.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from wvl_models.contract.errors import StoreError

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW


class FileSystem:
    """The real disk. Methods raise OSError; `store_errors` turns that into a sentence."""

    def create(self, path: Path) -> int:
        """Open a file that must not exist; returns its descriptor."""
        return os.open(path, _NEW_FILE, 0o644)

    def reopen(self, path: Path) -> int:
        """Open an existing file for writing, without following a link."""
        return os.open(path, os.O_RDWR | os.O_NOFOLLOW)

    def write(self, descriptor: int, data: bytes) -> None:
        """Write all of `data` at the current position."""
        rest = memoryview(data)
        while len(rest):
            rest = rest[os.write(descriptor, rest) :]

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut the file and go to its end."""
        os.ftruncate(descriptor, size)
        os.lseek(descriptor, size, os.SEEK_SET)

    def sync(self, descriptor: int) -> None:
        """Return when the file's content is on the disk."""
        os.fsync(descriptor)

    def together(self, calls: Sequence[Callable[[], None]]) -> None:
        """Syncs in any order; all have ended when this returns, or raises the first one's error.

        Each waits for a flush of the disk, and those that wait at once share one.
        """
        with ThreadPoolExecutor(len(calls)) as pool:
            begun = [pool.submit(call) for call in calls]
        for call in begun:
            call.result()

    def start_writeback(self, descriptor: int, offset: int, length: int) -> None:
        """Let the kernel begin to write, without waiting, so that `sync` finds little to do.

        Measured over 138 MB: the last fsync takes 3 ms instead of 45.
        """
        with suppress(OSError):  # a hint; not every file system knows it
            os.posix_fadvise(descriptor, offset, length, os.POSIX_FADV_DONTNEED)

    def close(self, descriptor: int) -> None:
        """Give the descriptor back."""
        os.close(descriptor)

    def make_folder(self, path: Path) -> None:
        """Make one folder that must not exist."""
        path.mkdir()

    def sync_folder(self, path: Path) -> None:
        """Return when the names in a folder are on the disk."""
        descriptor = os.open(path, _FOLDER)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        """Move within the store; replaces a file, refuses a folder that holds something."""
        source.rename(target)

    def remove(self, path: Path) -> None:
        """Remove a file, a link (not what it points to), or a folder with what is in it."""
        if stat.S_ISDIR(path.lstat().st_mode):
            for child in sorted(path.iterdir()):
                self.remove(child)
            path.rmdir()
        else:
            path.unlink()

    def free_bytes(self, path: Path) -> int:
        """Space that this user may still fill."""
        state = os.statvfs(path)
        return state.f_bavail * state.f_frsize

    def write_file(self, path: Path, data: bytes) -> None:
        """Create `path` with `data`, on the disk when this returns (its name: `sync_folder`)."""
        descriptor = self.create(path)
        try:
            self.write(descriptor, data)
            self.sync(descriptor)
        finally:
            self.close(descriptor)

    def replace_file(self, path: Path, data: bytes) -> None:
        """Write beside `path` and rename over it: readers see the old or the new content."""
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        if os.path.lexists(beside):
            self.remove(beside)
        self.write_file(beside, data)
        self.rename(beside, path)
        self.sync_folder(path.parent)


@contextmanager
def store_errors(doing: str) -> Iterator[None]:
    """Turn OSError into a StoreError that says what could not be done and what to do."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"cannot {doing}: {_explain(error)}") from error


def _explain(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full. Free some space and try again; nothing was committed."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return (
            f"no permission to write there ({error.strerror}). Check owner and mount of the store."
        )
    if error.errno == errno.ELOOP:
        return "a link lies in the way; the store never follows links."
    if error.errno == errno.EIO:
        return "the disk reports an input/output error. Check it before recording on."
    where = f" ({error.filename})" if error.filename else ""
    return f"{error.strerror or error}{where}."


@contextmanager
def open_inside(root: Path, parts: Sequence[str]) -> Iterator[int]:
    """Descriptor for reading `root/parts...`; no part may be a link, `..` or contain a slash."""
    for part in parts:
        if part in ("", ".", "..") or "/" in part or "\0" in part:
            raise StoreError(f"{'/'.join(parts)!r} is not a path inside an episode store.")
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in parts[:-1]:
            inner = os.open(part, _FOLDER, dir_fd=folder)
            os.close(folder)
            folder = inner
        descriptor = os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    finally:
        os.close(folder)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", "/".join(parts))
        yield descriptor
    finally:
        os.close(descriptor)


def read_inside(root: Path, parts: Sequence[str], *, limit: int) -> bytes:
    """Content of `root/parts...`; raises OSError EFBIG for a file larger than `limit`."""
    with open_inside(root, parts) as descriptor:
        size = os.fstat(descriptor).st_size
        if size > limit:
            raise OSError(errno.EFBIG, f"{size} bytes where at most {limit} belong", parts[-1])
        return read_at(descriptor, 0, size)


def read_at(descriptor: int, offset: int, size: int) -> bytes:
    """Exactly `size` bytes from `offset`, or fewer at the end of the file."""
    pieces = []
    while size > 0:
        piece = os.pread(descriptor, size, offset)
        if not piece:
            break
        pieces.append(piece)
        offset += len(piece)
        size -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)

"""One writer per store: an advisory lock that the kernel drops when its process dies."""

import fcntl
import os
import sys
import weakref
from contextlib import suppress
from pathlib import Path

from wvl_models.contract.errors import StoreError
from wvl_models.episodes.filesystem import store_errors

_LOCK_FILE = "lock"
_MAX_NOTE_BYTES = 500


class StoreLock:
    """`flock` on `root/lock`; the file says who holds it and stays behind, meaning nothing."""

    def __init__(self, root: Path) -> None:
        self._path = root / _LOCK_FILE
        self._descriptor = -1

    @property
    def is_held(self) -> bool:
        """Whether this object holds the lock."""
        return self._descriptor >= 0

    def acquire(self) -> None:
        """Take the lock or raise StoreError that names the holder; harmless when held."""
        if self.is_held:
            return
        with store_errors(f"lock the episode store at {self._path.parent}"):
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                holder = os.pread(descriptor, _MAX_NOTE_BYTES, 0).decode(errors="replace").strip()
                os.close(descriptor)
                if not isinstance(error, BlockingIOError):
                    raise
                raise StoreError(
                    f"the episode store at {self._path.parent} is being written by another "
                    f"process ({holder or 'unknown'}). Wait for it or stop it; reading needs no "
                    "lock."
                ) from error
        self._descriptor = descriptor
        _drop_in_forked_children(self)
        note = f"process {os.getpid()}: {' '.join(sys.argv)}\n".encode()[:_MAX_NOTE_BYTES]
        with suppress(OSError):  # a full disk: the lock holds without the note
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, note, 0)

    def release(self) -> None:
        """Let others write; harmless when repeated."""
        if self.is_held:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)  # for children that share it, too
            self._close()

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        os.close(descriptor)


def _drop_in_forked_children(lock: StoreLock) -> None:
    """A forked child shares the lock and would keep it after its parent's death."""
    reference = weakref.ref(lock)

    def drop() -> None:
        held = reference()
        if held is not None and held.is_held:
            held._close()  # not `release`, which would unlock the parent

    os.register_at_fork(after_in_child=drop)

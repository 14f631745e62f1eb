"""A disk that fails at a chosen call: the real one behind the store's `FileSystem` boundary."""

import errno
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from wvl_models.episodes.filesystem import FileSystem


class Crash(BaseException):
    """The process is gone; not an Exception, so that nothing tidies up after it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """What a call ends in."""

    error: BaseException
    num_written: int = 0
    """Bytes of a write that reach the file all the same."""


Fault = Callable[[int, str, int], Failure | None]
"""Number of the call (from 0), its name and its bytes -> how it fails, or None."""


def no_fault(number: int, call: str, num_bytes: int) -> None:
    """Nothing fails; for counting calls."""


def fails_once(at: int, code: int) -> Fault:
    """Call number `at` raises OSError; half of what it writes is written."""

    def fault(number: int, call: str, num_bytes: int) -> Failure | None:
        if number != at:
            return None
        return Failure(error=_os_error(code, call), num_written=num_bytes // 2)

    return fault


def fails_from(at: int, code: int) -> Fault:
    """Every call from number `at` on raises OSError, as on a disk that became read-only."""

    def fault(number: int, call: str, num_bytes: int) -> Failure | None:
        return None if number < at else Failure(error=_os_error(code, call))

    return fault


def crashes(at: int, torn_share: float = 0.5) -> Fault:
    """The process dies in call number `at`, which writes `torn_share` of its bytes."""

    def fault(number: int, call: str, num_bytes: int) -> Failure | None:
        if number < at:
            return None
        num_written = int(torn_share * num_bytes) if number == at else 0
        return Failure(error=Crash(call), num_written=num_written)

    return fault


def full_after(capacity: int) -> Fault:
    """ENOSPC at byte number `capacity`, and from there on for whatever needs space."""
    num_free = capacity

    def fault(number: int, call: str, num_bytes: int) -> Failure | None:
        nonlocal num_free
        needs_space = num_bytes > 0 or call in ("create", "make_folder")
        if not needs_space or (num_bytes <= num_free and num_free > 0):
            num_free -= num_bytes
            return None
        num_written, num_free = num_free, 0
        return Failure(error=_os_error(errno.ENOSPC, call), num_written=num_written)

    return fault


def _os_error(code: int, call: str) -> OSError:
    return OSError(code, os.strerror(code), call)


class FailingDisk(FileSystem):
    """The real disk, but for calls that change it and that `fault` wants to fail.

    Nothing is really synced: the page cache outlives a process, and that is 10 times faster. What
    is lost when it does not survive is `power_loss`.
    """

    def __init__(self, fault: Fault = no_fault) -> None:
        self.calls: list[str] = []
        self.fault = fault
        """May be replaced between calls."""

    def _call(self, name: str) -> None:
        failure = self._failure(name)
        if failure is not None:
            raise failure.error

    def _failure(self, name: str, num_bytes: int = 0) -> Failure | None:
        self.calls.append(name)
        return self.fault(len(self.calls) - 1, name, num_bytes)

    def create(self, path: Path) -> int:
        """See `FileSystem`, as all below."""
        self._call("create")
        return super().create(path)

    def write(self, descriptor: int, data: bytes) -> None:
        """Torn where it fails."""
        failure = self._failure("write", len(data))
        if failure is None:
            super().write(descriptor, data)
            return
        super().write(descriptor, data[: failure.num_written])
        raise failure.error

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut."""
        self._call("truncate")
        super().truncate(descriptor, size)

    def sync(self, descriptor: int) -> None:
        """Content."""
        self._call("sync")

    def together(self, calls: Sequence[Callable[[], None]]) -> None:
        """One after the other, so that a call has a number."""
        for call in calls:
            call()

    def make_folder(self, path: Path) -> None:
        """Folder."""
        self._call("make_folder")
        super().make_folder(path)

    def sync_folder(self, path: Path) -> None:
        """Names."""
        self._call("sync_folder")

    def rename(self, source: Path, target: Path) -> None:
        """Move."""
        self._call("rename")
        super().rename(source, target)

    def remove(self, path: Path) -> None:
        """Remove."""
        self._call("remove")
        super().remove(path)

"""Stores to test with, and disks that fail."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wvl_models.contract.episode import EpisodeHeader
from wvl_models.contract.examples import example_header
from wvl_models.episodes.filesystem import FileSystem
from wvl_models.episodes.store import EpisodeStore


class Crash(BaseException):
    """The process is gone; not an Exception, so that nothing tidies up after it."""


class FaultyFileSystem(FileSystem):
    """The real disk until call number `fail_at` (from 0) that changes it.

    `error` is raised there once; with `is_crash` that call is torn in half and every later one
    raises Crash.
    """

    def __init__(
        self, fail_at: int = -1, code: int = errno.ENOSPC, *, is_crash: bool = False
    ) -> None:
        self.calls: list[str] = []
        self.fail_at = fail_at
        self.code = code
        self.is_crash = is_crash

    def _call(self, name: str) -> None:
        self.calls.append(name)
        number = len(self.calls) - 1
        if self.is_crash and 0 <= self.fail_at <= number:
            raise Crash(name)
        if number == self.fail_at:
            raise OSError(self.code, os.strerror(self.code), name)

    def create(self, path: Path) -> int:
        self._call(f"create {path.name}")
        return super().create(path)

    def write(self, descriptor: int, data: bytes) -> None:
        try:
            self._call("write")
        except (OSError, Crash):
            if len(self.calls) - 1 == self.fail_at:
                super().write(descriptor, data[: len(data) // 2])
            raise
        super().write(descriptor, data)

    def truncate(self, descriptor: int, size: int) -> None:
        self._call("truncate")
        super().truncate(descriptor, size)

    def sync(self, descriptor: int) -> None:
        self._call("sync")
        super().sync(descriptor)

    def make_folder(self, path: Path) -> None:
        self._call(f"make_folder {path.name}")
        super().make_folder(path)

    def sync_folder(self, path: Path) -> None:
        self._call(f"sync_folder {path.name}")
        super().sync_folder(path)

    def rename(self, source: Path, target: Path) -> None:
        self._call(f"rename {source.name}")
        super().rename(source, target)

    def remove(self, path: Path) -> None:
        self._call(f"remove {path.name}")
        super().remove(path)


class VolatileFileSystem(FileSystem):
    """A disk that keeps only what was synced: `power_cut` writes what is left to a new folder.

    The harshest reading of POSIX: content survives only up to the last `sync` of its file, names
    only as of the last `sync_folder` of their folder; a rename is one step, never half.
    """

    def __init__(self, root: Path, cut_at: int = -1) -> None:
        self._root = root
        self._cut_at = cut_at
        self.num_calls = 0
        self._content: dict[int, bytes] = {}
        self._names: dict[int, dict[str, int]] = {}
        self._renames: list[tuple[int, str, int, str]] = []
        self._pins: list[int] = []
        """Descriptors that keep the kernel from using an inode number twice."""

    def _call(self) -> None:
        if 0 <= self._cut_at <= self.num_calls:
            raise Crash("power cut")
        self.num_calls += 1

    def remember_all(self) -> None:
        """Take what lies in the root as safe."""
        for folder, _, files in os.walk(self._root):
            self._names[Path(folder).stat().st_ino] = self._listing(Path(folder))
            for name in files:
                path = Path(folder) / name
                self._content[path.stat().st_ino] = path.read_bytes()

    def _listing(self, folder: Path) -> dict[str, int]:
        return {path.name: path.lstat().st_ino for path in folder.iterdir()}

    def write(self, descriptor: int, data: bytes) -> None:
        self._call()
        super().write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        self._call()
        self._pins.append(os.dup(descriptor))
        inode = os.fstat(descriptor).st_ino
        self._content[inode] = Path(f"/proc/self/fd/{descriptor}").read_bytes()

    def start_writeback(self, descriptor: int, offset: int, length: int) -> None:
        return

    def make_folder(self, path: Path) -> None:
        self._call()
        super().make_folder(path)
        self._pins.append(os.open(path, os.O_RDONLY))
        self._names[path.stat().st_ino] = {}

    def sync_folder(self, path: Path) -> None:
        self._call()
        inode = path.stat().st_ino
        for move in [m for m in self._renames if inode in (m[0], m[2])]:
            self._renames.remove(move)
            source, old, target, new = move
            moved = self._names.get(source, {}).pop(old, None)
            if moved is not None:
                self._names.setdefault(target, {})[new] = moved
        self._names[inode] = self._listing(path)

    def rename(self, source: Path, target: Path) -> None:
        self._call()
        super().rename(source, target)
        self._renames.append(
            (source.parent.stat().st_ino, source.name, target.parent.stat().st_ino, target.name)
        )

    def remove(self, path: Path) -> None:
        self._call()
        super().remove(path)

    def power_cut(self, target: Path) -> None:
        """Rebuild in `target` what a machine would find after the power came back."""
        self._restore(self._root.stat().st_ino, target)
        for pin in self._pins:
            os.close(pin)
        self._pins.clear()

    def _restore(self, inode: int, target: Path) -> None:
        target.mkdir()
        for name, child in self._names.get(inode, {}).items():
            if child in self._names:
                self._restore(child, target / name)
            else:
                (target / name).write_bytes(self._content.get(child, b""))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EpisodeStore]:
    with EpisodeStore.create(tmp_path / "store") as opened:
        yield opened


@pytest.fixture
def header(rng: np.random.Generator) -> Callable[..., EpisodeHeader]:
    """Headers by id: `header("a", task="lift")`."""

    def make(episode_id: str, **changes: object) -> EpisodeHeader:
        return replace(example_header(rng), episode_id=episode_id, **changes)

    return make


@pytest.fixture
def faulty() -> type[FaultyFileSystem]:
    return FaultyFileSystem


@pytest.fixture
def volatile() -> type[VolatileFileSystem]:
    return VolatileFileSystem


@pytest.fixture
def crash() -> type[Crash]:
    return Crash


@pytest.fixture
def copy_of(tmp_path: Path) -> Callable[[EpisodeStore], EpisodeStore]:
    """A copy of a store on the disk, to damage."""
    number = iter(range(1_000_000))

    def copy(original: EpisodeStore) -> EpisodeStore:
        target = tmp_path / f"copy-{next(number)}"
        shutil.copytree(original.root, target, symlinks=True)
        return EpisodeStore(target)

    return copy

"""A disk whose unsynced changes do not survive the power: the store's `FileSystem` boundary.

In the place of LazyFS. The harshest reading of POSIX: content is safe after `sync` of its file,
a name after `sync_folder` of its folder; whatever else was changed is lost, torn or there although
something before it is not. A rename is one step, never half.
"""

import errno
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from pathlib import Path

import numpy as np

from wvl_models.episodes.filesystem import FileSystem
from wvl_robot.faults.failing_disk import Crash

MOST_PIECES = 8
"""Into which a write is torn (fault plan, row 3: 2 to 8)."""


class Survival(StrEnum):
    """What becomes of changes that were not synced."""

    LOST = "lost"
    """None survives."""
    TORN = "torn"
    """All up to a random one, of which only pieces do."""
    REORDERED = "reordered"
    """Any of them, whole or in pieces, whatever came before."""


@dataclass(eq=False, slots=True)
class _File:
    safe: bytearray = field(default_factory=bytearray)


@dataclass(eq=False, slots=True)
class _Folder:
    safe: dict[str, "_Node"] = field(default_factory=dict)
    now: dict[str, "_Node"] = field(default_factory=dict)


_Node = _File | _Folder


@dataclass(frozen=True, eq=False, slots=True)
class _Write:
    file: _File
    offset: int
    data: bytes

    def apply(self) -> None:
        end = self.offset + len(self.data)
        self.file.safe.extend(bytes(max(0, end - len(self.file.safe))))  # a hole reads as zeros
        self.file.safe[self.offset : end] = self.data

    def pieces(self, draw: np.random.Generator) -> "list[_Write]":
        number = int(draw.integers(2, MOST_PIECES + 1))
        cuts = sorted(int(cut) for cut in draw.integers(0, len(self.data) + 1, number - 1))
        edges = [0, *cuts, len(self.data)]
        return [
            _Write(self.file, self.offset + a, self.data[a:b]) for a, b in pairwise(edges) if b > a
        ]


@dataclass(frozen=True, eq=False, slots=True)
class _Cut:
    file: _File
    size: int

    def apply(self) -> None:
        del self.file.safe[self.size :]
        self.file.safe.extend(bytes(self.size - len(self.file.safe)))


@dataclass(frozen=True, eq=False, slots=True)
class _Name:
    """`name` in `folder` becomes `node` (None: nothing); with `source` it is moved from there."""

    folder: _Folder
    name: str
    node: _Node | None
    source: tuple[_Folder, str] | None = None

    def touches(self, folder: _Folder) -> bool:
        return folder is self.folder or (self.source is not None and folder is self.source[0])

    def apply(self) -> None:
        if self.source is not None:
            self.source[0].safe.pop(self.source[1], None)
        if self.node is None:
            self.folder.safe.pop(self.name, None)
        else:
            self.folder.safe[self.name] = self.node


_Change = _Write | _Cut | _Name


class PowerLossDisk(FileSystem):
    """The real disk, with a book of what of it is safe. Starts with the folder `root` empty.

    Call number `cut_at` raises Crash, as do all later ones. `bad_sync`: that `sync` fails with EIO,
    once, and drops what the file had not synced, as Linux does: a later `sync` succeeds without it.
    """

    def __init__(self, root: Path, cut_at: int = -1, bad_sync: int = -1) -> None:
        self._root = root.resolve()
        self._top = _Folder()
        self._changes: list[_Change] = []
        self._strangers: list[tuple[Path, _File]] = []
        """Files that were made without asking this disk: locks, the label log, the index."""
        self.cut_at = cut_at
        self.bad_sync = bad_sync
        self.num_calls = 0
        self.num_syncs = 0

    def _call(self) -> None:
        if 0 <= self.cut_at <= self.num_calls:
            raise Crash("power cut")
        self.num_calls += 1

    def create(self, path: Path) -> int:
        """See `FileSystem`, as all below."""
        self._call()
        descriptor = super().create(path)
        self._appear(path, _File())
        return descriptor

    def write(self, descriptor: int, data: bytes) -> None:
        """Into the page cache."""
        self._call()
        file, offset = self._file(descriptor), os.lseek(descriptor, 0, os.SEEK_CUR)
        super().write(descriptor, data)
        self._changes.append(_Write(file, offset, bytes(data)))

    def truncate(self, descriptor: int, size: int) -> None:
        """In the page cache."""
        self._call()
        super().truncate(descriptor, size)
        self._changes.append(_Cut(self._file(descriptor), size))

    def sync(self, descriptor: int) -> None:
        """The file's content is safe."""
        self._call()
        file = self._file(descriptor)
        mine = [c for c in self._changes if isinstance(c, (_Write, _Cut)) and c.file is file]
        is_bad = self.num_syncs == self.bad_sync
        self.num_syncs += 1
        for change in mine:
            self._changes.remove(change)
            if not is_bad:
                change.apply()
        if is_bad:
            raise OSError(errno.EIO, os.strerror(errno.EIO), "sync")

    def together(self, calls: Sequence[Callable[[], None]]) -> None:
        """One after the other, so that a call has a number."""
        for call in calls:
            call()

    def start_writeback(self, descriptor: int, offset: int, length: int) -> None:
        """Promises nothing."""

    def make_folder(self, path: Path) -> None:
        """Its name is not safe yet."""
        self._call()
        super().make_folder(path)
        self._appear(path, _Folder())

    def sync_folder(self, path: Path) -> None:
        """The names in it are safe."""
        self._call()
        folder = self._node(path)
        assert isinstance(folder, _Folder)
        for child in path.iterdir():
            self._node(child)
        names = [c for c in self._changes if isinstance(c, _Name) and c.touches(folder)]
        for change in names:
            self._changes.remove(change)
            change.apply()

    def rename(self, source: Path, target: Path) -> None:
        """One step; its name is not safe yet."""
        self._call()
        node, old, new = self._node(source), self._folder(source), self._folder(target)
        super().rename(source, target)
        self._changes = [  # a name that never was safe is not left behind by its move
            c
            for c in self._changes
            if not (isinstance(c, _Name) and c.folder is old and c.name == source.name)
        ]
        del old.now[source.name]
        new.now[target.name] = node
        self._changes.append(_Name(new, target.name, node, (old, source.name)))

    def remove(self, path: Path) -> None:
        """May come back."""
        self._call()
        self._node(path)
        super().remove(path)
        folder = self._folder(path)
        del folder.now[path.name]
        self._changes.append(_Name(folder, path.name, None))

    def lose_power(self, target: Path, survival: Survival, draw: np.random.Generator) -> None:
        """Write what a machine would find afterwards to the new folder `target`."""
        for path, file in self._strangers:
            if path.is_file():
                self._changes.append(_Write(file, 0, path.read_bytes()))
        for change in _survivors(self._changes, survival, draw):
            change.apply()
        self._changes.clear()
        _write_out(self._top, target)

    def _appear(self, path: Path, node: _Node) -> None:
        folder = self._folder(path)
        folder.now[path.name] = node
        self._changes.append(_Name(folder, path.name, node))

    def _file(self, descriptor: int) -> _File:
        node = self._node(Path(f"/proc/self/fd/{descriptor}").readlink())
        assert isinstance(node, _File)
        return node

    def _folder(self, path: Path) -> _Folder:
        folder = self._node(path.parent)
        assert isinstance(folder, _Folder)
        return folder

    def _node(self, path: Path) -> _Node:
        """The node of a path; strangers are taken in, with nothing of them safe."""
        node: _Node = self._top
        place = self._root
        for part in path.resolve().relative_to(self._root).parts:
            assert isinstance(node, _Folder)
            place /= part
            if part not in node.now:
                stranger: _Node = _Folder() if place.is_dir() else _File()
                node.now[part] = stranger
                self._changes.append(_Name(node, part, stranger))
                if isinstance(stranger, _File):
                    self._strangers.append((place, stranger))
            node = node.now[part]
        return node


def _survivors(
    changes: Sequence[_Change], survival: Survival, draw: np.random.Generator
) -> list[_Change]:
    if survival is Survival.LOST or not changes:
        return []
    if survival is Survival.TORN:
        number = int(draw.integers(len(changes)))
        return [*changes[:number], *_some_of(changes[number], draw)]
    return [piece for change in changes for piece in _some_of(change, draw)]


def _some_of(change: _Change, draw: np.random.Generator) -> list[_Change]:
    """Nothing, the whole, or pieces of a write."""
    fate = draw.integers(3)
    if fate == 0:
        return []
    if fate == 1 or not isinstance(change, _Write):
        return [change]
    return [piece for piece in change.pieces(draw) if draw.random() < 0.5]


def _write_out(folder: _Folder, target: Path) -> None:
    target.mkdir()
    for name, node in folder.safe.items():
        if isinstance(node, _Folder):
            _write_out(node, target / name)
        else:
            (target / name).write_bytes(node.safe)

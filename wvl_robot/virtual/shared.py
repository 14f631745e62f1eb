"""Shared memory between the cell, its renderer and the camera process; the board of its state.

Plain files in /dev/shm and mmap, not `multiprocessing.shared_memory`: before Python 3.13 the
resource tracker of a process that only *attached* unlinks the block when that process ends
(python/cpython#82300). Whoever made a block holds a `flock` on it, which the kernel drops with
the process however it died; that is how a reader knows that its writer is gone and how the next
start knows that a left-over block may be replaced. One writer, any number of readers; readers
detect a torn copy by the sequence number (odd while writing) and try again. Total store order
is assumed, which x86-64 has; every wheel we need exists for x86-64 alone.
"""

import contextlib
import fcntl
import mmap
import os
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wvl_models.contract.errors import SetupError
from wvl_models.contract.rotation import F64

FOLDER = Path("/dev/shm")

MAX_TRIES = 100
"""A reader that never finds a still copy in so many tries has met a writer that died writing."""


def block_name(host: str, purpose: str) -> str:
    """Name of a cell's block: every cell has its own loopback address, so that two can run."""
    return f"wvl_{re.sub(r'[^0-9A-Za-z]', '_', host)}_{purpose}"


class SharedBlock:
    """A named piece of memory, made by one process and attached to by others."""

    def __init__(self, name: str, descriptor: int, size: int, *, is_owner: bool) -> None:
        self.name, self._descriptor, self._is_owner = name, descriptor, is_owner
        self._memory = mmap.mmap(descriptor, size)

    @classmethod
    def create(cls, name: str, size: int) -> "SharedBlock":
        """Make the block anew, zeroed; raises SetupError while a living process owns the name."""
        path = FOLDER / name
        while True:
            remove_orphan(name)
            try:
                descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
            except FileExistsError:
                raise SetupError(
                    f"another virtual cell holds {path}. Stop it, or give this one a loopback "
                    "address of its own (robot.host in the rig file, e.g. 127.0.0.2)."
                ) from None
            except OSError as error:
                raise SetupError(f"cannot make {path}: {error.strerror}.") from error
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.posix_fallocate(descriptor, 0, size)
            except BlockingIOError:  # somebody took it for an orphan before we had the lock
                os.close(descriptor)
                continue
            except OSError as error:
                os.close(descriptor)
                path.unlink(missing_ok=True)
                raise SetupError(f"no room for {size} bytes in {FOLDER}.") from error
            return cls(name, descriptor, size, is_owner=True)

    @classmethod
    def attach(cls, name: str) -> "SharedBlock | None":
        """The block of that name, or None where there is none or its owner is still making it."""
        try:
            descriptor = os.open(FOLDER / name, os.O_RDWR)
        except OSError:
            return None
        size = os.fstat(descriptor).st_size
        if size == 0:
            os.close(descriptor)
            return None
        return cls(name, descriptor, size, is_owner=False)

    def is_owned(self) -> bool:
        """Whether the process that made the block still lives."""
        if self._is_owner:
            return True
        return not _lock_is_free(self._descriptor)

    def view(self, layout: np.dtype, offset: int = 0) -> NDArray:
        """One record of `layout` at `offset`, written through."""
        return np.frombuffer(self._memory, dtype=layout, count=1, offset=offset)[0:1]

    def close(self) -> None:
        """Let go; the owner also removes the name. Views of the block must be gone by then."""
        if self._is_owner:
            (FOLDER / self.name).unlink(missing_ok=True)
            self._is_owner = False
        with contextlib.suppress(BufferError):  # a view still lives: freed with the process
            self._memory.close()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def remove_orphan(name: str) -> None:
    """Remove a block whose owner died without doing so; leaves a living owner's alone."""
    path = FOLDER / name
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return
    try:
        if _lock_is_free(descriptor):
            path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def _lock_is_free(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return True


class StateBoard:
    """The newest state of the scene: what a renderer needs, no more."""

    def __init__(self, block: SharedBlock, num_values: int) -> None:
        self.block = block
        self._record = block.view(_board_layout(num_values))

    @classmethod
    def create(cls, name: str, num_values: int) -> "StateBoard":
        """Made by the cell."""
        return cls(SharedBlock.create(name, _board_layout(num_values).itemsize), num_values)

    @classmethod
    def attach(cls, name: str, num_values: int) -> "StateBoard | None":
        """The board of a running cell, or None."""
        block = SharedBlock.attach(name)
        return None if block is None else cls(block, num_values)

    def publish(self, stamp_ns: int, values: F64) -> None:
        """Replace the state; a few microseconds."""
        record = self._record
        record["sequence"] += 1
        record["stamp_ns"] = stamp_ns
        record["values"] = values
        record["sequence"] += 1

    def read(self) -> tuple[int, F64] | None:
        """Stamp and values [num_values], or None before the first and from a torn board."""
        record = self._record
        for _ in range(MAX_TRIES):
            before = int(record["sequence"][0])
            stamp_ns, values = int(record["stamp_ns"][0]), record["values"][0].copy()
            if before % 2 == 0 and before == int(record["sequence"][0]):
                return (stamp_ns, values) if before else None
        return None

    def close(self) -> None:
        """Let go of the block."""
        del self._record
        self.block.close()


def _board_layout(num_values: int) -> np.dtype:
    return np.dtype(
        [("sequence", "<u8"), ("stamp_ns", "<i8"), ("values", "<f8", (num_values,))], align=True
    )

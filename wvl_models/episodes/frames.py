"""The image file of an episode: frames appended one behind the other, an index at the end.

While it is recorded the file is a plain log; the index that `finish` appends makes it a Zarr shard.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from wvl_models.contract.observation import U8
from wvl_models.episodes import chunks
from wvl_models.episodes.chunks import ChunkError, FrameSpan
from wvl_models.episodes.filesystem import FileSystem, read_at
from wvl_models.episodes.records import FileRecord

_WRITEBACK_BYTES = 8 << 20
"""The kernel is told to write after so many bytes: about nine raw 640x480 frames."""

_BLOCK_BYTES = 1 << 20

_MAX_THREADS = 4
"""That decompress one window; more windows at once are the caller's business."""

_THREAD_BYTES = 2 << 20
"""Decoded bytes that are worth a thread: about a millisecond of decompressing."""


class FrameWriter:
    """Appends frames and digests them on the way. One thread; OSError passes through."""

    def __init__(self, files: FileSystem, descriptor: int) -> None:
        self._files = files
        self._descriptor = descriptor
        self._sha256 = hashlib.sha256()
        self._spans: list[FrameSpan] = []
        self._written_back = 0
        self.is_sync_doubtful = False
        """A sync failed: what the file shows need not be on the disk, see `copy`."""

    @classmethod
    def create(cls, files: FileSystem, path: Path) -> "FrameWriter":
        """Start an empty file."""
        return cls(files, files.create(path))

    @classmethod
    def resume(cls, files: FileSystem, path: Path, spans: list[FrameSpan]) -> "FrameWriter":
        """Keep the frames `spans` of an unfinished file and drop what follows."""
        writer = cls(files, files.reopen(path))
        writer._spans = list(spans)
        end = writer.num_bytes
        files.truncate(writer._descriptor, end)
        for offset in range(0, end, _BLOCK_BYTES):
            size = min(_BLOCK_BYTES, end - offset)
            writer._sha256.update(read_at(writer._descriptor, offset, size))
        return writer

    @classmethod
    def copy(cls, files: FileSystem, path: Path, spans: list[FrameSpan]) -> "FrameWriter":
        """Like `resume`, but into a new file, which is on the disk before it takes the old place.

        For where a sync of the old one may have failed: Linux forgets what it could not write, goes
        on to show it, and lets the next sync succeed.
        """
        beside = path.with_name(f".{path.name}")
        writer = cls.create(files, beside)
        source = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            for span in spans:
                writer._spans.append(writer._append(read_at(source, span.offset, span.num_bytes)))
            files.sync(writer._descriptor)
            files.rename(beside, path)
        except BaseException:
            writer.close()
            raise
        finally:
            os.close(source)
        return writer

    @property
    def num_bytes(self) -> int:
        """Size of the frames so far."""
        return self._spans[-1].end if self._spans else 0

    def append(self, rgb: U8) -> FrameSpan:
        """Add one frame."""
        span = self._append(chunks.encode_frame(rgb))
        self._spans.append(span)
        return span

    def finish(self) -> FileRecord:
        """Add the index; `sync` and `close` are left to do."""
        self._append(chunks.encode_index(self._spans))
        size = self.num_bytes + chunks.index_bytes(len(self._spans))
        return FileRecord(num_bytes=size, sha256=self._sha256.hexdigest())

    def sync(self) -> None:
        """The file is on the disk when this returns."""
        self.is_sync_doubtful = True
        self._files.sync(self._descriptor)
        self.is_sync_doubtful = False

    def close(self) -> None:
        """Give the descriptor back; harmless when repeated."""
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            self._files.close(descriptor)

    def _append(self, data: bytes) -> FrameSpan:
        span = FrameSpan(self.num_bytes, len(data))
        self._files.write(self._descriptor, data)
        self._sha256.update(data)
        if span.end - self._written_back >= _WRITEBACK_BYTES:
            length = span.end - self._written_back
            self._files.start_writeback(self._descriptor, self._written_back, length)
            self._written_back = span.end
        return span


def read_index(descriptor: int, num_steps: int) -> list[FrameSpan]:
    """Where the frames of a finished file lie; ChunkError where the index does not fit."""
    size = os.fstat(descriptor).st_size
    length = chunks.index_bytes(num_steps)
    if size <= length:
        raise ChunkError(f"{size} bytes are too few for {num_steps} frames")
    return chunks.decode_index(read_at(descriptor, size - length, length), size)


def read_frames(descriptor: int, spans: list[FrameSpan], shape: tuple[int, int]) -> U8:
    """Decode consecutive frames of height and width `shape`: [len(spans), H, W, 3].

    One read of the file, and one thread per core to decompress. Nothing of the claimed size is
    allocated before every frame has been checked; at most the frames' bytes in the file are held
    beside the result.
    """
    begin = spans[0].offset
    data = np.frombuffer(read_at(descriptor, begin, spans[-1].end - begin), dtype=np.uint8)
    bodies = []
    for index, span in enumerate(spans):
        with _named(f"frame {index} of {len(spans)}"):
            chunk = data[span.offset - begin : span.end - begin]
            bodies.append(chunks.frame_body(chunk, shape[0] * shape[1] * 3))
    rgb = np.empty((len(spans), *shape, 3), dtype=np.uint8)
    _decode(bodies, rgb)
    return rgb


def _decode(bodies: Sequence[U8], rgb: U8) -> None:
    """Fill `rgb` [len(bodies), H, W, 3]; the threads take frame by frame, so none waits."""
    left = iter(enumerate(bodies))  # one for all threads: the interpreter's lock guards `next`

    def work() -> None:
        for index, body in left:
            with _named(f"frame {index} of {len(bodies)}"):
                chunks.decode_frame(body, rgb[index])

    num_threads = min(len(os.sched_getaffinity(0)), _MAX_THREADS, rgb.nbytes // _THREAD_BYTES)
    # Of this call alone: threads that outlive it would be missing after a fork of the process.
    with ThreadPoolExecutor(max(num_threads, 1)) as pool:  # starts a thread when it gets work
        helpers = [pool.submit(work) for _ in range(num_threads - 1)]
        work()
    for helper in helpers:
        helper.result()


@contextmanager
def _named(place: str) -> Iterator[None]:
    try:
        yield
    except ChunkError as error:
        raise ChunkError(f"{place}: {error}") from error


def count_intact(descriptor: int, spans: list[FrameSpan], shape: tuple[int, int]) -> int:
    """How many of `spans` can be decoded before the first that cannot."""
    for index, span in enumerate(spans):
        try:
            read_frames(descriptor, [span], shape)
        except ChunkError:
            return index
    return len(spans)

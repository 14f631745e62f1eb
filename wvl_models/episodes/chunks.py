"""Bytes of Zarr v3 chunks: checksummed tables, compressed frames, the index of a shard. Pure.

Written out instead of calling zarr-python because the store needs the file boundary (fsync,
faults, hostile sizes); it is also about 4 times faster to write and 5 to read the same layout
(docs/decisions/005-episode-store.md). The tests hold the bytes against zarr-python, in both
directions.
"""

import struct
from dataclasses import dataclass

import google_crc32c
import numpy as np
from numcodecs.zstd import Zstd  # type: ignore[import-untyped]  # numcodecs ships no types

from wvl_models.contract.observation import U8
from wvl_models.episodes.schema import ZSTD_LEVEL

CRC_BYTES = 4
_INDEX_ENTRY_BYTES = 16
_ZSTD = Zstd(level=ZSTD_LEVEL)
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_ZSTD_HEADER_BYTES = 18
"""At most, the magic number included."""


class ChunkError(ValueError):
    """A chunk is not what was written; the text names the problem, the caller the place."""


@dataclass(frozen=True, slots=True)
class FrameSpan:
    """Where one frame lies in its shard."""

    offset: int
    num_bytes: int

    @property
    def end(self) -> int:
        """First byte behind the frame."""
        return self.offset + self.num_bytes


def with_checksum(data: bytes) -> bytes:
    """`data` and its crc32c, as the codec of that name writes them."""
    return data + struct.pack("<I", google_crc32c.value(data))


def without_checksum(data: bytes | U8) -> U8:
    """Undo `with_checksum`, without a copy; raises ChunkError where the two disagree."""
    if len(data) < CRC_BYTES:
        raise ChunkError(f"only {len(data)} bytes")
    body = np.frombuffer(data, dtype=np.uint8)[:-CRC_BYTES]
    if struct.pack("<I", google_crc32c.value(body)) != bytes(data[-CRC_BYTES:]):
        raise ChunkError("the checksum does not fit the data")
    return body


def encode_frame(rgb: U8) -> bytes:
    """One frame as an inner chunk."""
    return with_checksum(_ZSTD.encode(np.ascontiguousarray(rgb).reshape(-1)))


def frame_body(chunk: bytes | U8, num_bytes: int) -> U8:
    """The compressed content of an inner chunk; ChunkError unless it says it holds `num_bytes`."""
    body = without_checksum(chunk)
    claimed = _content_size(body[:_ZSTD_HEADER_BYTES].tobytes())
    if claimed != num_bytes:
        raise ChunkError(f"holds {claimed} bytes where a frame has {num_bytes}")
    return body


def decode_frame(body: U8, out: U8) -> None:
    """Fill `out` [H, W, 3] (contiguous) from a `frame_body` of its size."""
    try:
        _ZSTD.decode(body, out.reshape(-1))
    except (RuntimeError, ValueError) as error:
        raise ChunkError(f"cannot be decompressed ({error})") from error


def encode_index(spans: list[FrameSpan]) -> bytes:
    """The index that ends a shard: offset and size of every frame."""
    table = np.array([(span.offset, span.num_bytes) for span in spans], dtype="<u8")
    return with_checksum(table.tobytes())


def index_bytes(num_steps: int) -> int:
    """Size of the index of a shard with `num_steps` frames."""
    return num_steps * _INDEX_ENTRY_BYTES + CRC_BYTES


def decode_index(data: bytes, shard_bytes: int) -> list[FrameSpan]:
    """Undo `encode_index`; raises ChunkError unless the frames fill the shard without a gap."""
    table = np.frombuffer(without_checksum(data), dtype="<u8").reshape(-1, 2)
    expected = 0
    spans = []
    for offset, num_bytes in table.tolist():
        if offset != expected:
            raise ChunkError("the frames of the index overlap or leave a gap")
        spans.append(FrameSpan(offset, num_bytes))
        expected = offset + num_bytes
    if expected != shard_bytes - len(data):
        raise ChunkError("the frames of the index do not fill the file")
    return spans


def _content_size(frame: bytes) -> int:
    """Size that a zstd frame says it expands to (RFC 8878 section 3.1.1.1), -1 without one.

    Asked before anything is allocated, so that a crafted frame cannot claim the memory.
    """
    if len(frame) < 6 or frame[:4] != _ZSTD_MAGIC:
        return -1
    descriptor = frame[4]
    is_single_segment = bool(descriptor & 0x20)
    size_bytes = (1 if is_single_segment else 0, 2, 4, 8)[descriptor >> 6]
    if size_bytes == 0:
        return -1
    start = 5 + (0 if is_single_segment else 1) + (0, 1, 2, 4)[descriptor & 0x3]
    size = int.from_bytes(frame[start : start + size_bytes], "little")
    return size + 256 if size_bytes == 2 else size

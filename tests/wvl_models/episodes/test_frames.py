"""Windows large enough for several threads: the same frames, and damage named all the same."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from wvl_models.contract.observation import U8
from wvl_models.episodes import chunks
from wvl_models.episodes.chunks import ChunkError, FrameSpan
from wvl_models.episodes.frames import read_frames

SHAPE = (480, 640)
NUM_FRAMES = 6


@pytest.fixture
def frames(rng: np.random.Generator) -> U8:
    """5.5 MB: worth two threads."""
    return rng.integers(0, 4, (NUM_FRAMES, *SHAPE, 3), dtype=np.uint8)


@pytest.fixture
def descriptor(tmp_path: Path) -> Iterator[int]:
    opened = os.open(tmp_path / "frames", os.O_RDWR | os.O_CREAT)
    yield opened
    os.close(opened)


def written(descriptor: int, encoded: list[bytes]) -> list[FrameSpan]:
    spans = []
    for data in encoded:
        spans.append(FrameSpan(spans[-1].end if spans else 0, len(data)))
        os.write(descriptor, data)
    return spans


def test_several_threads_give_every_frame_its_place(frames: U8, descriptor: int) -> None:
    spans = written(descriptor, [chunks.encode_frame(rgb) for rgb in frames])
    assert np.array_equal(read_frames(descriptor, spans, SHAPE), frames)
    assert np.array_equal(read_frames(descriptor, spans[2:5], SHAPE), frames[2:5])


@pytest.mark.parametrize("bad", range(NUM_FRAMES))
def test_a_frame_that_cannot_be_decompressed_is_named(
    frames: U8, descriptor: int, bad: int
) -> None:
    encoded = [chunks.encode_frame(rgb) for rgb in frames]
    body = bytearray(chunks.without_checksum(encoded[bad]))
    body[20:] = b"\xff" * (len(body) - 20)
    encoded[bad] = chunks.with_checksum(bytes(body))
    spans = written(descriptor, encoded)
    with pytest.raises(ChunkError, match=rf"frame {bad} of 6: cannot be decompressed"):
        read_frames(descriptor, spans, SHAPE)


def test_a_file_that_ends_early_is_refused(frames: U8, descriptor: int) -> None:
    spans = written(descriptor, [chunks.encode_frame(rgb) for rgb in frames])
    os.ftruncate(descriptor, spans[4].offset + 10)
    with pytest.raises(ChunkError, match=r"frame 4 of 6"):
        read_frames(descriptor, spans, SHAPE)

"""Times one format: writing step by step, the end, windows; and one codec: a frame there and back.

Formats are measured in turn in the same process. The page cache is warm while reading, for all of
them: what differs is decoding, checking and the library.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numcodecs import Blosc, Delta, Zstd

from wvl_models.contract.episode import EpisodeHeader, Step
from wvl_models.contract.examples import example_header, example_step
from wvl_models.contract.observation import U8
from wvl_robot.bench.episode_formats import FORMATS, Format, folder_bytes

WINDOW_STEPS = 25
"""A chunk's 24 actions and the frames around them."""

_PERIOD_NS = 100_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class FormatFigures:
    """One format with one kind of frames; times in ms unless the name says otherwise."""

    num_steps: int
    frames_per_s: float
    """Appends alone."""
    append_p50_ms: float
    append_p99_ms: float
    finish_ms: float
    """From the last append until all is on the disk."""
    cpu_ms_per_step: float
    """Of the process, the end included."""
    bytes_per_step: float
    num_windows: int
    windows_per_s: float
    """Random windows of `WINDOW_STEPS` images, decoded."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamFigures:
    """Several episodes recorded at once by one thread on one core."""

    num_streams: int
    frames_per_s: float
    """All streams together; 4 cameras at 30 Hz make 120."""
    worst_finish_ms: float


@dataclass(frozen=True, kw_only=True, slots=True)
class CodecFigures:
    """One codec on single frames."""

    ratio: float
    encode_p50_ms: float
    decode_p50_ms: float
    psnr_db: float | None
    """Of a lossy one; None: every frame comes back as it was."""


def make_steps(frames: Sequence[U8], num_steps: int, seed: int) -> list[Step]:
    """Random steps 100 ms apart whose images are `frames`, over and over."""
    step = example_step(np.random.default_rng(seed))
    steps = []
    for index in range(num_steps):
        stamp_ns = (10 + index) * _PERIOD_NS
        frame = replace(step.observation.frame, rgb=frames[index % len(frames)], stamp_ns=stamp_ns)
        observation = replace(step.observation, frame=frame, stamp_ns=stamp_ns)
        steps.append(replace(step, observation=observation))
    return steps


def measure_format(
    name: str, folder: Path, steps: Sequence[Step], num_windows: int, seed: int
) -> FormatFigures:
    """Write `steps`, then read random windows."""
    cpu_start = time.process_time()
    with closing(FORMATS[name](folder, _header(0), len(steps))) as written:
        append_s, finish_s = _write(written, steps)
        cpu_s = time.process_time() - cpu_start
        draw = np.random.default_rng(seed)
        starts = draw.integers(0, len(steps) - WINDOW_STEPS + 1, num_windows).tolist()
        first = written.read(starts[0], WINDOW_STEPS)
        expected = steps[starts[0]].observation.frame.rgb
        assert np.array_equal(first[0], expected), f"{name} gave back another image"
        begin = time.perf_counter()
        for start in starts:
            written.read(start, WINDOW_STEPS)
        read_s = time.perf_counter() - begin
    return FormatFigures(
        num_steps=len(steps),
        frames_per_s=len(steps) / float(append_s.sum()),
        append_p50_ms=float(np.percentile(append_s, 50)) * 1e3,
        append_p99_ms=float(np.percentile(append_s, 99)) * 1e3,
        finish_ms=finish_s * 1e3,
        cpu_ms_per_step=cpu_s / len(steps) * 1e3,
        bytes_per_step=folder_bytes(folder) / len(steps),
        num_windows=num_windows,
        windows_per_s=num_windows / read_s,
    )


def measure_streams(folder: Path, steps: Sequence[Step], num_streams: int) -> StreamFigures:
    """Our store, `num_streams` episodes at once, on one core."""
    with one_core(), ExitStack() as stack:
        streams = [
            stack.enter_context(closing(FORMATS["ours"](folder / str(k), _header(k), len(steps))))
            for k in range(num_streams)
        ]
        begin = time.perf_counter()
        for step in steps:
            for stream in streams:
                stream.append(step)
        write_s = time.perf_counter() - begin
        finish_s = [_timed(stream.finish) for stream in streams]
    return StreamFigures(
        num_streams=num_streams,
        frames_per_s=num_streams * len(steps) / write_s,
        worst_finish_ms=max(finish_s) * 1e3,
    )


@contextmanager
def one_core() -> Iterator[None]:
    """Let this process run on one core only, as `taskset` does."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


Codec = tuple[Callable[[U8], bytes], Callable[[bytes, U8], None]]
"""Encode a frame, decode into a frame."""


def _numcodec(codec: Blosc | Zstd) -> Codec:
    return (
        lambda rgb: codec.encode(np.ascontiguousarray(rgb)),
        lambda data, out: codec.decode(data, out),
    )


def _differences() -> Codec:
    """Left-neighbour differences of each colour, then zstd 1: no codec of the Zarr core."""
    delta, zstd = Delta(dtype="u1"), Zstd(level=1)

    def encode(rgb: U8) -> bytes:
        planes = np.ascontiguousarray(rgb.transpose(2, 0, 1))
        return bytes(zstd.encode(delta.encode(planes.reshape(-1))))

    def decode(data: bytes, out: U8) -> None:
        planes = delta.decode(np.frombuffer(zstd.decode(data), np.uint8))
        out[:] = planes.reshape(3, *out.shape[:2]).transpose(1, 2, 0)

    return encode, decode


def _opencv(extension: str, *options: int) -> Codec:
    def encode(rgb: U8) -> bytes:
        return cv2.imencode(extension, rgb[..., ::-1], list(options))[1].tobytes()

    def decode(data: bytes, out: U8) -> None:
        out[:] = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]

    return encode, decode


def codecs() -> Mapping[str, Codec]:
    """Candidates. Only zstd, blosc and none are codecs of the Zarr v3 core."""
    found: dict[str, Codec] = {
        "none": (lambda rgb: rgb.tobytes(), lambda data, out: np.copyto(
            out, np.frombuffer(data, np.uint8).reshape(out.shape)
        )),
        "differences, zstd 1": _differences(),
        "png-1": _opencv(".png", cv2.IMWRITE_PNG_COMPRESSION, 1),
    }  # fmt: skip
    for level in (-5, 1, 3, 9):
        found[f"zstd {level}"] = _numcodec(Zstd(level=level))
    for name, shuffle in (("plain", 0), ("shuffled", 1), ("bits", 2)):
        found[f"blosc-lz4-5 {name}"] = _numcodec(Blosc("lz4", 5, shuffle, typesize=3))
        found[f"blosc-zstd-1 {name}"] = _numcodec(Blosc("zstd", 1, shuffle, typesize=3))
    for quality in (90, 95):
        found[f"jpeg {quality}"] = _opencv(".jpg", cv2.IMWRITE_JPEG_QUALITY, quality)
    return found


def measure_codec(codec: Codec, frames: Sequence[U8]) -> CodecFigures:
    """Every frame there and back."""
    encode, decode = codec
    out = np.empty_like(frames[0])
    encode_s, decode_s, sizes, errors = [], [], [], []
    for rgb in frames:
        begin = time.perf_counter()
        data = encode(rgb)
        middle = time.perf_counter()
        decode(data, out)
        decode_s.append(time.perf_counter() - middle)
        encode_s.append(middle - begin)
        sizes.append(len(data))
        errors.append(float(np.mean((out.astype(np.float64) - rgb) ** 2)))
    error = float(np.mean(errors))
    return CodecFigures(
        ratio=frames[0].nbytes / float(np.mean(sizes)),
        encode_p50_ms=float(np.median(encode_s)) * 1e3,
        decode_p50_ms=float(np.median(decode_s)) * 1e3,
        psnr_db=None if error == 0.0 else float(10 * np.log10(255**2 / error)),
    )


def _header(number: int) -> EpisodeHeader:
    return replace(example_header(np.random.default_rng(0)), episode_id=f"bench-{number}")


def _write(written: Format, steps: Sequence[Step]) -> tuple[np.ndarray, float]:
    """Seconds of every append, and of the end."""
    append_s = np.empty(len(steps))
    for index, step in enumerate(steps):
        append_s[index] = _timed(lambda step=step: written.append(step))
    return append_s, _timed(written.finish)


def _timed(act: Callable[[], None]) -> float:
    begin = time.perf_counter()
    act()
    return time.perf_counter() - begin

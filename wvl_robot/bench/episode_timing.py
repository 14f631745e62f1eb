"""Times one format: writing step by step, the end, windows; and one codec: a frame there and back.

All formats take turns in one process, in an order drawn anew for every round: `_ROUND_STEPS`
appended, or one window, the same for all. So what else the machine does strikes all alike, and
what is compared is compared within a round. The page cache is warm while reading, for all of them:
what differs is decoding, checking and the library.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numcodecs import Blosc, Delta, Zstd

from wvl_models.contract.episode import EpisodeHeader, Step
from wvl_models.contract.examples import example_header, example_step
from wvl_models.contract.observation import U8
from wvl_models.contract.rotation import F64
from wvl_robot.bench.episode_formats import FORMATS, Format, folder_bytes

WINDOW_STEPS = 25
"""A chunk's 24 actions and the frames around them."""

_ROUND_STEPS = 10

_PERIOD_NS = 100_000_000

_NUM_RESAMPLES = 1000
"""Of the bootstrap behind an interval."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FormatFigures:
    """One format with one kind of frames; times in ms unless the name says otherwise.

    An interval is [low, high] of 95 %, by bootstrap over the episodes or windows.
    """

    num_episodes: int
    num_steps: int
    """Of each."""
    frames_per_s: float
    """Appends alone."""
    append_p50_ms: float
    append_p99_ms: float
    finish_p50_ms: float
    """From the last append until all is on the disk."""
    finish_p50_interval_ms: tuple[float, float]
    finish_worst_ms: float
    write_cpu_ms_per_step: float
    """Of the process, the end included."""
    bytes_per_step: float
    num_windows: int
    """Random ones of `WINDOW_STEPS` images, decoded."""
    window_p50_ms: float
    window_p50_interval_ms: tuple[float, float]
    window_cpu_p50_ms: float
    """Of the process, all threads."""
    window_times_ours: float
    """Median over the windows: time of this format by ours."""
    window_times_ours_interval: tuple[float, float]


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


def measure_formats(
    folder: Path,
    steps: Sequence[Step],
    *,
    num_episodes: int,
    num_windows: int,
    seed: int,
    names: Sequence[str] = tuple(FORMATS),
) -> dict[str, FormatFigures]:
    """Write `num_episodes` of `steps` in every format (ours among `names`), read windows of one."""
    draw = np.random.default_rng(seed)
    writing = {name: _Written() for name in names}
    reading: dict[str, list[_Spent]] = {name: [] for name in names}
    for episode in range(num_episodes):
        with ExitStack() as stack:
            opened = {
                name: stack.enter_context(
                    closing(FORMATS[name](folder / f"{name}-{episode}", _header(0), len(steps)))
                )
                for name in names
            }
            _write_in_turn(opened, steps, writing, draw)
            if episode == num_episodes - 1:
                _read_in_turn(opened, steps, num_windows, reading, draw)
    sizes = {name: folder_bytes(folder / f"{name}-0") for name in names}
    ours = _walls_ms(reading["ours"])
    return {
        name: _figures(writing[name], reading[name], ours, sizes[name], len(steps))
        for name in names
    }


@dataclass(frozen=True, slots=True)
class _Spent:
    wall_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class _Written:
    appends: list[_Spent] = field(default_factory=list)
    finishes: list[_Spent] = field(default_factory=list)


def _write_in_turn(
    opened: Mapping[str, Format],
    steps: Sequence[Step],
    writing: Mapping[str, _Written],
    draw: np.random.Generator,
) -> None:
    for begin in range(0, len(steps), _ROUND_STEPS):
        for name in draw.permutation(list(opened)).tolist():
            for step in steps[begin : begin + _ROUND_STEPS]:
                append = partial(opened[name].append, step)
                writing[name].appends.append(_timed(append))
    for name in draw.permutation(list(opened)).tolist():
        writing[name].finishes.append(_timed(opened[name].finish))


def _read_in_turn(
    opened: Mapping[str, Format],
    steps: Sequence[Step],
    num_windows: int,
    reading: Mapping[str, list[_Spent]],
    draw: np.random.Generator,
) -> None:
    for name, written in opened.items():  # also opens what a first read opens
        is_same = np.array_equal(written.read(1, 2)[1], steps[2].observation.frame.rgb)
        assert is_same, f"{name} gave back another image"
    for start in draw.integers(0, len(steps) - WINDOW_STEPS + 1, num_windows).tolist():
        for name in draw.permutation(list(opened)).tolist():
            reading[name].append(_timed(partial(opened[name].read, start, WINDOW_STEPS)))


def _figures(
    written: _Written, read: Sequence[_Spent], ours_ms: F64, num_bytes: int, num_steps: int
) -> FormatFigures:
    append_ms, finish_ms = _walls_ms(written.appends), _walls_ms(written.finishes)
    read_ms = _walls_ms(read)
    cpu_s = sum(spent.cpu_s for spent in (*written.appends, *written.finishes))
    return FormatFigures(
        num_episodes=len(finish_ms),
        num_steps=num_steps,
        frames_per_s=len(append_ms) / float(append_ms.sum()) * 1e3,
        append_p50_ms=float(np.median(append_ms)),
        append_p99_ms=float(np.percentile(append_ms, 99)),
        finish_p50_ms=float(np.median(finish_ms)),
        finish_p50_interval_ms=_interval_of_median(finish_ms),
        finish_worst_ms=float(finish_ms.max()),
        write_cpu_ms_per_step=cpu_s / len(append_ms) * 1e3,
        bytes_per_step=num_bytes / num_steps,
        num_windows=len(read_ms),
        window_p50_ms=float(np.median(read_ms)),
        window_p50_interval_ms=_interval_of_median(read_ms),
        window_cpu_p50_ms=float(np.median([spent.cpu_s for spent in read])) * 1e3,
        window_times_ours=float(np.median(read_ms / ours_ms)),
        window_times_ours_interval=_interval_of_median(read_ms / ours_ms),
    )


def _walls_ms(spent: Sequence[_Spent]) -> F64:
    return np.array([one.wall_s for one in spent]) * 1e3


def _interval_of_median(values: F64) -> tuple[float, float]:
    draw = np.random.default_rng(0)
    medians = np.median(draw.choice(values, (_NUM_RESAMPLES, len(values))), axis=1)
    low, high = np.percentile(medians, [2.5, 97.5]).tolist()
    return low, high


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
        finish_s = [_timed(stream.finish).wall_s for stream in streams]
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


def _timed(act: Callable[[], object]) -> _Spent:
    """What a call takes; its result is given back before the clock stops."""
    begin_s, begin_cpu_s = time.perf_counter(), time.process_time()
    act()
    return _Spent(time.perf_counter() - begin_s, time.process_time() - begin_cpu_s)

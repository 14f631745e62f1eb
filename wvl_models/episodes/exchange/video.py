"""Episodes as video through PyAV (FFmpeg): write, read back, and say what was lost on the way."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import inf, log10
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from wvl_models.contract.errors import DataError
from wvl_models.contract.observation import U8

_PEAK = 255.0

_LEAST_SIDE = {"libsvtav1": 64, "libx264": 2}
"""What the encoders of PyAV 18.1 accept; SVT-AV1 refuses smaller pictures."""


class Codec(StrEnum):
    """How frames become a video."""

    AV1 = "av1"
    H264 = "h264"

    @property
    def encoder(self) -> str:
        """FFmpeg's name of it."""
        return "libsvtav1" if self is Codec.AV1 else "libx264"

    @property
    def options(self) -> dict[str, str]:
        """LeRobot 0.4.4's own: a key frame every second frame, crf 30, preset 12 for SVT-AV1."""
        speed = {"preset": "12"} if self is Codec.AV1 else {}
        return {"g": "2", "crf": "30"} | speed


class VideoWriter:
    """One mp4, yuv420p, frame k at k / rate."""

    def __init__(self, path: Path, codec: Codec, rate_hz: int, shape: tuple[int, int]) -> None:
        """`shape` is height and width; DataError where the codec cannot take it."""
        least = _LEAST_SIDE[codec.encoder]
        if min(shape) < least or shape[0] % 2 or shape[1] % 2:
            raise DataError(
                f"{codec.value} video needs even sides of at least {least} pixels, the images are "
                f"{shape[1]}x{shape[0]}; export them as png."
            )
        os.environ.setdefault("SVT_LOG", "1")  # else SVT-AV1 writes 20 lines on stderr
        self.num_frames = 0
        self.num_bytes = 0
        """That the encoder has given out so far; it holds some frames back."""
        self._container = av.open(str(path), "w")
        stream = self._container.add_stream(codec.encoder, rate_hz, options=codec.options)
        assert isinstance(stream, VideoStream)
        self._stream = stream
        self._stream.pix_fmt = "yuv420p"
        self._stream.height, self._stream.width = shape
        with _no_real_time():
            self._stream.codec_context.open()
        self._time_base = Fraction(1, rate_hz)

    def append(self, rgb: U8) -> None:
        """Add a frame [H, W, 3]."""
        frame = VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
        frame.pts, frame.time_base = self.num_frames, self._time_base
        self._mux(frame)
        self.num_frames += 1

    def close(self) -> None:
        """Write what the encoder still holds; the file is complete after that."""
        self._mux(None)
        self._container.close()

    def _mux(self, frame: VideoFrame | None) -> None:
        for packet in self._stream.encode(frame):
            self.num_bytes += packet.size
            self._container.mux(packet)


@contextmanager
def _no_real_time() -> Iterator[None]:
    """The caller and the threads that start inside keep the caller's scheduling.

    As root SVT-AV1 (in PyAV 18.1) makes itself and its caller SCHED_FIFO 99, and so everything that
    the caller starts later: above the thread that answers the robot each millisecond.
    """
    tasks = Path("/proc/self/task")
    if not tasks.is_dir():  # not Linux
        yield
        return
    policy, parameter = os.sched_getscheduler(0), os.sched_getparam(0)
    before = {int(task.name) for task in tasks.iterdir()}
    try:
        yield
    finally:
        for thread in {0, *(int(task.name) for task in tasks.iterdir())} - before:
            with suppress(ProcessLookupError):  # it has ended meanwhile
                os.sched_setscheduler(thread, policy, parameter)


def read_video(
    file: BinaryIO, *, first: int, num_frames: int, rate_hz: float, shape: tuple[int, int]
) -> Iterator[U8]:
    """Frames `first` to `first + num_frames` [H, W, 3], counted at `rate_hz` from the start.

    Nothing is decoded before the size in the file was found to be `shape`. DataError where a
    frame is missing or lies more than a quarter of a period beside its place.
    """
    with _decoding(), av.open(file, "r") as container:
        stream = _only_video(container, shape)
        start_s = first / rate_hz
        container.seek(max(0, int((start_s - 0.5 / rate_hz) * 1_000_000)))
        wanted = first
        for frame in container.decode(stream):
            place = (frame.time if frame.time is not None else inf) * rate_hz
            if place < wanted - 0.5:
                continue
            if abs(place - wanted) > 0.25:
                raise DataError(f"the video has no frame at {wanted / rate_hz:.3f} s")
            if (frame.height, frame.width) != shape:
                raise DataError("the video changes its size on the way")
            yield np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)
            wanted += 1
            if wanted == first + num_frames:
                return
        raise DataError(f"the video ends at {wanted / rate_hz:.3f} s, before its episode does")


@dataclass(frozen=True, kw_only=True, slots=True)
class Loss:
    """What a lossy picture code cost, against the stored frames."""

    num_frames: int = 0
    sum_squares: float = 0.0
    """Of the mean squared error of each frame."""
    worst: float = 0.0
    """Mean squared error of the worst frame."""

    def add(self, stored: U8, decoded: U8) -> "Loss":
        """One more frame."""
        error = stored.astype(np.float32) - decoded.astype(np.float32)
        square = float(np.mean(error * error))
        return Loss(
            num_frames=self.num_frames + 1,
            sum_squares=self.sum_squares + square,
            worst=max(self.worst, square),
        )

    @property
    def psnr_db(self) -> float:
        """Of all frames together; inf where nothing was lost."""
        return _psnr(self.sum_squares / max(self.num_frames, 1))

    @property
    def worst_psnr_db(self) -> float:
        """Of the worst frame."""
        return _psnr(self.worst)


def _psnr(mean_square: float) -> float:
    return inf if mean_square == 0.0 else 10.0 * log10(_PEAK * _PEAK / mean_square)


def _only_video(container: av.container.InputContainer, shape: tuple[int, int]) -> VideoStream:
    if not container.streams.video:
        raise DataError("the file holds no video")
    stream = container.streams.video[0]
    found = (stream.codec_context.height, stream.codec_context.width)
    if found != shape:
        raise DataError(
            f"the video is {found[1]}x{found[0]} where {shape[1]}x{shape[0]} are announced"
        )
    stream.thread_type = "AUTO"
    return stream


@contextmanager
def _decoding() -> Iterator[None]:
    try:
        yield
    except (FFmpegError, EOFError) as error:
        raise DataError(f"the video cannot be decoded: {error}") from error

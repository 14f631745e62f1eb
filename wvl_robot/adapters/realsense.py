"""A RealSense D435's colour stream as the Camera port, through pyrealsense2 2.59.

A real device and a software device are opened in different ways (`realsense_sources`); from the
SDK's frame queue on both take the same path. Health is judged by `stream_monitor`.
"""

import logging
import threading
import time
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from wvl_models.contract.camera import Intrinsics
from wvl_models.contract.errors import CameraError
from wvl_models.contract.observation import CameraFrame
from wvl_robot.adapters.realsense_sources import (
    FrameSource,
    colour_sensor,
    import_sdk,
    preset_sensor,
)
from wvl_robot.adapters.stream_monitor import FrameFacts, StreamMonitor
from wvl_robot.ports.camera import CameraHealth
from wvl_robot.ports.clock import Clock
from wvl_robot.rig.config import CameraConfig

if TYPE_CHECKING:
    import pyrealsense2 as rs

_LOG = logging.getLogger(__name__)

WARM_UP_FRAMES = 30
"""Auto-exposure settles within a second before it is locked (lerobot#2170)."""

START_TIMEOUT_S = 10.0

RECONNECT_AFTER_S = 1.0
"""Silence after which the device is looked for and started again."""

INTRINSICS_TOLERANCE = 0.01
"""A calibration further off than this belongs to another camera, or to another resolution."""

POWER_LINE = {0: 0, 50: 1, 60: 2}
"""The SDK's values: off, 50 Hz, 60 Hz (librealsense, rs_option.h)."""

_WAIT_MS = 50

_PIXEL_CENTRE = 0.5
"""Our pixel centres lie at half-integers, the SDK's at integers."""


class RealSenseCamera:
    """A started camera: a thread takes every frame, `latest` and `health` only look."""

    def __init__(
        self,
        source: FrameSource,
        config: CameraConfig,
        clock: Clock,
        calibrated: Intrinsics | None = None,
        warm_up_frames: int = WARM_UP_FRAMES,
        must_give_up: Callable[[], bool] = lambda: False,
    ) -> None:
        """Start, warm up, lock the options and check them; raises CameraError with the reason.

        `calibrated` are the rig's intrinsics; a stream that differs from them is warned of.
        `must_give_up` is asked while it waits for frames: somebody wants the program to end.
        """
        self._source, self._config, self._clock = source, config, clock
        self._monitor = StreamMonitor(config.rate_hz)
        self._latest: CameraFrame | None = None
        self._metadata: dict[str, int] = {}
        self._num_frames = 0
        self._is_closing, self._must_give_up = False, must_give_up
        self._queue = import_sdk().frame_queue(1, keep_frames=False)
        self._profile = self._source.start(self._queue)
        if calibrated is not None:
            _compare_intrinsics(self.intrinsics(), calibrated)
        self._thread = threading.Thread(target=self._read_on, name="realsense")
        self._thread.start()
        try:
            self._wait_for_frames(warm_up_frames)
            self._lock_options()
        except BaseException:
            self.close()
            raise

    def latest(self) -> CameraFrame | None:
        """The newest frame of the right size, or None before the first."""
        return self._latest

    def intrinsics(self) -> Intrinsics:
        """What the factory wrote into the camera, for this resolution."""
        k = self._profile.as_video_stream_profile().get_intrinsics()
        return Intrinsics(
            width=k.width,
            height=k.height,
            fx=k.fx,
            fy=k.fy,
            cx=k.ppx + _PIXEL_CENTRE,
            cy=k.ppy + _PIXEL_CENTRE,
        )

    def health(self) -> CameraHealth:
        """State of the stream at this moment."""
        return self._monitor.judge(self._clock.now_ns())

    def close(self) -> None:
        """Stop streaming and release the device; may be called twice."""
        self._is_closing = True
        self._thread.join(2.0)
        self._source.stop()

    def _must_end(self) -> bool:
        return self._is_closing or not threading.main_thread().is_alive()

    def _read_on(self) -> None:
        started_s = time.monotonic()
        while not self._must_end():
            is_new, frame = self._queue.try_wait_for_frame(_WAIT_MS)
            if is_new:
                self._take(frame)
                started_s = time.monotonic()
            elif time.monotonic() - started_s > RECONNECT_AFTER_S:
                self._reconnect()
                started_s = time.monotonic()

    def _take(self, frame: "rs.frame") -> None:
        arrival_ns = self._clock.now_ns()
        video = (
            frame.as_frameset().get_color_frame() if frame.is_frameset() else frame.as_video_frame()
        )
        rgb = np.asanyarray(video.get_data())
        is_right = rgb.shape == (self._config.height, self._config.width, 3)
        device_ms = float(video.get_timestamp())
        self._monitor.add(
            FrameFacts(
                arrival_ns=arrival_ns,
                frame_number=int(video.get_frame_number()),
                device_ms=device_ms,
                digest=zlib.crc32(np.ascontiguousarray(rgb)),
                brightness=float(rgb[::8, ::8].mean()),
                is_right_size=is_right,
            )
        )
        self._metadata = _read_metadata(video)
        if is_right:
            self._latest = CameraFrame(
                stamp_ns=arrival_ns,
                rgb=rgb.copy(),
                frame_number=int(video.get_frame_number()),
                device_stamp_ns=round(device_ms * 1e6),
                device_domain=str(video.get_frame_timestamp_domain()).rpartition(".")[2],
            )
        self._num_frames += 1

    def _reconnect(self) -> None:
        try:
            if not self._source.restart(self._queue):
                return
            self._monitor.restart()
            self._set_options()
        except CameraError as error:
            _LOG.debug("not back yet: %s", error)
            return
        _LOG.info("camera %s streams again", self._config.serial)

    def _wait_for_frames(self, num: int) -> None:
        goal = self._num_frames + num
        deadline = time.monotonic() + START_TIMEOUT_S
        while self._num_frames < goal:
            if self._must_give_up():
                raise CameraError(f"camera {self._config.serial}: told to end while it started.")
            if time.monotonic() > deadline:
                raise CameraError(
                    f"camera {self._config.serial} sent {self._num_frames} frames within "
                    f"{START_TIMEOUT_S:.0f} s, {num} were expected. Check the cable (USB 3, "
                    "no hub) and whether another program uses the camera."
                )
            time.sleep(0.01)

    def _lock_options(self) -> None:
        """Set what the rig file locks, read it back, and see it in the frames' metadata."""
        if not self._source.has_options:
            return
        wanted = self._set_options()
        if not wanted:
            return
        self._wait_for_frames(10)  # those already under way have the old settings
        for name, value in wanted.items():
            seen = self._metadata.get(name)
            if seen is not None and not _agrees(name, seen, value):
                raise CameraError(
                    f"camera {self._config.serial}: {name} was set to {value}, but the frames say "
                    f"{seen}. Unplug and plug the camera; if it stays, update its firmware."
                )

    def _set_options(self) -> dict[str, int]:
        sdk, c = import_sdk(), self._config
        device, wanted = self._source.device(), {}
        if c.visual_preset is not None:
            self._set(preset_sensor(device, c.serial), sdk.option.visual_preset, c.visual_preset)
        sensor = colour_sensor(device, c.serial)
        if c.power_line_hz is not None:
            self._set(sensor, sdk.option.power_line_frequency, POWER_LINE[c.power_line_hz])
        for auto, option, name, value in (
            (sdk.option.enable_auto_exposure, sdk.option.exposure, "exposure", c.exposure_100us),
            (sdk.option.enable_auto_exposure, sdk.option.gain, "gain", c.gain),
            (
                sdk.option.enable_auto_white_balance,
                sdk.option.white_balance,
                "white_balance",
                c.white_balance_k,
            ),
        ):
            if value is not None:
                self._set(sensor, auto, 0)
                self._set(sensor, option, value)
                wanted[name] = value
        return wanted

    def _set(self, sensor: "rs.sensor", option: Any, value: int) -> None:
        try:
            sensor.set_option(option, value)
            seen = sensor.get_option(option)
        except RuntimeError as error:
            raise CameraError(
                f"camera {self._config.serial} does not take {option} = {value}: {error}."
            ) from error
        if abs(seen - value) > 0.5:
            raise CameraError(
                f"camera {self._config.serial}: {option} was set to {value} and reads {seen:g}."
            )


def _read_metadata(video: Any) -> dict[str, int]:  # rs.video_frame
    value = import_sdk().frame_metadata_value
    return {
        name: int(video.get_frame_metadata(key))
        for name, key in (
            ("exposure", value.actual_exposure),
            ("gain", value.gain_level),
            ("white_balance", value.manual_white_balance),
        )
        if video.supports_frame_metadata(key)
    }


def _agrees(name: str, seen: int, wanted: int) -> bool:
    """Whether metadata confirm a setting; exposure comes in 100 us or, from some firmware, us."""
    if name == "exposure":
        return any(abs(seen - wanted * unit) <= 0.05 * wanted * unit + 1 for unit in (1, 100))
    return abs(seen - wanted) <= 1


def _compare_intrinsics(stream: Intrinsics, calibrated: Intrinsics) -> None:
    wrong = [
        f"{name} {getattr(stream, name):.1f} (calibration {getattr(calibrated, name):.1f})"
        for name in ("fx", "fy", "cx", "cy")
        if abs(getattr(stream, name) - getattr(calibrated, name))
        > INTRINSICS_TOLERANCE * abs(getattr(stream, name))
    ]
    if wrong:
        _LOG.warning(
            "the camera's intrinsics differ from the rig's calibration by more than 1 %%: %s. "
            "Is it the calibrated camera, at the calibrated resolution?",
            ", ".join(wrong),
        )

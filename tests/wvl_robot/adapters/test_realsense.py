"""The adapter over the real SDK, fed by a software device that the test itself plays."""

import logging
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyrealsense2 as rs
import pytest

from wvl_models.contract.camera import Intrinsics
from wvl_models.contract.errors import CameraError
from wvl_robot.adapters.realsense import START_TIMEOUT_S, RealSenseCamera
from wvl_robot.adapters.realsense_sources import D435Source, RecordedSource, SoftwareSource
from wvl_robot.adapters.system_clock import SystemClock
from wvl_robot.rig.config import CameraConfig

CONFIG = CameraConfig(serial="played", width=64, height=48, exposure_100us=120, gain=16)
K = Intrinsics(width=64, height=48, fx=60.0, fy=60.0, cx=32.0, cy=24.0)


class PlayedDevice:
    """A software device that sends a new picture every 10 ms and obeys its options, or does not."""

    def __init__(self, *, sensor_name: str = "RGB Camera", obeys: bool = True) -> None:
        self.device = rs.software_device()
        self._sensor = self.device.add_sensor(sensor_name)
        for option, high in (
            (rs.option.enable_auto_exposure, 1),
            (rs.option.exposure, 10000),
            (rs.option.gain, 128),
            (rs.option.power_line_frequency, 2),
        ):
            limits = rs.option_range()
            limits.min, limits.max, limits.step, limits.default = 0, high, 1, 1
            self._sensor.add_option(option, limits, True)
        limits = rs.option_range()
        limits.min, limits.max, limits.step, limits.default = 0, 5, 1, 1
        stereo = self.device.add_sensor("Stereo Module")
        stereo.add_option(rs.option.visual_preset, limits, True)
        self._sensor.add_video_stream(_stream(), True)
        self._obeys = obeys
        self._is_closing = False
        self._thread = threading.Thread(target=self._play)
        self._thread.start()

    def close(self) -> None:
        self._is_closing = True
        self._thread.join()

    def _play(self) -> None:
        rng = np.random.default_rng(0)
        profile = self._sensor.get_stream_profiles()[0].as_video_stream_profile()
        number = 0
        while not self._is_closing:
            number += 1
            exposure = self._sensor.get_option(rs.option.exposure) if self._obeys else 7
            self._sensor.set_metadata(rs.frame_metadata_value.actual_exposure, int(exposure))
            frame = rs.software_video_frame()
            frame.pixels = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
            frame.bpp, frame.stride = 3, 64 * 3
            frame.timestamp, frame.domain = number * 10.0, rs.timestamp_domain.hardware_clock
            frame.frame_number, frame.profile = number, profile
            self._sensor.on_video_frame(frame)
            time.sleep(0.01)


def _stream() -> Any:
    stream = rs.video_stream()
    stream.type, stream.index, stream.uid, stream.fmt = rs.stream.color, 0, 1, rs.format.rgb8
    stream.width, stream.height, stream.fps, stream.bpp = 64, 48, 30, 3
    k = rs.intrinsics()
    k.width, k.height, k.fx, k.fy, k.ppx, k.ppy = 64, 48, 60.0, 60.0, 31.5, 23.5
    k.model, k.coeffs = rs.distortion.none, [0.0] * 5
    stream.intrinsics = k
    return stream


def open_camera(played: PlayedDevice, **changes: Any) -> RealSenseCamera:
    config = CONFIG.model_copy(update=changes)
    source = SoftwareSource(played.device, config)
    return RealSenseCamera(source, config, SystemClock(), K, warm_up_frames=3)


@pytest.fixture
def played() -> Iterator[PlayedDevice]:
    device = PlayedDevice()
    yield device
    device.close()


def test_a_frame_keeps_every_clock_that_saw_it(played: PlayedDevice) -> None:
    camera = open_camera(played)
    before_ns = time.monotonic_ns()
    frame = camera.latest()
    camera.close()
    assert frame is not None
    assert frame.rgb.shape == (48, 64, 3)
    assert 0 <= before_ns - frame.stamp_ns < 500_000_000
    assert frame.device_stamp_ns == frame.frame_number * 10_000_000
    assert frame.device_domain == "hardware_clock"


def test_options_are_locked_on_the_colour_sensor(played: PlayedDevice) -> None:
    camera = open_camera(played)
    sensor = played.device.query_sensors()[0]
    camera.close()
    assert sensor.get_option(rs.option.enable_auto_exposure) == 0
    assert sensor.get_option(rs.option.exposure) == 120
    assert sensor.get_option(rs.option.gain) == 16


def test_preset_and_power_line_are_locked_on_the_sensors_that_have_them(
    played: PlayedDevice,
) -> None:
    open_camera(played, power_line_hz=60, visual_preset=3).close()
    colour, stereo = played.device.query_sensors()
    assert colour.get_option(rs.option.power_line_frequency) == 2
    assert stereo.get_option(rs.option.visual_preset) == 3


def test_an_exposure_that_the_frames_do_not_show_is_refused() -> None:
    played = PlayedDevice(obeys=False)
    try:
        with pytest.raises(CameraError, match="exposure was set to 120, but the frames say 7"):
            open_camera(played)
    finally:
        played.close()


def test_an_option_out_of_range_is_refused_by_name(played: PlayedDevice) -> None:
    with pytest.raises(CameraError, match="Gain = 1000"):
        open_camera(played, gain=1000)


def test_a_device_without_the_colour_sensor_is_refused() -> None:
    played = PlayedDevice(sensor_name="Stereo Module")
    try:
        with pytest.raises(CameraError, match="no sensor named 'RGB Camera'"):
            open_camera(played)
    finally:
        played.close()


def test_a_stream_of_another_size_is_refused(played: PlayedDevice) -> None:
    with pytest.raises(CameraError, match="no 640x480 stream"):
        open_camera(played, width=640, height=480)


def test_whoever_is_told_to_end_does_not_wait_for_frames() -> None:
    """A camera that sends nothing is waited for, for ten seconds: Ctrl-C must not be."""
    silent = PlayedDevice()
    silent.close()
    start_s = time.monotonic()
    with pytest.raises(CameraError, match="told to end"):
        RealSenseCamera(
            SoftwareSource(silent.device, CONFIG),
            CONFIG,
            SystemClock(),
            K,
            must_give_up=lambda: time.monotonic() > start_s + 0.3,
        )
    assert time.monotonic() - start_s < START_TIMEOUT_S / 2


def test_a_calibration_of_another_camera_is_warned_of(
    played: PlayedDevice, caplog: pytest.LogCaptureFixture
) -> None:
    source = SoftwareSource(played.device, CONFIG)
    other = Intrinsics(width=64, height=48, fx=66.0, fy=60.0, cx=32.0, cy=24.0)
    with caplog.at_level(logging.WARNING):
        camera = RealSenseCamera(source, CONFIG, SystemClock(), other, warm_up_frames=3)
    camera.close()
    assert "fx 60.0 (calibration 66.0)" in caplog.text


def test_the_right_calibration_is_not_warned_of(
    played: PlayedDevice, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        open_camera(played).close()
    assert caplog.text == ""


def test_a_d435_that_is_not_there_is_named_with_those_that_are() -> None:
    source = D435Source(CameraConfig(serial="012345678901"))
    with pytest.raises(CameraError, match=r"no RealSense camera with serial 012345678901"):
        RealSenseCamera(source, source._config, SystemClock())


def record(played: PlayedDevice, file: Path) -> list[int]:
    """Record half a second; returns digests of the frames that were seen meanwhile."""
    source = SoftwareSource(played.device, CONFIG, record_to=file)
    camera = RealSenseCamera(source, CONFIG, SystemClock(), K, warm_up_frames=3)
    seen = digests(camera, 0.5)
    camera.close()
    return seen


def digests(camera: RealSenseCamera, duration_s: float) -> list[int]:
    found: list[int] = []
    end_s = time.monotonic() + duration_s
    while time.monotonic() < end_s:
        frame = camera.latest()
        if frame is not None and (digest := zlib.crc32(frame.rgb.tobytes())) not in found:
            found.append(digest)
        time.sleep(0.002)
    return found


def test_a_recording_plays_back_the_frames_that_were_seen(
    played: PlayedDevice, tmp_path: Path
) -> None:
    file = tmp_path / "evening.db3"
    seen = record(played, file)
    source = RecordedSource(file, CONFIG, repeats=True)
    camera = RealSenseCamera(source, CONFIG, SystemClock(), K, warm_up_frames=1)
    again = digests(camera, 2.0)
    camera.close()
    assert len(set(seen) & set(again)) > len(seen) / 2


def test_a_second_recording_leaves_the_first_alone(played: PlayedDevice, tmp_path: Path) -> None:
    for _ in range(2):
        record(played, tmp_path / "evening.db3")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["evening-2.db3", "evening.db3"]


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CameraError, match="is no recording"):
        RecordedSource(tmp_path / "evening.bag", CONFIG)


def test_a_damaged_recording_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "torn.db3"
    file.write_bytes(b"not a database")
    source = RecordedSource(file, CONFIG)
    with pytest.raises(CameraError, match=r"torn\.db3 cannot be played"):
        source.start(rs.frame_queue(1))

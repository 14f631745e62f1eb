"""The virtual D435: rendered frames enter the real RealSense SDK through its software device.

Lives in the camera process. Attaches to the cell's `FrameRing`, hands every frame to
`pyrealsense2.software_device` with number, clock, domain and metadata as a D435 gives them, and
attaches anew when the cell was restarted. What is downstream cannot tell it from a camera.
"""

import logging
import threading
import time
from typing import TYPE_CHECKING

from wvl_models.contract.camera import Intrinsics
from wvl_models.contract.errors import CameraError
from wvl_robot.virtual.frame_ring import FeedFrame, FrameRing
from wvl_robot.virtual.shared import block_name

if TYPE_CHECKING:
    import pyrealsense2 as rs

_LOG = logging.getLogger(__name__)

SENSOR_NAME = "RGB Camera"
"""As on a D435; its colour options belong to the sensor of this name."""

ATTACH_TIMEOUT_S = 5.0

GONE_S = 0.5
"""No frame for this long: look whether the cell has died or was restarted."""

_POLL_S = 0.001

_PIXEL_CENTRE = 0.5
"""Our pixel centres lie at half-integers, the SDK's at integers."""


class VirtualD435:
    """A started feed from a running cell into a software device."""

    def __init__(
        self,
        host: str,
        intrinsics: Intrinsics,
        rate_hz: int,
        attach_timeout_s: float = ATTACH_TIMEOUT_S,
    ) -> None:
        """Attach to the cell at `host`; raises CameraError when none runs there."""
        self._ring_name = block_name(host, "frames")
        self._ring = self._attach(host, attach_timeout_s)
        self.device, self._sensor = _software_device(intrinsics, rate_hz)
        profiles = [p.as_video_stream_profile() for p in self._sensor.get_stream_profiles()]
        self._profiles = {(p.width(), p.height()): p for p in profiles}
        self._rate_hz = rate_hz
        self._is_closing = False
        self._thread = threading.Thread(target=self._pump, name="virtual-d435")
        self._thread.start()

    def close(self) -> None:
        """Stop feeding; may be called twice."""
        self._is_closing = True
        self._thread.join(2.0)
        if self._ring is not None:
            self._ring.close()
            self._ring = None

    def _attach(self, host: str, timeout_s: float) -> FrameRing | None:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            ring = FrameRing.attach(self._ring_name)
            if ring is not None:
                return ring
            time.sleep(0.05)
        raise CameraError(
            f"no virtual camera at {host}: start the virtual cell first (wvl up starts it)."
        )

    def _must_end(self) -> bool:
        return self._is_closing or not threading.main_thread().is_alive()

    def _pump(self) -> None:
        """Hand over every new frame; sleep most of a period after each, then look often."""
        period_s = 1.0 / self._rate_hz
        num_seen, last_s = 0, time.monotonic()
        while not self._must_end():
            ring = self._ring
            if ring is None:
                time.sleep(0.05)
                self._ring, num_seen = FrameRing.attach(self._ring_name), 0
                last_s = time.monotonic()
                continue
            num_written = ring.num_written
            frame = ring.newest() if num_written != num_seen else None
            if frame is None:
                self._drop_if_gone(last_s)
                time.sleep(_POLL_S)
                continue
            num_seen, last_s = num_written, time.monotonic()
            self._inject(frame)
            time.sleep(0.8 * period_s)

    def _drop_if_gone(self, last_s: float) -> None:
        if self._ring is not None and time.monotonic() - last_s > GONE_S:
            if not self._ring.block.is_owned():
                self._ring.close()
                self._ring = None
            else:
                time.sleep(10 * _POLL_S)

    def _inject(self, frame: FeedFrame) -> None:
        import pyrealsense2 as rs

        exposure = int(self._sensor.get_option(rs.option.exposure))
        for value, number in (
            (rs.frame_metadata_value.frame_counter, frame.frame_number),
            (rs.frame_metadata_value.frame_timestamp, frame.device_ns // 1000),
            (rs.frame_metadata_value.actual_exposure, exposure),
            (
                rs.frame_metadata_value.gain_level,
                int(self._sensor.get_option(rs.option.gain)),
            ),
            (
                rs.frame_metadata_value.manual_white_balance,
                int(self._sensor.get_option(rs.option.white_balance)),
            ),
        ):
            self._sensor.set_metadata(value, number)
        height, width = frame.rgb.shape[:2]
        profile = self._profiles.get((width, height))
        if profile is None:  # the SDK would read beyond the end of the picture
            _LOG.error("the virtual camera sent %dx%d pixels; frame dropped", width, height)
            return
        video = rs.software_video_frame()
        video.pixels, video.bpp, video.stride = frame.rgb, 3, 3 * width
        video.timestamp, video.domain = frame.device_ns * 1e-6, rs.timestamp_domain.hardware_clock
        video.frame_number = frame.frame_number
        video.profile = profile
        self._sensor.on_video_frame(video)


def _software_device(
    k: Intrinsics, rate_hz: int
) -> "tuple[rs.software_device, rs.software_sensor]":
    import pyrealsense2 as rs

    device = rs.software_device()
    device.register_info(rs.camera_info.name, "Virtual D435")
    device.register_info(rs.camera_info.serial_number, "virtual")
    device.register_info(rs.camera_info.usb_type_descriptor, "3.2")
    sensor = device.add_sensor(SENSOR_NAME)
    for option, low, high, step, start in (
        (rs.option.enable_auto_exposure, 0, 1, 1, 1),
        (rs.option.exposure, 1, 10000, 1, 156),
        (rs.option.gain, 0, 128, 1, 64),
        (rs.option.enable_auto_white_balance, 0, 1, 1, 1),
        (rs.option.white_balance, 2800, 6500, 10, 4600),
    ):
        limits = rs.option_range()
        limits.min, limits.max, limits.step, limits.default = low, high, step, start
        sensor.add_option(option, limits, True)
    half = _half(k)
    sensor.add_video_stream(_colour_stream(k, 1, rate_hz), True)
    sensor.add_video_stream(_colour_stream(half, 2, rate_hz), False)  # FeedFault.WRONG_SIZE
    return device, sensor


def _half(k: Intrinsics) -> Intrinsics:
    """The same camera with every second pixel."""
    return Intrinsics(
        width=k.width // 2,
        height=k.height // 2,
        fx=k.fx / 2,
        fy=k.fy / 2,
        cx=k.cx / 2,
        cy=k.cy / 2,
    )


def _colour_stream(k: Intrinsics, unique_id: int, rate_hz: int) -> "rs.video_stream":
    import pyrealsense2 as rs

    stream = rs.video_stream()
    stream.type, stream.index, stream.uid = rs.stream.color, 0, unique_id
    stream.width, stream.height, stream.fps, stream.bpp = k.width, k.height, rate_hz, 3
    stream.fmt, stream.intrinsics = rs.format.rgb8, _sdk_intrinsics(k)
    return stream


def _sdk_intrinsics(k: Intrinsics) -> "rs.intrinsics":
    import pyrealsense2 as rs

    out = rs.intrinsics()
    out.width, out.height, out.fx, out.fy = k.width, k.height, k.fx, k.fy
    out.ppx, out.ppy = k.cx - _PIXEL_CENTRE, k.cy - _PIXEL_CENTRE
    out.model, out.coeffs = rs.distortion.none, [0.0] * 5
    return out

"""Camera node: the RealSense adapter's frames as Image and FrameMetadata, and how it is doing.

On the virtual rig the frames come out of the virtual cell's shared memory through a software device
of the same SDK; downstream of it nothing differs. Either can be recorded by the SDK, and a
recording be played instead. USB faults stay in this process.
"""

import math
from contextlib import ExitStack
from pathlib import Path

from wvl_models.contract.camera import Intrinsics
from wvl_models.contract.errors import CameraError
from wvl_robot.adapters.realsense import RealSenseCamera
from wvl_robot.adapters.realsense_sources import (
    D435Source,
    FrameSource,
    RecordedSource,
    SoftwareSource,
)
from wvl_robot.adapters.system_clock import SystemClock
from wvl_robot.core.health import Health, stream_health
from wvl_robot.rig.calibration import load_calibration
from wvl_robot.rig.config import RigConfig
from wvl_robot.ros import convert, frames, topics
from wvl_robot.ros.host import Host
from wvl_robot.ros.managed import Activate
from wvl_robot.ros.params import CameraParams
from wvl_robot.ros.process import run
from wvl_robot.ros.rig import load_rig_of
from wvl_robot.ros.timeliness import keep_time

POLL_S = 0.003
"""Between two looks for a new frame: a tenth of a period at 30 Hz."""

RETRY_S = 0.5
"""Between two looks for the virtual cell's frames."""


def _open(
    rig: RigConfig, calibrated: Intrinsics, params: CameraParams, host: Host, stack: ExitStack
) -> RealSenseCamera:
    """A started camera that the stack closes; CameraError where there is none yet."""
    with ExitStack() as mine:
        source = _source(rig, calibrated, params, mine)
        camera = RealSenseCamera(
            source, rig.camera, SystemClock(), calibrated, must_give_up=host.stop.is_set
        )
        mine.callback(camera.close)
        stack.push(mine.pop_all())
    return camera


def _source(
    rig: RigConfig, calibrated: Intrinsics, params: CameraParams, stack: ExitStack
) -> FrameSource:
    """A recording, the virtual cell, or the camera of the rig."""
    record_to = Path(params.record) if params.record else None
    if params.playback:
        return RecordedSource(Path(params.playback), rig.camera, repeats=True)
    if not rig.is_virtual:
        return D435Source(rig.camera, record_to)
    from wvl_robot.virtual.camera_device import VirtualD435

    virtual = VirtualD435(rig.robot.host, calibrated, rig.camera.rate_hz, RETRY_S)
    stack.callback(virtual.close)
    return SoftwareSource(virtual.device, rig.camera, record_to)


class Feed:
    """Publishes every new frame and, now and then, the stream's health."""

    def __init__(self, host: Host, camera: RealSenseCamera, wanted_hz: float) -> None:
        self._host, self._camera, self._clock = host, camera, SystemClock()
        self._wanted_hz = wanted_hz
        self._publish_image = host.publisher(topics.IMAGE)
        self._publish_metadata = host.publisher(topics.FRAME_METADATA)
        self._publish_status = host.publisher(topics.CAMERA_STATUS)
        self._show_compressed = host.on_demand(topics.COMPRESSED)
        self._stamp_ns = -1

    def look(self) -> None:
        """Publish the newest frame, once."""
        frame = self._camera.latest()
        if frame is None or frame.stamp_ns == self._stamp_ns:
            return
        self._stamp_ns, stamp = frame.stamp_ns, self._host.time()
        self._publish_metadata(convert.to_metadata(frame, stamp))
        self._publish_image(convert.to_image(frame, stamp))
        self._show_compressed(lambda: frames.to_compressed(frame, stamp))

    def health(self) -> Health:
        """For /diagnostics."""
        age_s = (self._clock.now_ns() - self._stamp_ns) * 1e-9 if self._stamp_ns > 0 else math.nan
        return stream_health(self._camera.health(), self._wanted_hz, age_s)

    def report(self) -> None:
        """Publish the health."""
        now_ns, stamp = self._clock.now_ns(), self._host.time()
        self._publish_status(convert.to_health(self._camera.health(), now_ns, stamp))


def configure(host: Host, params: CameraParams) -> Activate:
    """Configured: the camera streams. Active: its frames are published."""
    share, rig = load_rig_of(params)
    calibration = load_calibration(share, rig)
    calibrated = calibration.intrinsics
    devices = host.enter(ExitStack())
    camera = host.insist(
        lambda: _open(rig, calibrated, params, host, devices), CameraError, params.patience_s
    )

    def activate(active: Host) -> None:
        feed = Feed(active, camera, rig.camera.rate_hz)
        active.diagnose(feed.health)
        now = active.time()
        active.publisher(topics.CAMERA_INFO)(convert.to_camera_info(calibrated, now))
        active.publisher(topics.TF_STATIC)(frames.camera_frames(calibration.base_T_camera, now))
        keep_time()
        active.every(POLL_S, feed.look, "frames")
        active.every(1.0 / params.status_rate_hz, feed.report, "health")

    return activate


def main() -> None:
    """Entry point."""
    run("camera", CameraParams, configure)


if __name__ == "__main__":
    main()

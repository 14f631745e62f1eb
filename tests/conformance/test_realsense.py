"""The real pyrealsense2 fed by the virtual cell's renderer."""

from collections.abc import Iterator

import pytest

from tests.cells import loopback, make_config
from tests.conformance.camera_suite import CameraBench, CameraSuite
from wvl_robot.adapters.realsense import RealSenseCamera
from wvl_robot.adapters.realsense_sources import SoftwareSource
from wvl_robot.adapters.system_clock import SystemClock
from wvl_robot.virtual.camera_device import VirtualD435
from wvl_robot.virtual.cell import CellProcess
from wvl_robot.virtual.frame_ring import FeedFault, FrameRing
from wvl_robot.virtual.shared import block_name

pytestmark = pytest.mark.cell


@pytest.fixture(scope="module")
def cell() -> Iterator[CellProcess]:
    with CellProcess(make_config(1, with_camera=True)) as cell:
        yield cell


class TestRealSenseCamera(CameraSuite):
    @pytest.fixture
    def bench(self, cell: CellProcess) -> Iterator[CameraBench]:
        config = make_config(1, with_camera=True)
        intrinsics = config.look.calibration.intrinsics
        device = VirtualD435(loopback(1), intrinsics, config.rig.camera.rate_hz)
        clock = SystemClock()
        source = SoftwareSource(device.device, config.rig.camera)
        camera = RealSenseCamera(source, config.rig.camera, clock, intrinsics, warm_up_frames=5)
        ring = FrameRing.attach(block_name(loopback(1), "frames"))
        assert ring is not None

        def set_fault(fault: FeedFault) -> None:
            ring.fault = fault

        yield CameraBench(
            camera=camera,
            clock=clock,
            unplug=lambda: set_fault(FeedFault.UNPLUG),
            plug_in=lambda: set_fault(FeedFault.NONE),
        )
        set_fault(FeedFault.NONE)
        ring.close()
        camera.close()
        device.close()

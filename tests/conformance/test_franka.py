"""The real franky against the virtual cell's robot server, both of its enforce flags on."""

from collections.abc import Iterator

import pytest

from tests.cells import make_config
from tests.conformance.robot_suite import RobotBench, RobotSuite
from wvl_robot.adapters.franka import FrankaArm
from wvl_robot.adapters.system_clock import SystemClock
from wvl_robot.virtual.cell import CellProcess

pytestmark = pytest.mark.cell


@pytest.fixture(scope="module")
def cell() -> Iterator[CellProcess]:
    with CellProcess(make_config(0, with_camera=False)) as cell:
        yield cell
        report = cell.report()
    assert report.unenforced == ()
    assert report.violations == ()


class TestFrankaArm(RobotSuite):
    @pytest.fixture
    def bench(self, cell: CellProcess) -> Iterator[RobotBench]:
        rig, clock = make_config(0, with_camera=False).rig, SystemClock()
        arm = FrankaArm(rig.robot, rig.gripper, clock)
        if not arm.read().mode.is_commandable:  # left behind by the test before
            arm.recover()
        arm.go_home()
        yield RobotBench(robot=arm, clock=clock, provoke_fault=cell.provoke_reflex)
        arm.close()

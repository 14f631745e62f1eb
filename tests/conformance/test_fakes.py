import pytest

from tests.conformance.camera_suite import CameraBench, CameraSuite
from tests.conformance.clock_suite import ClockSuite
from tests.conformance.robot_suite import RobotBench, RobotSuite
from tests.fakes.camera import FakeCamera
from tests.fakes.clock import FakeClock
from tests.fakes.robot import FakeRobot
from wvl_models.contract.observation import RobotMode


class TestFakeClock(ClockSuite):
    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock()


class TestFakeCamera(CameraSuite):
    @pytest.fixture
    def bench(self) -> CameraBench:
        clock = FakeClock()
        camera = FakeCamera(clock)
        return CameraBench(camera=camera, clock=clock, unplug=camera.unplug, plug_in=camera.plug_in)


class TestFakeRobot(RobotSuite):
    @pytest.fixture
    def bench(self) -> RobotBench:
        clock = FakeClock()
        robot = FakeRobot(clock)

        def provoke_fault() -> None:
            robot.mode = RobotMode.REFLEX

        return RobotBench(robot=robot, clock=clock, provoke_fault=provoke_fault)

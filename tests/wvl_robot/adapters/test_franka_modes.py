"""The modes beside the default one, which has the whole conformance suite."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.cells import make_config
from tests.conformance.robot_suite import RobotBench, speed_radps
from wvl_models.contract.errors import RobotError
from wvl_models.contract.pose import Pose
from wvl_robot.adapters.franka import FrankaArm
from wvl_robot.adapters.franka_impedance import Segment
from wvl_robot.adapters.franka_modes import make_mode
from wvl_robot.adapters.system_clock import SystemClock
from wvl_robot.rig.streaming import ControlMode
from wvl_robot.virtual.cell import CellProcess

CONFIG = make_config(61, with_camera=False)
DOWN = np.array([1.0, 0.0, 0.0, 0.0])


def pose(x_m: float) -> Pose:
    return Pose(position_m=np.array([x_m, 0.0, 0.3]), quaternion_xyzw=DOWN)


def test_an_impedance_reference_walks_to_the_target_and_stays_there() -> None:
    segment = Segment(start=pose(0.4), end=pose(0.42), start_s=10.0, duration_s=0.1)
    assert segment.at(9.9).position_m[0] == pytest.approx(0.40)
    assert segment.at(10.05).position_m[0] == pytest.approx(0.41)
    assert segment.at(11.0).position_m[0] == pytest.approx(0.42)


def test_an_impedance_reference_has_the_velocity_of_its_way_and_none_at_its_end() -> None:
    segment = Segment(start=pose(0.4), end=pose(0.42), start_s=10.0, duration_s=0.1)
    linear_mps, angular_radps = segment.velocity_at(10.05)
    assert linear_mps == pytest.approx([0.2, 0.0, 0.0])
    assert angular_radps == pytest.approx([0.0, 0.0, 0.0])
    assert segment.velocity_at(10.1)[0] == pytest.approx([0.0, 0.0, 0.0])


@pytest.fixture(scope="module")
def cell() -> Iterator[CellProcess]:
    with CellProcess(CONFIG) as cell:
        yield cell
        assert cell.report().unenforced == ()


class Listener:
    """Takes what a mode hands to franky."""

    def __init__(self) -> None:
        self.motions: list[Any] = []

    def move(self, motion: Any, *, asynchronous: bool) -> None:
        assert asynchronous, "a tick must never wait for a motion"
        self.motions.append(motion)


def test_a_waypoint_tail_passes_the_target_and_rests_half_a_tail_behind_it() -> None:
    """The arm itself shakes in this mode where cycles are lost (docs/decisions/011)."""
    config = CONFIG.rig.robot.model_copy(update={"mode": ControlMode.WAYPOINT_TAIL})
    listener = Listener()
    make_mode(config, 0.1).lead(listener, pose(0.42), pose(0.40), pose(0.39))
    passing, rest = listener.motions[0].waypoints
    assert passing.target.pose.end_effector_pose.translation[0] == pytest.approx(0.42)
    assert passing.target.velocity.end_effector_twist.linear == pytest.approx([0.2, 0.0, 0.0])
    assert rest.target.pose.end_effector_pose.translation[0] == pytest.approx(0.44)
    assert rest.target.velocity.end_effector_twist.linear == pytest.approx([0.0, 0.0, 0.0])


@pytest.mark.parametrize("mode", list(ControlMode))
def test_a_target_that_is_not_finite_never_reaches_franky(mode: ControlMode) -> None:
    broken = SimpleNamespace(position_m=np.array([np.nan, 0.0, 0.3]), quaternion_xyzw=DOWN)
    config = CONFIG.rig.robot.model_copy(update={"mode": mode})
    with pytest.raises(RobotError, match="nothing sent"):
        make_mode(config, 0.1).lead(Listener(), broken, pose(0.40), pose(0.40))


@pytest.fixture
def bench(cell: CellProcess) -> Iterator[RobotBench]:
    robot = CONFIG.rig.robot.model_copy(update={"mode": ControlMode.IMPEDANCE})
    clock = SystemClock()
    arm = FrankaArm(robot, CONFIG.rig.gripper, clock)
    if not arm.read().mode.is_commandable:
        arm.recover()
    arm.go_home()
    yield RobotBench(robot=arm, clock=clock, provoke_fault=cell.provoke_reflex)
    arm.close()


@pytest.mark.cell
def test_the_impedance_tracker_follows_stops_by_itself_and_goes_home(bench: RobotBench) -> None:
    home = bench.robot.read().base_T_ee
    target = bench.lead(np.array([0.0, 0.04, 0.0]), 12)
    assert bench.robot.read().base_T_ee.distance_m(target) < 0.03
    bench.wait(12)
    first = bench.robot.read()
    bench.wait(2)
    second = bench.robot.read()
    assert speed_radps(second) < 0.01
    assert first.base_T_ee.distance_m(second.base_T_ee) < 0.001
    bench.robot.go_home()
    assert bench.robot.read().base_T_ee.distance_m(home) < 0.002


@pytest.mark.cell
def test_the_impedance_tracker_holds_on_demand_and_goes_on(bench: RobotBench) -> None:
    bench.lead(np.array([0.0, 0.04, 0.0]), 8)
    bench.robot.hold()
    bench.wait(12)
    assert speed_radps(bench.robot.read()) < 0.01
    target = bench.lead(np.array([0.0, -0.02, 0.0]), 8)
    assert bench.robot.read().base_T_ee.distance_m(target) < 0.03

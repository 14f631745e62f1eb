"""What every Robot must do. Subclass it in a test module and give it a `bench` fixture."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from wvl_models.contract.errors import RobotError
from wvl_models.contract.observation import RobotState
from wvl_models.contract.pose import Pose, Setpoint
from wvl_robot.ports.clock import Clock
from wvl_robot.ports.robot import Robot

PERIOD_NS = 100_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class RobotBench:
    """A connected robot at its home pose, gripper open, and the means to trouble it."""

    robot: Robot
    clock: Clock
    provoke_fault: Callable[[], None]

    def wait(self, num_periods: float) -> None:
        self.clock.sleep_until_ns(self.clock.now_ns() + round(num_periods * PERIOD_NS))

    def lead(self, offset_m: np.ndarray, num_ticks: int, *, gripper_open: bool = True) -> Pose:
        """Send a straight line from where the tool is, one setpoint per tick; the last target."""
        start = self.robot.read().base_T_ee
        tick_ns, pose = self.clock.now_ns(), start
        for k in range(1, num_ticks + 1):
            pose = Pose(
                position_m=start.position_m + offset_m * (k / num_ticks),
                quaternion_xyzw=start.quaternion_xyzw,
            )
            self.robot.send(Setpoint(pose=pose, gripper_open=gripper_open))
            tick_ns += PERIOD_NS
            self.clock.sleep_until_ns(tick_ns)
        return pose


def here(state: RobotState) -> Setpoint:
    return Setpoint(pose=state.base_T_ee, gripper_open=True)


def speed_radps(state: RobotState) -> float:
    return float(np.abs(state.joint_velocities_radps).max())


class RobotSuite:
    """Conformance of a Robot; every test starts at home without a fault."""

    def test_reads_a_state_of_this_moment(self, bench: RobotBench) -> None:
        state = bench.robot.read()
        assert abs(bench.clock.now_ns() - state.stamp_ns) < PERIOD_NS
        assert state.mode.is_commandable

    def test_follows_setpoints(self, bench: RobotBench) -> None:
        target = bench.lead(np.array([0.0, 0.06, -0.02]), 10)
        assert bench.robot.read().base_T_ee.distance_m(target) < 0.012

    def test_stops_by_itself_when_no_setpoint_follows(self, bench: RobotBench) -> None:
        bench.lead(np.array([0.0, 0.08, 0.0]), 5)
        bench.wait(6)
        first = bench.robot.read()
        bench.wait(3)
        second = bench.robot.read()
        assert speed_radps(second) < 0.01
        assert first.base_T_ee.distance_m(second.base_T_ee) < 0.001

    def test_hold_stops_and_may_be_repeated(self, bench: RobotBench) -> None:
        bench.lead(np.array([0.0, 0.08, 0.0]), 5)
        bench.robot.hold()
        bench.wait(2)
        stopped = bench.robot.read()
        assert speed_radps(stopped) < 0.01
        bench.robot.hold()
        bench.wait(3)
        assert bench.robot.read().base_T_ee.distance_m(stopped.base_T_ee) < 0.001

    def test_goes_on_after_a_hold(self, bench: RobotBench) -> None:
        bench.lead(np.array([0.0, 0.04, 0.0]), 5)
        bench.robot.hold()
        bench.wait(5)
        target = bench.lead(np.array([0.0, -0.04, 0.0]), 10)
        assert bench.robot.read().base_T_ee.distance_m(target) < 0.012

    def test_gripper_follows_the_setpoint(self, bench: RobotBench) -> None:
        open_m = bench.robot.read().gripper_width_m
        bench.lead(np.zeros(3), 10, gripper_open=False)
        assert bench.robot.read().gripper_width_m < open_m - 0.03
        bench.lead(np.zeros(3), 10, gripper_open=True)
        assert bench.robot.read().gripper_width_m == pytest.approx(open_m, abs=0.002)

    def test_a_fault_forbids_motion_until_recovered(self, bench: RobotBench) -> None:
        bench.provoke_fault()
        bench.wait(1)
        before = bench.robot.read()
        assert not before.mode.is_commandable
        for _ in range(3):
            with pytest.raises(RobotError):
                bench.robot.send(here(before))
            bench.wait(1)
        with pytest.raises(RobotError):
            bench.robot.go_home()
        assert not bench.robot.read().mode.is_commandable

    def test_hold_is_allowed_in_a_fault(self, bench: RobotBench) -> None:
        bench.provoke_fault()
        bench.robot.hold()

    def test_recovers_on_demand_and_resumes_from_where_it_is(self, bench: RobotBench) -> None:
        bench.lead(np.array([0.0, 0.05, 0.0]), 6)
        bench.provoke_fault()
        bench.wait(2)
        with pytest.raises(RobotError):
            bench.robot.send(here(bench.robot.read()))
        state = bench.robot.recover()
        assert state.mode.is_commandable
        target = bench.lead(np.array([0.0, -0.03, 0.0]), 8)
        assert bench.robot.read().base_T_ee.distance_m(target) < 0.012

    def test_refuses_a_recovery_that_nothing_needs(self, bench: RobotBench) -> None:
        with pytest.raises(RobotError):
            bench.robot.recover()

    def test_goes_home_and_opens(self, bench: RobotBench) -> None:
        home = bench.robot.read().base_T_ee
        open_m = bench.robot.read().gripper_width_m
        bench.lead(np.array([0.03, 0.05, -0.04]), 8, gripper_open=False)
        bench.robot.go_home()
        state = bench.robot.read()
        assert state.base_T_ee.distance_m(home) < 0.002
        assert state.gripper_width_m == pytest.approx(open_m, abs=0.002)
        assert speed_radps(state) < 0.01

    def test_may_be_closed_twice(self, bench: RobotBench) -> None:
        bench.robot.close()
        bench.robot.close()

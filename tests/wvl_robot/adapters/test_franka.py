"""What the Franka adapter does beyond the port's conformance, on the virtual cell."""

import os
import signal
from collections.abc import Iterator

import numpy as np
import pytest

from tests.cells import make_config
from wvl_models.contract.errors import RobotError
from wvl_models.contract.observation import RobotMode
from wvl_models.contract.pose import Pose, Setpoint
from wvl_robot.adapters.franka import FrankaArm
from wvl_robot.adapters.system_clock import SystemClock
from wvl_robot.rig.config import RobotConfig
from wvl_robot.virtual.cell import CellProcess

pytestmark = pytest.mark.cell

CONFIG = make_config(5, with_camera=False)
CLOCK = SystemClock()


@pytest.fixture(scope="module")
def cell() -> Iterator[CellProcess]:
    with CellProcess(CONFIG) as cell:
        yield cell
        report = cell.report()
    assert report.unenforced == ()
    assert report.violations == ()


def open_arm(config: RobotConfig = CONFIG.rig.robot) -> FrankaArm:
    arm = FrankaArm(config, CONFIG.rig.gripper, CLOCK)
    if not arm.read().mode.is_commandable:
        arm.recover()
    arm.go_home()
    return arm


@pytest.fixture
def arm(cell: CellProcess) -> Iterator[FrankaArm]:
    arm = open_arm()
    yield arm
    arm.close()


def move_y(arm: FrankaArm, distance_m: float, num_ticks: int, *, gripper_open: bool = True) -> None:
    start = arm.read().base_T_ee
    tick_ns = CLOCK.now_ns()
    for k in range(1, num_ticks + 1):
        position = start.position_m + [0.0, distance_m * k / num_ticks, 0.0]
        pose = Pose(position_m=position, quaternion_xyzw=start.quaternion_xyzw)
        arm.send(Setpoint(pose=pose, gripper_open=gripper_open))
        tick_ns += 100_000_000
        CLOCK.sleep_until_ns(tick_ns)


def test_reports_who_answers(arm: FrankaArm) -> None:
    assert arm.identity.kind == "fr3"
    assert arm.identity.gripper_server_version == 3


def test_another_kind_of_arm_than_the_rig_says_is_refused(cell: CellProcess) -> None:
    config = CONFIG.rig.robot.model_copy(update={"kind": "panda"})
    with pytest.raises(RobotError, match=r"is a fr3 .* robot\.kind: panda"):
        open_arm(config)


def test_the_tool_frame_is_the_finger_tips(arm: FrankaArm) -> None:
    """Home puts the tool centre at (0.46, 0, 0.20), pointing down (scene.HOME_JOINTS_RAD)."""
    pose = arm.read().base_T_ee
    assert pose.position_m == pytest.approx([0.46, 0.0, 0.20], abs=0.001)
    assert np.abs(pose.quaternion_xyzw) == pytest.approx([1.0, 0.0, 0.0, 0.0], abs=0.002)


def test_a_configured_tool_moves_the_frame(cell: CellProcess) -> None:
    longer = (1.0, 0, 0, 0, 0, 1.0, 0, 0, 0, 0, 1.0, 0.05, 0, 0, 0, 1.0)
    arm = open_arm(CONFIG.rig.robot.model_copy(update={"nominal_T_ee": longer}))
    position = arm.read().base_T_ee.position_m
    arm.close()
    assert position == pytest.approx([0.46, 0.0, 0.15], abs=0.001)


def test_a_reflex_is_known_at_the_next_reading_in_the_robots_words(
    cell: CellProcess, arm: FrankaArm
) -> None:
    move_y(arm, 0.03, 4)
    cell.provoke_reflex()
    CLOCK.sleep_until_ns(CLOCK.now_ns() + 20_000_000)
    assert arm.read().mode is RobotMode.REFLEX
    assert arm.fault is not None
    assert "cartesian_reflex" in arm.fault


def test_a_recovered_arm_stays_where_it_is(cell: CellProcess, arm: FrankaArm) -> None:
    """The target from before the fault is forgotten: nothing pulls the arm back to it."""
    move_y(arm, 0.10, 6)
    cell.provoke_reflex()
    CLOCK.sleep_until_ns(CLOCK.now_ns() + 200_000_000)
    arm.read()
    pose = arm.recover().base_T_ee
    for _ in range(5):
        arm.send(Setpoint(pose=pose, gripper_open=True))
        CLOCK.sleep_until_ns(CLOCK.now_ns() + 100_000_000)
    assert arm.read().base_T_ee.distance_m(pose) < 0.001


def test_after_a_pause_the_arm_is_led_from_where_it_is(arm: FrankaArm) -> None:
    """It has braked short of or past its last target; the way back must not come as one jerk."""
    move_y(arm, 0.10, 5)
    CLOCK.sleep_until_ns(CLOCK.now_ns() + 800_000_000)
    pose = arm.read().base_T_ee
    arm.send(Setpoint(pose=pose, gripper_open=True))
    CLOCK.sleep_until_ns(CLOCK.now_ns() + 300_000_000)
    assert arm.read().base_T_ee.distance_m(pose) < 0.001


def test_hold_brakes_long_before_a_twist_expires(arm: FrankaArm) -> None:
    """At 0.17 m/s the expiry alone takes 34 mm (measured), braking at once 9 mm.

    Counted from where the arm is when `hold` returns: a busy machine may call it late, but the
    way it brakes from there is the robot's own.
    """
    move_y(arm, 0.12, 7)
    start = arm.read().base_T_ee
    position = start.position_m + [0.0, 0.017, 0.0]
    pose = Pose(position_m=position, quaternion_xyzw=start.quaternion_xyzw)
    arm.send(Setpoint(pose=pose, gripper_open=True))
    arm.hold()
    held = arm.read().base_T_ee
    CLOCK.sleep_until_ns(CLOCK.now_ns() + 600_000_000)
    assert arm.read().base_T_ee.distance_m(held) < 0.020


class InterruptedClock(SystemClock):
    """Ctrl-C in the tenth sleep."""

    num_sleeps = 0

    def sleep_until_ns(self, deadline_ns: int) -> None:
        self.num_sleeps += 1
        if self.num_sleeps == 10:
            raise KeyboardInterrupt
        super().sleep_until_ns(deadline_ns)


def test_the_way_home_can_be_interrupted(cell: CellProcess, arm: FrankaArm) -> None:
    move_y(arm, 0.15, 12)
    arm.close()
    arm = FrankaArm(CONFIG.rig.robot, CONFIG.rig.gripper, InterruptedClock())
    with pytest.raises(KeyboardInterrupt):
        arm.go_home()
    arm.hold()
    CLOCK.sleep_until_ns(CLOCK.now_ns() + 300_000_000)
    assert np.abs(arm.read().joint_velocities_radps).max() < 0.01
    assert arm.recover().mode.is_commandable
    arm.close()


def test_the_gripper_never_delays_a_setpoint(arm: FrankaArm) -> None:
    """Closing takes 0.65 s; every send that asks for it or for the contrary is back before."""
    pose = arm.read().base_T_ee
    for is_open in (False, True, False):
        arm.send(Setpoint(pose=pose, gripper_open=is_open))
    assert arm.read().gripper_width_m > 0.02, "the hand has had time to close: a send waited"
    CLOCK.sleep_until_ns(CLOCK.now_ns() + 1_500_000_000)
    assert arm.read().gripper_width_m < 0.005, "the hand was never asked to close"


def test_a_wish_that_comes_and_goes_while_the_hand_is_busy_is_never_sent(arm: FrankaArm) -> None:
    pose = arm.read().base_T_ee
    for is_open in (False, True, False):
        arm.send(Setpoint(pose=pose, gripper_open=is_open))
        CLOCK.sleep_until_ns(CLOCK.now_ns() + 30_000_000)
    widths = []
    for _ in range(40):
        CLOCK.sleep_until_ns(CLOCK.now_ns() + 25_000_000)
        widths.append(arm.read().gripper_width_m)
    assert widths[-1] < 0.005
    assert (np.diff(widths) < 0.002).all()


def test_a_grasp_of_nothing_is_no_grasp(arm: FrankaArm) -> None:
    move_y(arm, 0.0, 10, gripper_open=False)
    assert not arm.read().gripper_is_grasped


def test_a_reader_that_is_not_closed_does_not_keep_a_program_alive(cell: CellProcess) -> None:
    """Its threads must neither hang the exit nor be killed inside C++ ("terminate called")."""
    import subprocess
    import sys

    script = (
        "from tests.cells import cell_config, SHARE\n"
        "from wvl_robot.adapters.franka import FrankaArm\n"
        "from wvl_robot.adapters.system_clock import SystemClock\n"
        f"rig = cell_config(SHARE, 'lift_cube', 'virtual', '{CONFIG.rig.robot.host}').rig\n"
        "arm = FrankaArm(rig.robot, rig.gripper, SystemClock())\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], timeout=20, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr


def test_a_robot_that_dies_is_silent_and_can_be_met_again() -> None:
    config = make_config(6, with_camera=False)
    with CellProcess(config) as cell:
        arm = FrankaArm(config.rig.robot, config.rig.gripper, CLOCK)
        move_y(arm, 0.02, 3)
        os.kill(cell.pid, signal.SIGKILL)
        CLOCK.sleep_until_ns(CLOCK.now_ns() + 150_000_000)
        with pytest.raises(RobotError, match="silent"):
            arm.read()
        arm.hold()
        while arm.fault is None:
            with pytest.raises(RobotError, match="silent"):
                arm.read()
        assert "connection lost" in arm.fault
        with pytest.raises(RobotError, match="refuses the FCI"):
            arm.recover()
    with CellProcess(config) as cell:
        arm.recover()
        move_y(arm, 0.02, 3)
        arm.close()

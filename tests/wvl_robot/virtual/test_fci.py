"""The served robot from inside its process; nobody is connected to it."""

import socket
import time
from collections.abc import Iterator

import numpy as np
import pytest

from tests.cells import loopback, make_config
from wvl_models.contract.errors import RobotError, SetupError
from wvl_robot.virtual.fci import FciRobot
from wvl_robot.virtual.fci_log import FciEvent
from wvl_robot.virtual.lockstep import FINGER_SPEED_MPS
from wvl_robot.virtual.tasks import Placement, virtual_task

pytestmark = pytest.mark.cell

CONFIG = make_config(8, with_camera=False)


def make_robot(host: str = CONFIG.rig.robot.host, answer_timeout_s: float = 5.0) -> FciRobot:
    robot = CONFIG.rig.robot.model_copy(update={"host": host})
    rig = CONFIG.rig.model_copy(update={"robot": robot})
    task = virtual_task("lift_cube")
    return FciRobot(task, rig, CONFIG.look, answer_timeout_s=answer_timeout_s)


@pytest.fixture
def robot() -> Iterator[FciRobot]:
    robot = make_robot()
    robot.start()
    yield robot
    robot.stop()


def test_objects_are_put_down_without_disturbing_the_arm(robot: FciRobot) -> None:
    before = robot.joint_positions_rad()
    robot.place_objects({"cube": Placement(x_m=0.50, y_m=-0.03, yaw_rad=0.1)})
    time.sleep(0.3)
    cube = robot.state().objects["cube"].position_m
    assert cube == pytest.approx([0.50, -0.03, 0.0225], abs=0.001)
    assert robot.joint_positions_rad() == pytest.approx(before, abs=1e-5)


def test_an_object_in_flight_is_put_down_at_rest(robot: FciRobot) -> None:
    for x_m in (0.45, 0.50):
        robot.place_objects({"cube": Placement(x_m=x_m, y_m=0.0)})
    time.sleep(0.2)
    assert robot.state().objects["cube"].position_m == pytest.approx([0.50, 0.0, 0.0225], abs=1e-3)


def test_success_is_judged_on_the_served_scene(robot: FciRobot) -> None:
    assert not robot.is_success()


def test_physics_that_do_not_answer_are_an_error_with_a_sentence() -> None:
    """It was a bare TimeoutError, which no caller takes for an answer (fault row 4)."""
    robot = make_robot(answer_timeout_s=0.0)
    robot.start()
    with pytest.raises(RobotError, match="physics has not answered within 0 s"):
        robot.state()
    robot.stop()


def test_a_taken_port_is_named(robot: FciRobot) -> None:
    with pytest.raises(SetupError, match=r"port 1337 of 127\..* is taken"):
        make_robot().start()


def test_a_taken_gripper_port_is_named() -> None:
    host = loopback(9)
    with socket.socket() as other:
        other.bind((host, 1338))
        other.listen()
        with pytest.raises(SetupError, match=r"port 1338 of 127\..* is taken"):
            make_robot(host).start()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.10", "robot.local"])
def test_only_loopback_is_served(host: str) -> None:
    with pytest.raises(SetupError, match="loopback addresses only"):
        make_robot(host).start()


def test_a_stopped_robot_says_so(robot: FciRobot) -> None:
    robot.stop()
    with pytest.raises(SetupError, match="not running"):
        robot.state()


def test_ports_are_free_again_after_stop(robot: FciRobot) -> None:
    robot.stop()
    again = make_robot()
    again.start()
    again.stop()


def test_both_enforcements_are_on() -> None:
    robot = make_robot()
    assert robot.enforces == (True, True)


def test_fingers_move_no_faster_than_in_lockstep(robot: FciRobot) -> None:
    robot.move_fingers(0.0)
    start_m, start_s = robot.state().gripper_width_m, time.monotonic()
    time.sleep(0.15)
    closed_m, elapsed_s = start_m - robot.state().gripper_width_m, time.monotonic() - start_s
    assert 0.2 * FINGER_SPEED_MPS * elapsed_s < closed_m < 2.4 * FINGER_SPEED_MPS * elapsed_s
    assert np.isfinite(closed_m)


def test_events_are_told_apart() -> None:
    def event(text: str) -> FciEvent:
        return FciEvent(stamp_ns=0, text=text)

    broken = event("motion limit violated: something (not enforced)")
    assert broken.is_unenforced
    assert broken.is_violation
    assert event("communication_constraints_violation -- aborting the motion").is_violation
    assert not event("cartesian_reflex, provoked by a test -- aborting the motion").is_violation
    assert not event("simulation running at 0.94x real time").is_violation

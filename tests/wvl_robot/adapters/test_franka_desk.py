from collections.abc import Iterator

import pytest

from tests.cells import SHARE
from tests.wvl_robot.adapters.desk_server import PASSWORD, USER, DeskServer, serve_desk
from wvl_models.contract.errors import RobotError
from wvl_robot.adapters.franka_desk import FrankaDesk, open_desk
from wvl_robot.rig.config import RobotConfig, load_rig


@pytest.fixture
def robot() -> Iterator[DeskServer]:
    with serve_desk() as server:
        yield server


def config_of(robot: DeskServer) -> RobotConfig:
    return load_rig(SHARE, "virtual").robot.model_copy(update={"host": robot.host})


@pytest.fixture
def desk(robot: DeskServer) -> Iterator[FrankaDesk]:
    with open_desk(config_of(robot), USER, PASSWORD) as desk:
        yield desk


def test_looking_changes_nothing(robot: DeskServer, desk: FrankaDesk) -> None:
    seen = desk.status()
    assert (seen.operating_mode, seen.brakes, seen.fci) == ("Programming", "Locked", "Inactive")
    assert robot.changes == []
    assert robot.owner is None


def test_a_locked_robot_becomes_ready_for_fci(robot: DeskServer, desk: FrankaDesk) -> None:
    desk.make_ready()
    assert (robot.mode, robot.brakes, robot.fci) == ("Execution", "Unlocked", "Active")
    assert robot.owner == USER


def test_what_is_ready_already_is_not_done_again(robot: DeskServer, desk: FrankaDesk) -> None:
    robot.mode, robot.brakes = "Execution", "Unlocked"
    desk.make_ready()
    assert robot.changes == ["/api/fci:activate"]


def test_the_brakes_stay_closed_while_a_self_test_is_due(
    robot: DeskServer, desk: FrankaDesk
) -> None:
    robot.time_to_self_test_s = 0.0
    with pytest.raises(RobotError, match=r"self-test .* is due"):
        desk.make_ready()
    assert robot.brakes == "Locked"


def test_locking_closes_the_brakes(robot: DeskServer, desk: FrankaDesk) -> None:
    desk.make_ready()
    desk.lock()
    assert robot.brakes == "Locked"


def test_control_is_given_back_at_the_end(robot: DeskServer) -> None:
    with open_desk(config_of(robot), USER, PASSWORD) as desk:
        desk.make_ready()
    assert robot.owner is None


def test_a_wrong_password_is_said_so(robot: DeskServer) -> None:
    with (
        pytest.raises(RobotError, match="password is wrong"),
        open_desk(config_of(robot), USER, "guess"),
    ):
        pass


def test_a_robot_that_is_not_there_is_named() -> None:
    config = load_rig(SHARE, "virtual").robot.model_copy(update={"host": "127.0.0.1:9"})
    with pytest.raises(RobotError, match="cannot reach Desk"), open_desk(config, USER, PASSWORD):
        pass

import logging

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.robot import tool_down
from tests.wvl_robot.core.test_teleop_mapping import (
    DEAD_MAN,
    GRIPPER,
    LIMITS,
    START,
    SUCCESS,
    profile,
)
from wvl_models.contract.errors import TeleopError
from wvl_robot.core.teleop_desk import TeleopDesk
from wvl_robot.core.teleop_mapping import TeleopMapping
from wvl_robot.ports.teleop import TeleopEvent

FORWARD, BACK = (1.0, 0.0, 0.0, 0.0, 0.0, 0.0), (-1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
REST = (0.0,) * 6


class Desk:
    """A puck and a keyboard; what is not pushed stays silent."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.puck, self.keyboard = (TeleopMapping(profile(), LIMITS, 0.1) for _ in range(2))
        self.desk = TeleopDesk(self.clock, "spacemouse", self.puck, self.keyboard)

    def push(self, mapping: TeleopMapping, *buttons: int, axes: tuple[float, ...] = REST) -> None:
        self.clock.advance_s(0.02)
        mapping.push(axes, [int(index in buttons) for index in range(5)], self.clock.now_ns())


def test_nothing_begins_without_the_device() -> None:
    one = Desk()
    one.push(one.keyboard)
    with pytest.raises(TeleopError, match=r"\(spacemouse\) is silent: is it plugged in"):
        one.desk.begin(None)


def test_a_missing_keyboard_says_how_to_bring_it() -> None:
    mapping = TeleopMapping(profile(), LIMITS, 0.1)
    assert "run `wvl teleop keyboard`" in TeleopDesk(FakeClock(), "keyboard", mapping).complaint()


def test_the_keyboard_may_be_missing() -> None:
    one = Desk()
    one.push(one.puck)
    one.desk.begin(None)
    one.push(one.puck, DEAD_MAN, axes=FORWARD)
    command = one.desk.read(tool_down())
    assert command.is_engaged and command.action[0] == pytest.approx(0.01)


def test_the_keyboard_has_the_buttons_that_a_puck_lacks() -> None:
    one = Desk()
    one.push(one.puck)
    one.push(one.keyboard)
    one.push(one.keyboard, SUCCESS)
    assert one.desk.read(tool_down()).event is TeleopEvent.SUCCESS


def test_whose_dead_man_is_held_moves_the_arm_and_the_device_comes_first() -> None:
    one = Desk()
    one.push(one.puck)
    one.push(one.keyboard)
    one.push(one.keyboard, DEAD_MAN, axes=BACK)
    assert one.desk.read(tool_down()).action[0] < 0
    one.push(one.puck, DEAD_MAN, axes=FORWARD)
    assert one.desk.read(tool_down()).action[0] > 0


def test_the_keyboard_cannot_drive_while_the_device_is_gone() -> None:
    one = Desk()
    one.push(one.keyboard)
    one.push(one.keyboard, DEAD_MAN, axes=BACK)
    command = one.desk.read(tool_down())
    assert not command.is_engaged and not command.is_live


def test_what_was_pressed_before_the_episode_is_forgotten() -> None:
    one = Desk()
    one.push(one.puck)
    one.push(one.puck, START, GRIPPER)
    one.desk.begin(None)
    assert one.desk.read(tool_down()).event is TeleopEvent.NONE


def test_the_devices_going_and_coming_are_said_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    one = Desk()
    one.push(one.puck)
    for _ in range(3):
        one.desk.read(tool_down())
    one.clock.advance_s(1.0)
    for _ in range(3):
        one.desk.read(tool_down())
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING"]
    assert "The arm holds" in caplog.text

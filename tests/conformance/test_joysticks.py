"""The drivers without hardware: a pseudo-terminal, SDL's virtual pad, a puck's reports."""

from collections.abc import Iterator

import pytest

from tests.cells import SHARE
from tests.conformance.joystick_suite import JoystickSuite
from tests.fakes.clock import FakeClock
from tests.fakes.joystick import FakeJoystick
from tests.teleop_devices import Terminal, VirtualPad, VirtualPuck
from wvl_robot.adapters.gamepad import Gamepad
from wvl_robot.adapters.keyboard import Keyboard
from wvl_robot.adapters.spacemouse import SpaceMouse
from wvl_robot.adapters.system_clock import SystemClock
from wvl_robot.ports.joystick import Joystick
from wvl_robot.rig.teleop_profile import load_teleop_profile


class TestFakeJoystick(JoystickSuite):
    @pytest.fixture
    def stick(self) -> Joystick:
        fake = FakeJoystick().open()
        fake.reading = type(fake.reading)(axes=(0.0, 0.0), buttons=(False,))
        return fake

    def unplug(self, stick: Joystick) -> None:
        assert isinstance(stick, FakeJoystick)
        stick.is_there = False


class TestKeyboard(JoystickSuite):
    @pytest.fixture
    def stick(self) -> Iterator[Joystick]:
        with Terminal() as self.terminal:
            profile = load_teleop_profile(SHARE, "keyboard")
            keyboard = Keyboard(profile, SystemClock(), self.terminal.path)
            yield keyboard
            keyboard.close()

    def unplug(self, stick: Joystick) -> None:
        self.terminal.close()


class TestGamepad(JoystickSuite):
    @pytest.fixture
    def stick(self) -> Iterator[Joystick]:
        with VirtualPad() as self.pad:
            gamepad = Gamepad()
            yield gamepad
            gamepad.close()

    def unplug(self, stick: Joystick) -> None:
        self.pad.close()


class TestSpaceMouse(JoystickSuite):
    @pytest.fixture
    def stick(self) -> Iterator[Joystick]:
        with VirtualPuck() as self.puck:
            mouse = SpaceMouse(FakeClock(), device=self.puck.device())
            yield mouse
            mouse.close()

    def unplug(self, stick: Joystick) -> None:
        self.puck.close()

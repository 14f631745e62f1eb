import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cells import SHARE
from tests.fakes.clock import FakeClock
from tests.teleop_devices import Terminal
from wvl_models.contract.errors import SetupError
from wvl_robot.adapters.keyboard import HOLD_NS, Keyboard, key_card
from wvl_robot.ports.joystick import JoyReading
from wvl_robot.rig.teleop_profile import load_teleop_profile

PROFILE = load_teleop_profile(SHARE, "keyboard")
DEAD_MAN, SLOW, GRIPPER, START = range(4)


class Typist:
    def __init__(self, terminal: Terminal) -> None:
        self.clock, self.terminal = FakeClock(), terminal
        self.keyboard = Keyboard(PROFILE, self.clock, terminal.path)

    def type(self, text: str) -> JoyReading:
        self.terminal.type(text)
        return self.keyboard.read()


@pytest.fixture
def typist() -> Iterator[Typist]:
    with Terminal() as terminal:
        one = Typist(terminal)
        yield one
        one.keyboard.close()


def pressed(reading: JoyReading) -> set[int]:
    return {index for index, is_down in enumerate(reading.buttons) if is_down}


def test_a_key_moves_and_holds_the_dead_man(typist: Typist) -> None:
    reading = typist.type("w")
    assert reading.axes[0] == 1.0
    assert pressed(reading) == {DEAD_MAN}


def test_letting_go_is_the_dead_man(typist: Typist) -> None:
    typist.type("w")
    typist.clock.advance_s(HOLD_NS * 1e-9 - 0.001)
    assert typist.keyboard.read().axes[0] == 1.0
    typist.clock.advance_s(0.001)
    reading = typist.keyboard.read()
    assert set(reading.axes) == {0.0} and not pressed(reading)


def test_a_key_that_repeats_stays_held(typist: Typist) -> None:
    for _ in range(30):
        reading = typist.type("a")
        typist.clock.advance_s(0.033)
    assert reading.axes[1] == 1.0


def test_the_opposite_key_turns_around_at_once(typist: Typist) -> None:
    typist.type("w")
    assert typist.type("s").axes[0] == -1.0


def test_shift_is_slow(typist: Typist) -> None:
    reading = typist.type("W")
    assert reading.axes[0] == 1.0 and pressed(reading) == {DEAD_MAN, SLOW}


def test_the_gripper_key_holds_the_dead_man_and_the_others_do_not(typist: Typist) -> None:
    assert pressed(typist.type(" ")) == {DEAD_MAN, GRIPPER}
    typist.clock.advance_s(1.0)
    assert pressed(typist.type("\r")) == {START}


@pytest.mark.parametrize("text", ["\x1b[A", "\x1b[1;2D", "\x1bOS", "\x1b", "\x1ba", "zZ?é", "\x00"])
def test_other_keys_do_nothing(typist: Typist, text: str) -> None:
    reading = typist.type(text)
    assert set(reading.axes) == {0.0} and not pressed(reading)


def test_what_was_typed_before_does_not_count() -> None:
    with Terminal() as terminal:
        terminal.type("wwww")
        keyboard = Keyboard(PROFILE, FakeClock(), terminal.path)
        assert set(keyboard.read().axes) == {0.0}
        keyboard.close()


def test_the_terminal_is_given_back_as_it_was() -> None:
    with Terminal() as terminal, terminal.path.open("rb", buffering=0) as file:
        before = termios.tcgetattr(file)
        keyboard = Keyboard(PROFILE, FakeClock(), terminal.path)
        assert not termios.tcgetattr(file)[3] & (termios.ICANON | termios.ECHO)
        assert termios.tcgetattr(file)[3] & termios.ISIG, "Ctrl-C ends the program as ever"
        keyboard.close()
        assert termios.tcgetattr(file) == before
        keyboard.close()


def test_without_a_terminal_it_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "missing"):
        with pytest.raises(SetupError, match=r"(?i)run `wvl teleop keyboard` in"):
            Keyboard(PROFILE, FakeClock(), path)


def test_a_profile_without_keys_is_refused() -> None:
    with pytest.raises(SetupError, match="'gamepad' has no `keys`"):
        Keyboard(load_teleop_profile(SHARE, "gamepad"), FakeClock())


def test_the_card_names_every_key() -> None:
    lines = key_card(PROFILE).splitlines()
    assert "  w s    forward/back" in lines and "  enter  start" in lines
    words = {word for line in lines for word in line.split()}
    assert set(PROFILE.keys) <= words

from collections.abc import Iterator

import pytest

from tests.teleop_devices import VirtualPad
from wvl_models.contract.errors import TeleopError
from wvl_robot.adapters.gamepad import Gamepad

LEFT_X, LEFT_Y, RIGHT_X, RIGHT_Y, LEFT_TRIGGER, RIGHT_TRIGGER = range(6)
FULL = 32767


@pytest.fixture
def pad() -> Iterator[VirtualPad]:
    with VirtualPad() as one:
        yield one


def test_left_and_up_are_positive_and_a_pulled_trigger_is_minus_one(pad: VirtualPad) -> None:
    gamepad = Gamepad()
    pad.set({LEFT_X: -FULL - 1, LEFT_Y: -FULL, RIGHT_X: FULL, RIGHT_TRIGGER: FULL})
    axes = gamepad.read().axes
    assert axes == (1.0, 1.0, -1.0, 0.0, 0.0, -1.0)
    gamepad.close()


def test_buttons_are_in_sdls_order(pad: VirtualPad) -> None:
    gamepad = Gamepad()
    pad.set(buttons=(0, 10, 14))
    buttons = gamepad.read().buttons
    assert {index for index, is_down in enumerate(buttons) if is_down} == {0, 10, 14}
    gamepad.close()


def test_a_pad_that_comes_later_is_found() -> None:
    pytest.importorskip("pygame", reason="pygame-ce has no wheel here")
    with pytest.raises(TeleopError, match=r"no gamepad found.*group `input`"):
        Gamepad()
    with VirtualPad():
        Gamepad().close()


def test_a_pad_is_chosen_by_a_part_of_its_name(pad: VirtualPad) -> None:
    gamepad = Gamepad("virtual")
    assert "Virtual" in gamepad.name
    gamepad.close()
    with pytest.raises(TeleopError, match="no gamepad called 'DualSense'; there is: Virtual"):
        Gamepad("DualSense")

import pytest

from tests.fakes.clock import FakeClock
from tests.teleop_devices import VirtualPuck
from wvl_models.contract.errors import SetupError, TeleopError
from wvl_robot.adapters.spacemouse import SILENCE_NS, SpaceMouse, _explained

FULL = 350


def mouse(puck: VirtualPuck, clock: FakeClock | None = None) -> SpaceMouse:
    return SpaceMouse(clock or FakeClock(), device=puck.device())


@pytest.mark.parametrize(
    ("raw", "axis", "value"),
    [
        ((0, -FULL, 0), 0, 1.0),  # pushed away from the person: forward
        ((-FULL, 0, 0), 1, 1.0),  # to his left
        ((0, 0, -FULL), 2, 1.0),  # pulled up
        ((0, 0, 0, 0, 0, -FULL), 5, 1.0),  # turned counter-clockwise
    ],
)
def test_axes_are_those_of_the_base_frame(raw: tuple[int, ...], axis: int, value: float) -> None:
    puck = VirtualPuck()
    one = mouse(puck)
    puck.move(*raw)
    axes = one.read().axes
    assert axes[axis] == pytest.approx(value)
    assert sum(abs(other) for other in axes) == pytest.approx(1.0)


def test_every_report_that_waits_is_taken_in() -> None:
    puck = VirtualPuck()
    one = mouse(puck)
    for size in range(20):
        puck.move(0, -10 * size, 0)
    assert one.read().axes[0] == pytest.approx(190 / FULL)


def test_a_puck_that_falls_silent_while_deflected_is_at_rest() -> None:
    puck, clock = VirtualPuck(), FakeClock()
    one = mouse(puck, clock)
    puck.move(0, -FULL, 0)
    assert one.read().axes[0] == 1.0
    clock.advance_s(SILENCE_NS * 1e-9)
    assert one.read().axes[0] == 1.0
    clock.advance_s(0.001)
    assert one.read().axes[0] == 0.0


@pytest.mark.parametrize("model", ["SpaceMouseCompact", "SpaceMouseWireless", "SpaceMousePro"])
def test_left_and_right_are_the_first_two_on_every_model(model: str) -> None:
    puck = VirtualPuck(model)
    one = mouse(puck)
    puck.press(0)
    assert one.read().buttons[:2] == (True, False)
    puck.press(1)
    assert one.read().buttons[:2] == (False, True)


def test_the_numbered_keys_of_a_big_model_follow() -> None:
    puck = VirtualPuck("SpaceMousePro")
    one = mouse(puck)
    puck.press(8 + 4)  # BTN_1: byte 2, bit 4
    buttons = one.read().buttons
    assert [index for index, is_down in enumerate(buttons) if is_down] == [2]


def test_a_model_without_buttons_has_no_dead_man_and_is_refused() -> None:
    with pytest.raises(TeleopError, match="SpaceMouseUSB has no buttons"):
        mouse(VirtualPuck("SpaceMouseUSB"))


def test_none_is_an_error_that_says_so() -> None:
    pytest.importorskip("pyspacemouse", reason="the extra `teleop` is not installed")
    with pytest.raises(TeleopError, match="no SpaceMouse found"):
        SpaceMouse(FakeClock())


def test_what_pyspacemouse_says_becomes_what_to_do() -> None:
    assert isinstance(_explained("HID API is probably not installed", ""), SetupError)
    assert "70-spacemouse.rules" in str(_explained("Failed to open device", ""))
    assert "SpaceMouse Foo" in str(_explained("Device 'Foo' not found.", "Foo"))

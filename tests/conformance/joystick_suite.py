"""What every `Joystick` must do. A driver's test file inherits this and brings its device."""

import time

import pytest

from wvl_models.contract.errors import TeleopError
from wvl_robot.ports.joystick import JoyReading, Joystick


class JoystickSuite:
    """Subclasses give `stick` (an open device at rest), and pull it out in `unplug`."""

    @pytest.fixture
    def stick(self) -> Joystick:
        raise NotImplementedError

    def unplug(self, stick: Joystick) -> None:
        raise NotImplementedError

    def test_at_rest_all_is_zero_and_nothing_is_pressed(self, stick: Joystick) -> None:
        reading = stick.read()
        assert isinstance(reading, JoyReading)
        assert set(reading.axes) == {0.0} and not any(reading.buttons)

    def test_the_layout_stays(self, stick: Joystick) -> None:
        shapes = {(len(r.axes), len(r.buttons)) for r in (stick.read() for _ in range(20))}
        assert len(shapes) == 1

    def test_reading_does_not_wait_for_news(self, stick: Joystick) -> None:
        start_s = time.monotonic()
        for _ in range(50):
            stick.read()
        assert time.monotonic() - start_s < 5.0, "a blocking read would wait for ever"

    def test_it_has_a_name(self, stick: Joystick) -> None:
        assert stick.name

    def test_a_device_that_has_gone_is_said(self, stick: Joystick) -> None:
        stick.read()
        self.unplug(stick)
        with pytest.raises(TeleopError):
            for _ in range(100):
                stick.read()
                time.sleep(0.01)

    def test_it_can_be_closed_after_it_has_gone(self, stick: Joystick) -> None:
        self.unplug(stick)
        stick.close()

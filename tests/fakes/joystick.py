"""A device that is plugged in and pulled out as the test says."""

from wvl_models.contract.errors import TeleopError
from wvl_robot.ports.joystick import JoyReading


class FakeJoystick:
    """A `Joystick` with two axes and one button; `is_there` is its plug."""

    def __init__(self) -> None:
        self.is_there = True
        self.is_open = False
        self.num_opened = 0
        self.reading = JoyReading(axes=(0.5, 0.0), buttons=(True,))

    @property
    def name(self) -> str:
        return "a fake stick"

    def open(self) -> "FakeJoystick":
        """What a driver does when it looks for the device."""
        self._require()
        assert not self.is_open
        self.is_open = True
        self.num_opened += 1
        return self

    def read(self) -> JoyReading:
        self._require()
        assert self.is_open
        return self.reading

    def close(self) -> None:
        self.is_open = False

    def _require(self) -> None:
        if not self.is_there:
            raise TeleopError("the fake stick is not there.")

"""Joystick: a teleoperation device as plain axes and buttons; what they mean is a profile's matter.

The layout is that of the ROS driver for the same kind of device (`spacenav`, `joy`), so that a
profile serves both.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class JoyReading:
    """A device at one moment."""

    axes: tuple[float, ...]
    """In [-1, 1]; left, up, forward and counter-clockwise are positive (REP-103)."""
    buttons: tuple[bool, ...]


class Joystick(Protocol):
    """An open device; all calls come from one thread."""

    @property
    def name(self) -> str:
        """What the device calls itself."""
        ...

    def read(self) -> JoyReading:
        """The device now; never blocks. TeleopError where it has gone."""
        ...

    def close(self) -> None:
        """Give the device back; also after it has gone."""
        ...

"""SpaceMouse: a 3Dconnexion puck over hidraw, through pyspacemouse (read against 2.1.0).

Axes as ROS's spacenav publishes them: x forward, y left, z up, roll, pitch, yaw. Buttons in one
order for all models: left (or MENU), right (or FIT), then those of `EXTRA_BUTTONS`.
"""

import contextlib
import io
from typing import Any

from wvl_models.contract.errors import SetupError, TeleopError
from wvl_robot.ports.clock import Clock
from wvl_robot.ports.joystick import JoyReading

EXTRA_BUTTONS = ("BTN_1", "BTN_2", "BTN_3", "BTN_4", "ESC", "CTRL", "ALT", "SHIFT")

SILENCE_NS = 200_000_000
"""A deflected puck reports at 60 Hz and more; one that stopped (battery, radio) is at rest."""

_MAX_REPORTS = 64
"""Reports that are taken in at one reading: half a second of the fastest puck."""

_AXES = ("x", "y", "z", "roll", "pitch", "yaw")

UDEV_RULE = (
    'SUBSYSTEM=="hidraw", ATTRS{idVendor}=="256f", MODE="0660", TAG+="uaccess", GROUP="plugdev"\n'
    'SUBSYSTEM=="hidraw", ATTRS{idVendor}=="046d", ATTRS{idProduct}=="c62[5-9b]", '
    'MODE="0660", TAG+="uaccess", GROUP="plugdev"'
)
"""For /etc/udev/rules.d/70-spacemouse.rules: lets the person at the machine read the puck."""


class SpaceMouse:
    """The first puck that is found, or the one of a given model."""

    def __init__(self, clock: Clock, model: str = "", device: Any = None) -> None:
        """`model` as pyspacemouse names it, e.g. SpaceMouseWireless; empty: whichever is there.

        `device` is an open pyspacemouse.SpaceMouseDevice in the place of one that is looked for.
        TeleopError where none is there or may be read, SetupError where a package is missing.
        """
        self._clock = clock
        self._device = device or _open(model)
        self._order = _button_order(self._device.info)
        self._stamp_s, self._heard_ns = -1.0, clock.now_ns()
        if self._order[0] is None:
            self.close()
            raise TeleopError(
                f"{self.name} has no buttons; one is needed for the dead-man. Use another device."
            )

    @property
    def name(self) -> str:
        """See `Joystick`."""
        return str(self._device.name)

    def read(self) -> JoyReading:
        """See `Joystick`."""
        state = self._take_reports()
        now_ns = self._clock.now_ns()
        axes = tuple(float(getattr(state, axis)) for axis in _AXES)
        if now_ns - self._heard_ns > SILENCE_NS:
            axes = (0.0,) * len(_AXES)
        buttons = tuple(index is not None and bool(state.buttons[index]) for index in self._order)
        return JoyReading(axes=axes, buttons=buttons)

    def close(self) -> None:
        """See `Joystick`."""
        self._device.close()

    def _take_reports(self) -> Any:  # pyspacemouse.SpaceMouseState
        """The state after every report that has come."""
        from easyhid import HIDException

        try:
            for _ in range(_MAX_REPORTS):
                state = self._device.read()
                if state.t == self._stamp_s:
                    break
                self._stamp_s, self._heard_ns = state.t, self._clock.now_ns()
        except HIDException as error:
            raise TeleopError(f"{self.name} has gone ({error}).") from error
        return state


def _open(model: str) -> Any:  # pyspacemouse.SpaceMouseDevice
    try:
        import pyspacemouse
    except ImportError as error:
        raise SetupError(
            "a SpaceMouse needs the Python package pyspacemouse: pip install pyspacemouse==2.1.0"
        ) from error
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints what it found
            found = pyspacemouse.get_connected_devices()
            if not found:
                raise TeleopError("no SpaceMouse found: is it plugged in, switched on and paired?")
            return pyspacemouse.open(
                device=model or None, axis_convention=pyspacemouse.AxisConvention.ROS
            )
    except ValueError as error:
        raise SetupError(f"SpaceMouse model '{model}': {error}") from error
    except RuntimeError as error:
        raise _explained(str(error), model) from error


def _explained(said: str, model: str) -> TeleopError | SetupError:
    if "HID API" in said:
        return SetupError("a SpaceMouse needs the system's hidapi: apt install libhidapi-hidraw0")
    if "Failed to open" in said:
        return TeleopError(
            "a SpaceMouse is there, but may not be read. Write this into "
            f"/etc/udev/rules.d/70-spacemouse.rules and plug it in again:\n{UDEV_RULE}"
        )
    return TeleopError(f"SpaceMouse {model or 'of any model'}: {said}")


def _button_order(info: Any) -> tuple[int | None, ...]:  # pyspacemouse.DeviceInfo
    """Where our buttons are among the device's: all models share the first two bits."""
    bits = {(spec.byte, spec.bit): index for index, spec in enumerate(info.button_specs)}
    names = {name: index for index, name in enumerate(info.button_names)}
    first = (bits.get((1, 0)), bits.get((1, 1)))
    taken = set(first)
    extra = (names.get(name) for name in EXTRA_BUTTONS)
    return (*first, *(None if index in taken else index for index in extra))

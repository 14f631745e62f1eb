"""Devices without hardware: a pseudo-terminal, SDL's virtual pad, a puck on a wire of bytes.

The drivers' own libraries run in full: termios, SDL with its table of pads, pyspacemouse.
"""

import contextlib
import ctypes
import os
import pty
import struct
from pathlib import Path
from typing import Any

import pytest

from wvl_robot.adapters import gamepad


class Device:
    """Closed at the end of a `with`."""

    def __enter__(self) -> Any:  # the subclass
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        raise NotImplementedError


class Terminal(Device):
    """A terminal that the test types into."""

    def __init__(self) -> None:
        self._ours, self._theirs = pty.openpty()
        self.path = Path(os.ttyname(self._theirs))

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def close(self) -> None:
        for file in (self._ours, self._theirs):
            with contextlib.suppress(OSError):
                os.close(file)


class VirtualPad(Device):
    """A pad that SDL itself pretends; needs no kernel device."""

    _GAMECONTROLLER = 1

    def __init__(self) -> None:
        pytest.importorskip("pygame", reason="pygame-ce has no wheel here")
        self._pygame, self._controllers = gamepad._load()
        self._sdl = ctypes.CDLL(_loaded_sdl())
        self._sdl.SDL_JoystickFromInstanceID.restype = ctypes.c_void_p
        self._sdl.SDL_JoystickOpen.restype = ctypes.c_void_p
        self._index = self._sdl.SDL_JoystickAttachVirtual(
            self._GAMECONTROLLER, gamepad.NUM_AXES, gamepad.NUM_BUTTONS, 0
        )
        assert self._index >= 0
        self._stick = ctypes.c_void_p(self._sdl.SDL_JoystickOpen(self._index))
        self._pygame.event.pump()
        self._is_there = True

    def set(self, axes: dict[int, int] | None = None, buttons: tuple[int, ...] = ()) -> None:
        """Raw axes -32768..32767 as SDL numbers them; the buttons that are down."""
        rest = dict.fromkeys(range(4), 0) | dict.fromkeys((4, 5), -32768)  # sticks, triggers
        for index, value in (rest | (axes or {})).items():
            raw = ctypes.c_int16(value)
            self._sdl.SDL_JoystickSetVirtualAxis(self._stick, index, raw)
        for index in range(gamepad.NUM_BUTTONS):
            is_down = ctypes.c_uint8(index in buttons)
            self._sdl.SDL_JoystickSetVirtualButton(self._stick, index, is_down)

    def close(self) -> None:
        if self._is_there:
            self._sdl.SDL_JoystickDetachVirtual(self._index)
            self._pygame.event.pump()
            self._sdl.SDL_JoystickClose(self._stick)
            self._is_there = False


def _loaded_sdl() -> str:
    """The SDL that pygame brought along."""
    with Path("/proc/self/maps").open() as maps:
        return next(line.split()[-1] for line in maps if "libSDL2-2" in line)


class _Wire:
    """easyhid's device, as far as pyspacemouse needs it: reports that the test puts in."""

    def __init__(self) -> None:
        self.reports: list[bytes] = []
        self.is_there = True
        self.product_string, self.manufacturer_string = "SpaceMouse", "3Dconnexion"
        self.release_number, self.serial_number = 1, ""

    def open(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""

    def read(self, size: int) -> bytes:
        if not self.is_there:
            from easyhid import HIDException

            raise HIDException("Failed to read from HID device: -1")
        return self.reports.pop(0) if self.reports else b""


class VirtualPuck(Device):
    """A SpaceMouse whose HID reports the test writes."""

    def __init__(self, model: str = "SpaceMouseCompact") -> None:
        self._wire, self._model = _Wire(), model

    def device(self) -> Any:
        """What `pyspacemouse.open` would give."""
        sdk = pytest.importorskip("pyspacemouse", reason="the extra `teleop` is not installed")
        spec = sdk.get_device_specs()[self._model]
        spec = sdk.apply_axis_convention(spec, sdk.AxisConvention.ROS)
        device = sdk.SpaceMouseDevice(info=spec, device=self._wire)
        device.open()
        return device

    def move(self, *raw: int) -> None:
        """A report of x, y, z, then one of the turns, each -350..350, in the device's own axes."""
        self._wire.reports.append(b"\x01" + struct.pack("<3h", *raw[:3]))
        self._wire.reports.append(b"\x02" + struct.pack("<3h", *(raw[3:] or (0, 0, 0))))

    def press(self, *bits: int) -> None:
        """A report of the buttons by bit."""
        mask = sum(1 << bit for bit in bits)
        self._wire.reports.append(b"\x03" + struct.pack("<I", mask))

    def close(self) -> None:
        self._wire.is_there = False

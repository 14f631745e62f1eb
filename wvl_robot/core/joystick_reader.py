"""JoystickReader: keeps a device open, through every time that it is pulled out and put back."""

import logging
from collections.abc import Callable

from wvl_models.contract.errors import TeleopError
from wvl_robot.ports.clock import Clock
from wvl_robot.ports.joystick import JoyReading, Joystick

_LOGGER = logging.getLogger(__name__)

RETRY_NS = 1_000_000_000
"""How often a missing device is looked for."""


class JoystickReader:
    """Called from one thread; a missing device is said once, and looked for again and again."""

    def __init__(self, open_device: Callable[[], Joystick], clock: Clock) -> None:
        """`open_device` raises TeleopError while the device is missing."""
        self._open_device, self._clock = open_device, clock
        self._device: Joystick | None = None
        self._look_again_ns = clock.now_ns()
        self._complaint = ""

    @property
    def name(self) -> str:
        """The device's name; empty while it is missing."""
        return self._device.name if self._device is not None else ""

    @property
    def complaint(self) -> str:
        """What is wrong; empty while the device is there."""
        return self._complaint

    def read(self) -> JoyReading | None:
        """The device now, or None while it is missing."""
        try:
            if self._device is None and not self._find():
                return None
            assert self._device is not None
            return self._device.read()
        except TeleopError as error:
            self._lose(str(error))
            return None

    def close(self) -> None:
        """Give the device back."""
        if self._device is not None:
            self._device.close()
            self._device = None

    def _find(self) -> bool:
        now_ns = self._clock.now_ns()
        if now_ns < self._look_again_ns:
            return False
        self._look_again_ns = now_ns + RETRY_NS
        self._device = self._open_device()
        self._complaint = ""
        _LOGGER.info("%s is connected", self._device.name)
        return True

    def _lose(self, why: str) -> None:
        self.close()
        if why != self._complaint:
            _LOGGER.warning("%s Looking for it every second.", why)
        self._complaint = why

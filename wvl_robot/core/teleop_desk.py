"""The operator's desk as a `Teleop`: the device in his hand, and the keyboard that may lie beside.

The device must be heard all the time; without it nothing starts and the arm holds. The keyboard
may come and go: it has the buttons that a SpaceMouse lacks.
"""

import logging

from wvl_models.contract.errors import TeleopError
from wvl_models.contract.pose import Setpoint
from wvl_robot.core.teleop_mapping import TeleopMapping
from wvl_robot.ports.clock import Clock
from wvl_robot.ports.teleop import TeleopCommand, TeleopEvent

_LOGGER = logging.getLogger(__name__)


class TeleopDesk:
    """Asked from the session's thread; the mappings are fed from any other."""

    def __init__(
        self, clock: Clock, name: str, device: TeleopMapping, keyboard: TeleopMapping | None = None
    ) -> None:
        """`name` is the device's, for messages."""
        self._clock, self._name = clock, name
        self._device, self._keyboard = device, keyboard
        self._was_live = False

    def complaint(self) -> str:
        """Why no episode may start; empty where one may."""
        if self._device.is_live(self._clock.now_ns()):
            return ""
        if self._name == "keyboard":
            return "the keyboard is silent: run `wvl teleop keyboard` in a terminal."
        return f"the teleoperation device ({self._name}) is silent: is it plugged in and on?"

    def begin(self, seed: int | None) -> None:
        """See `Teleop`."""
        complaint = self.complaint()
        if complaint:
            raise TeleopError(complaint)
        for mapping in self._mappings():
            mapping.forget()

    def read(self, target: Setpoint) -> TeleopCommand:
        """See `Teleop`. Whose dead-man is held moves the arm; the device before the keyboard."""
        now_ns = self._clock.now_ns()
        command, *others = [mapping.read(target, now_ns) for mapping in self._mappings()]
        self._say(is_live=command.is_live)
        event, is_live = command.event, command.is_live
        for other in others:
            command = command if command.is_engaged or not is_live else other
            event = event if event is not TeleopEvent.NONE else other.event
        return TeleopCommand(
            action=command.action,
            is_engaged=command.is_engaged and is_live,
            event=event,
            is_live=is_live,
        )

    def close(self) -> None:
        """See `Teleop`; nothing to give back."""

    def _mappings(self) -> list[TeleopMapping]:
        return [self._device] if self._keyboard is None else [self._device, self._keyboard]

    def _say(self, *, is_live: bool) -> None:
        if is_live == self._was_live:
            return
        self._was_live = is_live
        if is_live:
            _LOGGER.info("the teleoperation device (%s) is there", self._name)
        else:
            _LOGGER.warning("%s The arm holds meanwhile.", self.complaint())

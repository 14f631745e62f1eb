"""Gamepad: an Xbox, PlayStation or other pad through SDL, by pygame-ce (read against 2.5.8).

SDL's own table of pads puts their axes and buttons into one order; signs are those of ROS's
game_controller_node: left and up positive, a pulled trigger -1. No window and no X is needed.
"""

import os
from typing import Any

from wvl_models.contract.errors import SetupError, TeleopError
from wvl_robot.ports.joystick import JoyReading

NUM_AXES, NUM_BUTTONS = 6, 15

_FULL = 32767.0

_SDL = {
    "SDL_VIDEODRIVER": "dummy",
    "SDL_JOYSTICK_ALLOW_BACKGROUND_EVENTS": "1",
    "SDL_NO_SIGNAL_HANDLERS": "1",
    "PYGAME_HIDE_SUPPORT_PROMPT": "1",
}
"""No screen, no focus needed, Ctrl-C stays ours, no advertisement."""


class Gamepad:
    """The first pad that is found, or the first whose name holds `model`."""

    def __init__(self, model: str = "") -> None:
        """TeleopError where there is none; SetupError where pygame-ce is missing."""
        self._pygame, controllers = _load()
        self._pad = _open(controllers, self._pygame, model)

    @property
    def name(self) -> str:
        """See `Joystick`."""
        return str(self._pad.name)

    def read(self) -> JoyReading:
        """See `Joystick`."""
        self._pygame.event.pump()
        if not self._pad.attached():
            raise TeleopError(f"{self.name} has gone.")
        return JoyReading(
            axes=tuple(_signed(self._pad.get_axis(index)) for index in range(NUM_AXES)),
            buttons=tuple(bool(self._pad.get_button(index)) for index in range(NUM_BUTTONS)),
        )

    def close(self) -> None:
        """See `Joystick`."""
        self._pad.quit()


def _load() -> tuple[Any, Any]:  # pygame and its controller module, untyped
    for name, value in _SDL.items():
        os.environ.setdefault(name, value)
    try:
        import pygame
        from pygame._sdl2 import controller
    except ImportError as error:
        raise SetupError(
            "a gamepad needs the Python package pygame-ce: pip install pygame-ce==2.5.8"
        ) from error
    pygame.display.init()  # the event queue belongs to it
    controller.init()
    return pygame, controller


def _open(controllers: Any, pygame: Any, model: str) -> Any:  # pygame._sdl2.controller.Controller
    pygame.event.pump()
    names = []
    for index in range(controllers.get_count()):
        if not controllers.is_controller(index):
            continue
        pad = controllers.Controller(index)
        if model.lower() in str(pad.name).lower():
            return pad
        names.append(str(pad.name))
        pad.quit()
    if names:
        raise TeleopError(f"no gamepad called '{model}'; there is: {', '.join(names)}.")
    raise TeleopError(
        "no gamepad found: is it plugged in or paired? Over SSH, reading one takes membership in "
        "the group `input`."
    )


def _signed(raw: int) -> float:
    """SDL's -32768..32767 as ROS has it."""
    return max(-1.0, -raw / _FULL) if raw > -_FULL else 1.0

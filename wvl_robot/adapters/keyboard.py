"""Keyboard: the terminal that this process runs in, as a `Joystick`. Standard library only.

A terminal tells which characters came, never that a key was let go: a key counts as held for
`HOLD_NS` after each character, which the keyboard's own repetition keeps alive. So letting go is
the dead-man, and a tap is a nudge. Works over SSH, on Wayland and on a console, and hears only
what is typed into this terminal.
"""

import contextlib
import os
import re
import select
import termios
import tty
from pathlib import Path

from wvl_models.contract.errors import SetupError, TeleopError
from wvl_robot.ports.clock import Clock
from wvl_robot.ports.joystick import JoyReading
from wvl_robot.rig.teleop_profile import NAMED_KEYS, Key, TeleopProfile

HOLD_NS = 150_000_000
"""Keyboards repeat 20 to 30 times a second; three repetitions may be late."""

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O.|.)?", re.DOTALL)
"""What arrow and function keys send; their letters are no keys of ours."""


class Keyboard:
    """A terminal in single-character mode; `close` gives it back as it was."""

    name = "keyboard"

    def __init__(self, profile: TeleopProfile, clock: Clock, path: Path = Path("/dev/tty")) -> None:
        """SetupError where there is no terminal or the profile has no keys."""
        if not profile.keys:
            raise SetupError(f"the profile '{profile.description}' has no `keys`.")
        self._profile, self._clock = profile, clock
        self._keys = {NAMED_KEYS.get(name, name): key for name, key in profile.keys.items()}
        self._held_until_ns: dict[str, int] = {}
        self._slow_until_ns = 0
        self._file = _open_terminal(path)
        self._before = termios.tcgetattr(self._file)
        tty.setcbreak(self._file, termios.TCSANOW)
        termios.tcflush(self._file, termios.TCIFLUSH)

    def read(self) -> JoyReading:
        """See `Joystick`."""
        now_ns = self._clock.now_ns()
        for character in _ESCAPES.sub("", self._typed()):
            self._press(character, now_ns)
        axes = [0.0] * self._profile.num_axes
        buttons = [False] * self._profile.num_buttons
        for character, until_ns in self._held_until_ns.items():
            if now_ns < until_ns:
                self._apply(self._keys[character], axes, buttons)
        slow = self._profile.slow
        if slow is not None and slow.button is not None and now_ns < self._slow_until_ns:
            buttons[slow.button] = True
        return JoyReading(axes=tuple(axes), buttons=tuple(buttons))

    def close(self) -> None:
        """See `Joystick`."""
        if self._file < 0:
            return
        with contextlib.suppress(termios.error):  # it has gone, and its settings with it
            termios.tcsetattr(self._file, termios.TCSANOW, self._before)
        os.close(self._file)
        self._file = -1

    def _typed(self) -> str:
        """What was typed since the last call."""
        typed = b""
        try:
            while select.select([self._file], [], [], 0.0)[0]:
                some = os.read(self._file, 1024)
                if not some:
                    raise TeleopError("the terminal was closed.")
                typed += some
        except OSError as error:
            raise TeleopError(f"the terminal has gone ({error.strerror}).") from error
        return typed.decode("utf-8", "ignore")

    def _press(self, character: str, now_ns: int) -> None:
        if character not in self._keys and character.lower() in self._keys:
            character = character.lower()
            self._slow_until_ns = now_ns + HOLD_NS
        if character not in self._keys:
            return
        axis = self._keys[character].axis
        if axis is not None:  # the opposite key was let go, or this one could not repeat
            for other, key in self._keys.items():
                if key.axis == axis:
                    self._held_until_ns.pop(other, None)
        self._held_until_ns[character] = now_ns + HOLD_NS

    def _apply(self, key: Key, axes: list[float], buttons: list[bool]) -> None:
        if key.axis is not None:
            axes[key.axis] = key.value
        if key.button is not None and key.button < len(buttons):
            buttons[key.button] = True
        dead_man = self._profile.dead_man.button
        if dead_man is not None and (key.engages or key.axis is not None):
            buttons[dead_man] = True


def key_card(profile: TeleopProfile) -> str:
    """The keys and what they do, one line each, for the person at the terminal."""
    names = ("forward/back", "left/right", "up/down", "roll", "pitch", "yaw")
    by_button = {switch.button: event for event, switch in profile.events.items()}
    if profile.gripper is not None:
        by_button[profile.gripper.button] = "gripper"
    by_axis: dict[int, list[str]] = {}
    lines = []
    for name, key in profile.keys.items():
        if key.axis is not None:
            by_axis.setdefault(key.axis, []).append(name)
        else:
            lines.append(f"  {name:<6} {by_button.get(key.button, f'button {key.button}')}")
    moves = [
        f"  {' '.join(keys):<6} {names[axis] if axis < len(names) else f'axis {axis}'}"
        for axis, keys in sorted(by_axis.items())
    ]
    return "\n".join([*moves, *lines, "  shift  slowly; let go: the arm holds; Ctrl-C: end"])


def _open_terminal(path: Path) -> int:
    try:
        file = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        raise SetupError(
            f"there is no terminal here ({path}: {error.strerror}). Programs that a launch file "
            "starts have none: run `wvl teleop keyboard` in a terminal of its own."
        ) from error
    if not os.isatty(file):
        os.close(file)
        raise SetupError(f"{path} is no terminal. Run `wvl teleop keyboard` in one.")
    return file

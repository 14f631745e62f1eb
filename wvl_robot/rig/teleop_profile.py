"""A teleoperation device's profile: which axis moves what, which button says what, how fast.

Numbers count the axes and buttons of a `sensor_msgs/Joy` message. One file per layout,
`config/teleop/<name>.yaml`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from wvl_models.contract.config import Config, load_config
from wvl_models.contract.errors import ConfigError
from wvl_robot.ports.teleop import TeleopEvent

Motion = Literal["x", "y", "z", "roll", "pitch", "yaw"]

Button = Literal["start", "stop", "success", "near_success", "failure", "discard", "clear_fault"]
"""The operator's buttons: every `TeleopEvent` but NONE."""

Index = Annotated[int, Field(ge=0, le=63)]


class Term(Config):
    """A share of a motion: an axis and its weight."""

    axis: Index
    scale: float = Field(default=1.0, ge=-1, le=1)


class Switch(Config):
    """A button, or an axis that counts as pressed beyond a threshold."""

    button: Index | None = None
    axis: Index | None = None
    beyond: float = Field(default=0.5, ge=-1, le=1)
    """Pressed at or above a positive threshold, at or below a negative one."""

    @model_validator(mode="after")
    def _check_one(self) -> "Switch":
        if (self.button is None) == (self.axis is None):
            raise ValueError("give either `button` or `axis`")
        if self.axis is not None and abs(self.beyond) < 0.1:
            raise ValueError("`beyond` must be 0.1 away from rest at least")
        return self

    def __str__(self) -> str:
        return f"button {self.button}" if self.axis is None else f"axis {self.axis}"


class Key(Config):
    """What a key of a keyboard does while it is held."""

    axis: Index | None = None
    value: float = Field(default=1.0, ge=-1, le=1)
    button: Index | None = None
    engages: bool = False
    """The key holds the dead-man, too; those with an axis always do."""

    @model_validator(mode="after")
    def _check_one(self) -> "Key":
        if (self.button is None) == (self.axis is None):
            raise ValueError("give either `button` or `axis`")
        return self


class TeleopProfile(Config):
    """What `config/teleop/<name>.yaml` says."""

    description: str = Field(min_length=1)
    num_axes: int = Field(ge=1, le=64)
    num_buttons: int = Field(ge=0, le=64)
    """What a message must have at least. A button beyond that, which bigger devices of the family
    have, is never pressed where it is missing."""
    motion: dict[Motion, tuple[Term, ...]] = Field(min_length=1)
    """Of the tool in the base frame: x forward, y left, z up; what is left out does not move."""
    dead_man: Switch
    """Nothing moves unless this is held."""
    slow: Switch | None = None
    """Held: a `slow_factor` of the speed."""
    gripper: Switch | None = None
    gripper_mode: Literal["toggle", "hold"] = "toggle"
    """toggle: every press opens or closes. hold: closed while held."""
    events: dict[Button, Switch] = Field(default_factory=dict)
    speed_mps: float = Field(default=0.12, gt=0, le=1)
    """Of the tool at full deflection; never above the rig's `safety.max_linear_mps`."""
    turn_radps: float = Field(default=0.5, gt=0, le=2.5)
    """Likewise; never above `safety.max_angular_radps`."""
    slow_factor: float = Field(default=0.3, gt=0, le=1)
    dead_zone: float = Field(default=0.08, ge=0, lt=1)
    """Deflection that counts as rest."""
    expo: float = Field(default=0.4, ge=0, le=1)
    """0: speed is proportional to deflection; 1: to its cube, for a fine hand near rest."""
    view_yaw_deg: float = Field(default=0.0, ge=-360, le=360)
    """Where the operator looks: 0 along the base's x axis (from behind the arm), 180 towards it."""
    keys: dict[str, Key] = Field(default_factory=dict)
    """Keyboards only: characters, or space, enter, tab, backspace."""

    @model_validator(mode="after")
    def _check_numbers(self) -> "TeleopProfile":
        for motion, terms in self.motion.items():
            for term in terms:
                if term.axis >= self.num_axes:
                    raise ValueError(f"motion.{motion}: axis {term.axis} of {self.num_axes}")
        seen: dict[str, str] = {}
        for name, switch in self._switches():
            if switch.axis is not None and switch.axis >= self.num_axes:
                raise ValueError(f"{name}: axis {switch.axis} of {self.num_axes}")
            where = f"{switch}{'' if switch.axis is None else f' beyond {switch.beyond}'}"
            if where in seen:
                raise ValueError(f"{where} is both {seen[where]} and {name}")
            seen[where] = name
        for name, key in self.keys.items():
            if len(name) != 1 and name not in NAMED_KEYS:
                raise ValueError(f"keys.{name}: one character, or {', '.join(NAMED_KEYS)}")
            if key.axis is not None and key.axis >= self.num_axes:
                raise ValueError(f"keys.{name}: axis {key.axis} of {self.num_axes}")
        if self.keys and self.dead_man.button is None:
            raise ValueError("dead_man: a keyboard's must be a button, which its keys press")
        if self.dead_man.button is not None and self.dead_man.button >= self.num_buttons:
            raise ValueError(f"dead_man: button {self.dead_man.button} of {self.num_buttons}")
        return self

    def _switches(self) -> Iterator[tuple[str, Switch]]:
        yield "dead_man", self.dead_man
        for name, switch in (("slow", self.slow), ("gripper", self.gripper)):
            if switch is not None:
                yield name, switch
        for event, switch in self.events.items():
            yield f"events.{event}", switch


NAMED_KEYS = {"space": " ", "enter": "\n", "tab": "\t", "backspace": "\x7f"}
"""Characters that a YAML file cannot show."""


def load_teleop_profile(share: Path, name: str) -> TeleopProfile:
    """Read `share/config/teleop/<name>.yaml`; a wrong field or name is named."""
    if "/" in name or name.startswith("."):
        raise ConfigError(f"a teleoperation profile is chosen by name, not by path: '{name}'.")
    return load_config(share / "config" / "teleop" / f"{name}.yaml", TeleopProfile)


def event_of(button: Button) -> TeleopEvent:
    """The event that a button means."""
    return TeleopEvent(button)

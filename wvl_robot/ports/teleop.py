"""Teleop: a person (or the scripted operator in his place) at the controls."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from wvl_models.contract.action import ACTION_DIM
from wvl_models.contract.pose import Setpoint, frozen_array
from wvl_models.contract.rotation import F64


class TeleopEvent(StrEnum):
    """A button that was pressed since the last reading."""

    NONE = "none"
    START = "start"
    STOP = "stop"
    SUCCESS = "success"
    NEAR_SUCCESS = "near_success"
    FAILURE = "failure"
    DISCARD = "discard"
    CLEAR_FAULT = "clear_fault"


@dataclass(frozen=True, kw_only=True, slots=True)
class TeleopCommand:
    """What the operator wants for one tick."""

    action: F64
    """[7] delta of the target for this tick and the gripper (1 open, 0 closed), in policy space."""
    is_engaged: bool
    """The dead-man is held. While it is not, `action` is ignored and the arm holds."""
    event: TeleopEvent = TeleopEvent.NONE
    is_live: bool = True
    """The device has been heard lately. While it has not, nobody could take over: the arm holds."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "action", frozen_array("action", self.action, (ACTION_DIM,)))


class Teleop(Protocol):
    """A source of operator commands; `read` never blocks."""

    def begin(self, seed: int | None) -> None:
        """An episode starts; `seed` is the virtual cell's reset, None on a real rig.

        TeleopError where the device is silent.
        """
        ...

    def read(self, target: Setpoint) -> TeleopCommand:
        """The command for this tick; `target` is what the arm was last told to reach."""
        ...

    def close(self) -> None:
        """Give the device back."""
        ...

"""Health: how a part of the system is doing, in the four levels of ROS diagnostics.

Judged here from statuses that exist anyway; `wvl_robot.ros.diagnostics` makes messages of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum


class Level(IntEnum):
    """Numbers of diagnostic_msgs/DiagnosticStatus."""

    OK = 0
    WARN = 1
    """It works, but somebody should look."""
    ERROR = 2
    """It does not work until somebody does something."""
    STALE = 3
    """Nothing is known: nothing was heard lately."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """One part at one moment."""

    part: str
    level: Level
    message: str
    values: Mapping[str, object] = field(default_factory=dict)
    """Named with their units, in the order in which a person wants to read them."""

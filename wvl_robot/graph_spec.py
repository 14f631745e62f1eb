"""What a graph of nodes is: its arguments, its nodes, and a node with the values it starts with."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

Value = str | int | float | bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Argument:
    """What can be set when a graph is started, as `name:=value`."""

    name: str
    default: str
    description: str
    choices: tuple[str, ...] = ()
    """The only values there are; empty: any."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Argued:
    """A parameter's value: that of an argument."""

    argument: str
    kind: type[str] | type[int] | type[float] | type[bool] = str
    is_path: bool = False
    """Relative paths are those of whoever starts the graph."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeSpec:
    """One node of a graph."""

    name: str
    parameters: Mapping[str, Argued | Value]
    is_virtual_only: bool = False
    """Left out on a real rig."""
    is_campaign: bool = False
    """Only where episodes were asked for; its end is the graph's end."""
    is_panel: bool = False
    """A window; that somebody closes it is the graph's end."""
    is_restarted: bool = False
    """A crash is no end: it is started anew, see `wvl_robot.respawn`."""
    when: tuple[str, tuple[str, ...]] | None = None
    """Only where this argument has one of these values."""

    @property
    def module(self) -> str:
        """What `python -m` runs."""
        return f"wvl_robot.{'rqt' if self.is_panel else 'ros'}.{self.name}_node"


@dataclass(frozen=True, kw_only=True, slots=True)
class Graph:
    """Nodes that belong together."""

    name: str
    description: str
    arguments: tuple[Argument, ...]
    nodes: tuple[NodeSpec, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeStart:
    """A node with the values of its parameters."""

    name: str
    module: str
    parameters: Mapping[str, Value]
    may_end: bool
    """Its end without an error is the graph's."""
    parameter_files: tuple[Path, ...] = ()
    """ROS parameter files, read before `parameters`, which therefore win."""
    is_restarted: bool = False
    """A crash is not."""

    @property
    def words(self) -> tuple[str, ...]:
        """What Python is started with, before the parameters."""
        guard = ("wvl_robot.respawn",) if self.is_restarted else ()
        return ("-m", *guard, self.module)

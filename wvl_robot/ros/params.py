"""What can be set on each node: typed, with descriptions and ranges, declared as ROS parameters.

A class per node; its fields are the parameters, their docstrings the descriptions. The graph
(`wvl_robot.graphs`) may set no other, which a test sees to.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import ConfigDict, Field, field_validator
from pydantic.fields import FieldInfo
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import ParameterException
from rclpy.node import Node
from rclpy.parameter import Parameter

from wvl_models.contract.config import Config, parse_config
from wvl_models.contract.errors import ConfigError
from wvl_robot.ros.param_files import check_names, place_of, read_sources

SEEDS = r"^\s*(\d+(\s*,\s*\d+)*)?\s*$"


class NodeParams(Config):
    """Base of a node's parameters; all are read once, at the start."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    autostart: bool = True
    """Configure and activate at once; false: wait for the lifecycle services."""

    @field_validator("*")
    @classmethod
    def _without_nul(cls, value: Any) -> Any:  # of any field
        if isinstance(value, str) and "\0" in value:  # no path may have one
            raise ValueError("a NUL character has no place here")
        return value


class RigParams(NodeParams):
    """What every node that belongs to a rig needs."""

    share: str = ""
    """Folder that holds config/ and calibration/; empty: the checkout or the ROS package."""
    rig: str = "virtual"
    """Rig file below config/rig."""
    host: str = ""
    """Address of the robot instead of the rig file's; the virtual cell serves loopback only."""


class CellParams(RigParams):
    """`cell_node`."""

    task: str = "lift_cube"
    """Task of the virtual cell."""
    success_rate_hz: float = Field(default=20.0, ge=1.0, le=100.0)
    """How often the success predicate is asked."""


class RobotParams(RigParams):
    """`robot_node`."""

    patience_s: float = Field(default=0.0, ge=0.0, le=600.0)
    """How long to try to connect; 0: once. The virtual cell takes seconds to come up."""
    state_rate_hz: float = Field(default=50.0, ge=10.0, le=200.0)
    """How often the arm's state is published."""
    watch_rate_hz: float = Field(default=200.0, ge=50.0, le=1000.0)
    """How often the watchdog looks."""


class CameraParams(RigParams):
    """`camera_node`."""

    patience_s: float = Field(default=0.0, ge=0.0, le=600.0)
    """How long to look for the camera; 0: once."""
    status_rate_hz: float = Field(default=10.0, ge=1.0, le=30.0)
    """How often the stream's health is published."""
    record: str = ""
    """New *.db3 file into which the SDK writes the stream; empty: none."""
    playback: str = ""
    """*.db3 file that is played, again and again, in place of the camera; empty: none."""


class SessionParams(RigParams):
    """`session_node`."""

    task: str = "lift_cube"
    """Task file below config/task."""
    store: str = "data/episodes"
    """Folder of the episode store; made where there is none."""
    pilot: Literal["teleop", "policy"] = "teleop"
    """Who decides."""
    teleop: Literal["none", "scripted", "spacemouse", "gamepad", "keyboard", "joy"] = "scripted"
    """Teleoperation device; `scripted` plays a person on the virtual cell, `joy` is any Joy."""
    teleop_profile: str = ""
    """Layout below config/teleop; empty: the device's own, and the gamepad's for `joy`."""
    max_teleop_age_s: float = Field(default=0.15, ge=0.05, le=1.0)
    """A device that has been silent for longer is not held by anybody."""
    max_teleop_s: float = Field(default=60.0, ge=1.0, le=600.0)
    """A person's episode ends by itself after this long."""
    near_share: float = Field(default=0.0, ge=0.0, le=1.0)
    """Share of the scripted operator's attempts that are meant to miss."""
    aim_sigma_m: float = Field(default=0.004, ge=0.0, le=0.05)
    """Spread of the scripted operator's aim."""
    operator: str = ""
    """Name written into every episode."""
    commit: str = ""
    """Software revision written into every episode."""
    max_sample_age_s: float = Field(default=0.15, ge=0.05, le=2.0)
    """Oldest frame or state that an episode may use; on a loaded machine without a robot, more."""
    policy_patience_s: float = Field(default=5.0, ge=0.5, le=60.0)
    """An episode is given up when the policy has had nothing to say for this long."""
    waiting_steps: int = Field(default=6, ge=0, le=100)
    """Ticks added to a policy's episode, because the arm rests while the policy thinks."""


class PolicyParams(RigParams):
    """`policy_node`."""

    registry: str = "data/registry"
    """Folder of the model registry."""
    policy: str = ""
    """Version to serve first; empty: the registry's current one, or none until a swap."""
    chunk_lifetime_s: float = Field(default=6.0, ge=0.5, le=60.0)
    """A chunk expires this long after its observation: its 2.4 s, and the time to think."""
    stuck_after_s: float = Field(default=10.0, ge=1.0, le=600.0)
    """An inference that takes longer hangs: the node ends and is started anew."""


class TeleopParams(NodeParams):
    """`teleop_node`."""

    share: str = ""
    """Folder that holds config/ and calibration/; empty: the checkout or the ROS package."""
    device: Literal["spacemouse", "gamepad", "keyboard"] = "spacemouse"
    """What is read."""
    model: str = ""
    """Which one, where several are plugged in; empty: the first that is found."""
    profile: str = "keyboard"
    """Keyboard only: layout below config/teleop."""
    rate_hz: float = Field(default=50.0, ge=20.0, le=200.0)
    """How often it is read and published; silence of 0.15 s opens the dead-man."""


class LearnerParams(NodeParams):
    """`learner_node`."""

    command: str = ""
    """What runs a stage, before `STAGE --run FOLDER --progress json`; empty: `wvl loop stage`."""


class CampaignParams(NodeParams):
    """`campaign_node`."""

    share: str = ""
    """Folder that holds config/ and calibration/; empty: the checkout or the ROS package."""
    rig: str = "virtual"
    """Rig file below config/rig; campaigns need the virtual cell, which resets itself."""
    num_episodes: int = Field(default=1, ge=0, le=100000)
    """Episodes to record, with seeds that count up from `seed`."""
    seed: int = Field(default=0, ge=0)
    """Seed of the first reset."""
    seeds: str = Field(default="", pattern=SEEDS)
    """Seeds of the resets, separated by commas, instead of `num_episodes` and `seed`."""
    seeds_after: str = Field(default="", pattern=SEEDS)
    """Seeds of the episodes after the swap, separated by commas."""
    swap_to: str = ""
    """Policy version to swap in, in the running session, before the episodes of `seeds_after`."""
    is_policy: bool = False
    """Whether a policy decides."""
    max_attempts: int = Field(default=3, ge=1, le=10)
    """How often an episode that was given up is tried."""
    patience_s: float = Field(default=120.0, ge=1.0, le=3600.0)
    """How long to wait for the other nodes, and for every answer of theirs."""
    report: str = ""
    """JSON file that is written at the end; empty: none."""


class PanelParams(NodeParams):
    """`panel_node`."""

    store: str = ""
    """Folder of the episode store to review; empty: the panel asks."""
    author: str = ""
    """Who signs the labels; empty: the user's name."""


ParamsT = TypeVar("ParamsT", bound=NodeParams)

_TYPES = {
    str: Parameter.Type.STRING,
    int: Parameter.Type.INTEGER,
    float: Parameter.Type.DOUBLE,
    bool: Parameter.Type.BOOL,
}


def declare(node: Node, kind: type[ParamsT], arguments: Sequence[str] = ()) -> ParamsT:
    """Declare the fields of `kind` on the node and read them.

    ConfigError names a wrong one, and the file of `arguments` (the command line) that sets it.
    """
    name = node.get_name()
    sources = read_sources(arguments, name)
    check_names(sources, list(kind.model_fields), name)
    values = {
        field_name: _declare_one(node, field_name, field, place_of(sources, field_name))
        for field_name, field in kind.model_fields.items()
    }
    files = ", ".join(sorted({str(path) for path in sources.values()}))
    source = f"the parameters of node '{name}'" + (f" (files: {files})" if files else "")
    return parse_config(values, kind, source=source)


def read(kind: type[ParamsT], values: Mapping[str, Any], source: str) -> ParamsT:
    """The same checks without a node (Any: from a command line)."""
    return parse_config(dict(values), kind, source=source)


def _declare_one(node: Node, name: str, field: FieldInfo, place: str) -> Any:
    kind = str if get_origin(field.annotation) is Literal else field.annotation
    descriptor = ParameterDescriptor(
        type=_TYPES[kind].value,
        description=field.description or "",
        additional_constraints=_choices(field),
        read_only=True,
        **_ranges(field, kind),
    )
    try:
        return node.declare_parameter(name, field.get_default(), descriptor).value
    except ParameterException as error:
        raise ConfigError(
            f"parameter '{name}' of node '{node.get_name()}'{place}: {error}"
        ) from error


def _choices(field: FieldInfo) -> str:
    if get_origin(field.annotation) is not Literal:
        return ""
    return "one of: " + ", ".join(get_args(field.annotation))


def _ranges(field: FieldInfo, kind: Any) -> dict[str, Any]:  # a type; keywords of a message
    low = next((m.ge for m in field.metadata if hasattr(m, "ge")), None)
    high = next((m.le for m in field.metadata if hasattr(m, "le")), None)
    if low is None or high is None:
        return {}
    if kind is int:
        return {"integer_range": [IntegerRange(from_value=int(low), to_value=int(high))]}
    return {"floating_point_range": [FloatingPointRange(from_value=low, to_value=high)]}

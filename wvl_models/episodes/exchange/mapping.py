"""What the columns of a foreign LeRobot data set mean: a YAML file that a person writes once.

docs/decisions/010-exchange.md has a complete example. Nothing is guessed: what the file does not
name is recorded as unknown.
"""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from wvl_models.contract.config import Config
from wvl_models.contract.episode import Origin, Outcome
from wvl_models.episodes.records import IsoTime

Column = Annotated[int, Field(ge=0)]
Three = Annotated[tuple[Column, ...], Field(min_length=3, max_length=3)]
Seven = Annotated[tuple[Column, ...], Field(min_length=7, max_length=7)]
Vector3 = Annotated[tuple[float, ...], Field(min_length=3, max_length=3)]
Vector4 = Annotated[tuple[float, ...], Field(min_length=4, max_length=4)]


class Rotation(StrEnum):
    """How a rotation is written as numbers."""

    QUATERNION_XYZW = "quaternion_xyzw"
    QUATERNION_WXYZ = "quaternion_wxyz"
    ROTATION_VECTOR = "rotation_vector"
    """Axis times angle, rad."""
    ROLL_PITCH_YAW = "roll_pitch_yaw"
    """About the fixed axes x, y, z in this order, rad."""

    @property
    def width(self) -> int:
        """Numbers of it."""
        return 4 if self in (Rotation.QUATERNION_XYZW, Rotation.QUATERNION_WXYZ) else 3


class ActionKind(StrEnum):
    """What an action is."""

    TARGET = "target"
    """The pose to go to, in the base frame."""
    DELTA_OF_TARGET = "delta_of_target"
    """A step from the last target (base frame, rotation from the left): what our policies do."""
    DELTA_OF_MEASURED = "delta_of_measured"
    """A step from where the arm is measured to be."""


class PoseColumns(Config):
    """Where position (m) and rotation stand in a feature; in the robot's base frame."""

    feature: str
    position: Three
    rotation: tuple[Column, ...]
    rotation_as: Rotation

    @model_validator(mode="after")
    def _rotation_has_its_numbers(self) -> Self:
        if len(self.rotation) != self.rotation_as.width:
            raise ValueError(
                f"rotation_as {self.rotation_as.value} needs {self.rotation_as.width} columns, "
                f"rotation names {len(self.rotation)}"
            )
        return self


class GripperColumn(Config):
    """One number that says how far the gripper is, or shall be, open."""

    column: Column
    open: float
    """The number that means open."""
    closed: float
    """The number that means closed."""

    @model_validator(mode="after")
    def _two_ends(self) -> Self:
        if self.open == self.closed:
            raise ValueError("open and closed must be different numbers")
        return self


class ActionColumns(PoseColumns):
    """The action."""

    kind: ActionKind
    gripper: GripperColumn
    position_scale: float = 1.0
    """Metres for one unit (0.05 where actions are normalised to 5 cm)."""
    rotation_scale: float = 1.0
    """Radians for one unit; for a rotation_vector or roll_pitch_yaw."""


class GripperWidth(Config):
    """The measured opening."""

    feature: str
    gripper: GripperColumn
    max_width_m: Annotated[float, Field(gt=0, le=0.5)] = 0.08
    """Of an open gripper (Franka Hand: 0.08)."""


class JointColumns(Config):
    """Seven measured joint positions or velocities, rad or rad/s."""

    feature: str
    columns: Seven


class CameraColumns(Config):
    """The images, and the camera that took them: our models cannot do without a calibration."""

    feature: str
    name: str
    fx: Annotated[float, Field(gt=0)]
    fy: Annotated[float, Field(gt=0)]
    cx: float
    cy: float
    position_m: Vector3
    """Of camera_color_optical_frame (z forward, x right, y down) in the robot's base frame."""
    quaternion_xyzw: Vector4


class Mapping(Config):
    """Everything that a LeRobot data set does not say of itself."""

    task: Annotated[str, Field(min_length=1)]
    rig: Annotated[str, Field(min_length=1)]
    camera: CameraColumns
    action: ActionColumns
    ee_pose: PoseColumns | None = None
    """Measured; needed where actions are steps."""
    gripper_width: GripperWidth | None = None
    joint_positions: JointColumns | None = None
    joint_velocities: JointColumns | None = None
    next_reward: str | None = None
    """Feature with 0 to 1: is the state after the action a success state."""
    next_success: str | None = None
    """Feature with true or false; becomes the label."""
    outcome: Outcome | None = None
    """Label of every episode, where no feature says it."""
    intervention: str | None = None
    """Feature that is true where a human overrode a policy."""
    origin: Origin = Origin.TELEOP
    operator: str = ""
    policy_version: str = ""
    rate_hz: Annotated[float, Field(gt=0)] | None = None
    """Keep every n-th step, so that this rate results; None keeps all."""
    created_utc: IsoTime | None = None
    """When it was recorded; the time of the import where nobody knows."""

    @model_validator(mode="after")
    def _steps_need_a_start(self) -> Self:
        if self.action.kind is not ActionKind.TARGET and self.ee_pose is None:
            raise ValueError(f"an action that is a {self.action.kind.value} needs ee_pose")
        if self.outcome is not None and self.next_success is not None:
            raise ValueError("say either outcome or next_success")
        return self

    def features(self) -> tuple[str, ...]:
        """Every column of numbers that is named."""
        parts = (
            self.action,
            self.ee_pose,
            self.gripper_width,
            self.joint_positions,
            self.joint_velocities,
        )
        named = [part.feature for part in parts if part is not None]
        flags = (self.next_reward, self.next_success, self.intervention)
        return tuple(dict.fromkeys([*named, *filter(None, flags)]))

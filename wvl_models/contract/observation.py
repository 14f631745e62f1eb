"""What the session sees at one tick: a camera frame, the robot's state and the last target."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from wvl_models.contract.errors import DataError
from wvl_models.contract.pose import Pose, Setpoint, frozen_array
from wvl_models.contract.rotation import F64

U8 = NDArray[np.uint8]

NUM_JOINTS = 7


class RobotMode(StrEnum):
    """libfranka's `RobotMode`; only IDLE and MOVE may be commanded (facts/robot_peers.md 0.6)."""

    OTHER = "other"
    IDLE = "idle"
    MOVE = "move"
    GUIDING = "guiding"
    REFLEX = "reflex"
    USER_STOPPED = "user_stopped"
    AUTOMATIC_ERROR_RECOVERY = "automatic_error_recovery"

    @property
    def is_commandable(self) -> bool:
        """Whether a motion may be started in this mode."""
        return self in (RobotMode.IDLE, RobotMode.MOVE)


@dataclass(frozen=True, kw_only=True, slots=True)
class RobotState:
    """One reading of the arm and its gripper."""

    stamp_ns: int
    """Monotonic host time of the reading."""
    joint_positions_rad: F64
    """[7]"""
    joint_velocities_radps: F64
    """[7]"""
    base_T_ee: Pose
    """Measured, not commanded."""
    wrench: F64
    """[6] external force (N) and torque (Nm) estimated by the robot, in the base frame."""
    gripper_width_m: float
    gripper_is_grasped: bool
    mode: RobotMode

    def __post_init__(self) -> None:
        for name, size in (
            ("joint_positions_rad", NUM_JOINTS),
            ("joint_velocities_radps", NUM_JOINTS),
            ("wrench", 6),
        ):
            object.__setattr__(self, name, frozen_array(name, getattr(self, name), (size,)))


@dataclass(frozen=True, kw_only=True, slots=True)
class CameraFrame:
    """One colour image with every clock that saw it."""

    stamp_ns: int
    """Monotonic host time of arrival: what deadlines and alignment use."""
    rgb: U8
    """[H, W, 3] RGB; owned by this frame, never written again."""
    frame_number: int
    """The sensor's own counter; a gap is a lost frame."""
    device_stamp_ns: int
    """The sensor's time, in the domain below."""
    device_domain: str
    """RealSense timestamp domain: `hardware_clock`, `system_time` or `global_time`."""

    def __post_init__(self) -> None:
        check_rgb(self.rgb)


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """Everything a policy may look at, aligned to one tick of the session."""

    stamp_ns: int
    """The tick, monotonic."""
    frame: CameraFrame
    """Newest frame not later than the tick."""
    robot: RobotState
    """Newest state not later than the tick."""
    target: Setpoint
    """What the arm had last been told to reach: the pose that deltas start from."""
    instruction: str
    """Task in words, as the operator typed it."""


def check_rgb(rgb: U8) -> None:
    """Raise DataError unless `rgb` is a uint8 array [H, W, 3]."""
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
        raise DataError(f"an image must be uint8 [H, W, 3], got {rgb.dtype} {rgb.shape}.")

"""Poses and setpoints: where the end effector is, or is told to be, in the `base` frame.

Frames follow REP-103: metres, radians, x forward, z up; `ee` is the tool centre point between
the finger tips (FR3 hand: flange + 103.4 mm). Immutable; arrays are copied in and read-only.
"""

from dataclasses import dataclass

import numpy as np

from wvl_models.contract import rotation
from wvl_models.contract.errors import DataError
from wvl_models.contract.rotation import F64

_UNIT_TOLERANCE = 1e-3
"""How far a quaternion's norm may lie from 1 before it is an error and not rounding."""


def frozen_array(name: str, value: object, shape: tuple[int, ...]) -> F64:
    """A read-only float64 copy of `value`; raises DataError unless finite and of that shape."""
    array = np.array(value, dtype=np.float64)
    if array.shape != shape:
        raise DataError(f"{name} must have shape {shape}, got {array.shape}.")
    if not np.isfinite(array).all():
        raise DataError(f"{name} must be finite, got {array.tolist()}.")
    array.setflags(write=False)
    return array


@dataclass(frozen=True, kw_only=True, slots=True)
class Pose:
    """A rigid transform; used as `base_T_ee` unless the name of the field says otherwise."""

    position_m: F64
    """[3] translation in metres."""
    quaternion_xyzw: F64
    """[4] unit quaternion, stored with w >= 0."""

    def __post_init__(self) -> None:
        position = frozen_array("position_m", self.position_m, (3,))
        quaternion = frozen_array("quaternion_xyzw", self.quaternion_xyzw, (4,))
        norm = float(np.linalg.norm(quaternion))
        if abs(norm - 1.0) > _UNIT_TOLERANCE:
            raise DataError(f"quaternion_xyzw must have norm 1, got {norm:.4f}.")
        unit = rotation.normalise_quaternion(quaternion)
        unit.setflags(write=False)
        object.__setattr__(self, "position_m", position)
        object.__setattr__(self, "quaternion_xyzw", unit)

    @classmethod
    def identity(cls) -> "Pose":
        """The transform that changes nothing."""
        return cls(position_m=np.zeros(3), quaternion_xyzw=np.array([0.0, 0.0, 0.0, 1.0]))

    @classmethod
    def from_matrix(cls, matrix: F64) -> "Pose":
        """Pose of a homogeneous [4, 4] matrix."""
        return cls(position_m=matrix[:3, 3], quaternion_xyzw=rotation.from_matrix(matrix[:3, :3]))

    def matrix(self) -> F64:
        """Homogeneous [4, 4] matrix."""
        matrix = np.eye(4)
        matrix[:3, :3] = rotation.to_matrix(self.quaternion_xyzw)
        matrix[:3, 3] = self.position_m
        return matrix

    def compose(self, other: "Pose") -> "Pose":
        """`a_T_b.compose(b_T_c)` is `a_T_c`."""
        return Pose(
            position_m=self.position_m + rotation.rotate(self.quaternion_xyzw, other.position_m),
            quaternion_xyzw=rotation.multiply(self.quaternion_xyzw, other.quaternion_xyzw),
        )

    def inverse(self) -> "Pose":
        """`a_T_b.inverse()` is `b_T_a`."""
        back = rotation.conjugate(self.quaternion_xyzw)
        return Pose(position_m=-rotation.rotate(back, self.position_m), quaternion_xyzw=back)

    def distance_m(self, other: "Pose") -> float:
        """Euclidean distance of the two origins."""
        return float(np.linalg.norm(self.position_m - other.position_m))

    def angle_rad(self, other: "Pose") -> float:
        """Angle of the rotation between the two orientations, in [0, pi]."""
        between = rotation.multiply(other.quaternion_xyzw, rotation.conjugate(self.quaternion_xyzw))
        return float(np.linalg.norm(rotation.to_rotvec(between)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Setpoint:
    """What the arm is told to reach: an absolute target pose and an open or closed gripper."""

    pose: Pose
    """`base_T_ee`, the target and not the achieved pose."""
    gripper_open: bool
    """True = open. OpenVLA-OFT's data sets use 1 = open, 0 = closed (facts/policy_rl.md 1.10)."""

    def as_row(self) -> F64:
        """[8] = position_m, quaternion_xyzw, gripper (1 open, 0 closed): the stored form."""
        return np.concatenate(
            [self.pose.position_m, self.pose.quaternion_xyzw, [float(self.gripper_open)]]
        )

    @classmethod
    def from_row(cls, row: F64) -> "Setpoint":
        """Inverse of `as_row`; a gripper value of 0.5 or more means open."""
        row = np.asarray(row, dtype=np.float64)
        if row.shape != (8,):
            raise DataError(f"a setpoint row must have shape (8,), got {row.shape}.")
        return cls(
            pose=Pose(position_m=row[:3], quaternion_xyzw=row[3:7]),
            gripper_open=bool(row[7] >= 0.5),
        )

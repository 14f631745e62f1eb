"""The numbers of a foreign episode as poses and setpoints, under a mapping. Pure numpy."""

from collections.abc import Mapping as Table
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wvl_models.contract import rotation
from wvl_models.contract.action import ActionSpec
from wvl_models.contract.errors import DataError
from wvl_models.contract.rotation import F64
from wvl_models.episodes.exchange.mapping import (
    ActionColumns,
    ActionKind,
    GripperColumn,
    Mapping,
    PoseColumns,
    Rotation,
)

Columns = Table[str, NDArray[Any]]
"""Numbers [T] or [T, width] by feature (Any: as they are in the file)."""

_LEAST_NORM = 0.5
"""A quaternion shorter than this is no quaternion but a wrong column."""


def take(columns: Columns, feature: str, which: tuple[int, ...]) -> F64:
    """[T, len(which)] of a feature; DataError where it has no such column."""
    values = np.asarray(columns[feature], dtype=np.float64)
    values = values.reshape(len(values), -1)
    if max(which) >= values.shape[1]:
        raise DataError(
            f"the mapping names column {max(which)} of {feature}, which has {values.shape[1]} "
            "(counted from 0)."
        )
    return values[:, which]


def poses_of(columns: Columns, where: PoseColumns) -> F64:
    """[T, 7] position (m) and quaternion xyzw."""
    position = take(columns, where.feature, where.position)
    turn = take(columns, where.feature, where.rotation)
    return np.concatenate([position, _quaternions(turn, where)], axis=1)


def is_open(columns: Columns, feature: str, gripper: GripperColumn) -> NDArray[np.bool_]:
    """[T] nearer to open than to closed."""
    value = take(columns, feature, (gripper.column,))[:, 0]
    return np.abs(value - gripper.open) <= np.abs(value - gripper.closed)


def setpoints_of(columns: Columns, mapping: Mapping, start: F64 | None) -> F64:
    """[T, 8] what each action told the arm to reach; `start` [8] is in force before the first."""
    action = mapping.action
    opening = is_open(columns, action.feature, action.gripper).astype(np.float64)[:, None]
    if action.kind is ActionKind.TARGET:
        poses = poses_of(columns, action)
        poses[:, :3] *= action.position_scale
        return np.concatenate([poses, opening], axis=1)
    steps = np.concatenate([_deltas(columns, action), opening], axis=1)
    if action.kind is ActionKind.DELTA_OF_TARGET:
        assert start is not None
        return ActionSpec.unnormalised().integrate(start, steps)
    assert mapping.ee_pose is not None
    measured = poses_of(columns, mapping.ee_pose)
    turn = rotation.multiply(rotation.from_rotvec(steps[:, 3:6]), measured[:, 3:])
    moved = measured[:, :3] + steps[:, :3]
    return np.concatenate([moved, rotation.normalise_quaternion(turn), opening], axis=1)


def _deltas(columns: Columns, action: ActionColumns) -> F64:
    """[T, 6] translation (m) and rotation vector (rad)."""
    position = take(columns, action.feature, action.position) * action.position_scale
    turn = take(columns, action.feature, action.rotation)
    if action.rotation_as.width == 3:
        turn = turn * action.rotation_scale
    return np.concatenate([position, rotation.to_rotvec(_quaternions(turn, action))], axis=1)


def _quaternions(turn: F64, where: PoseColumns) -> F64:
    """[T, 4] xyzw of rotations as they are written; DataError where they are none."""
    if not np.isfinite(turn).all():
        raise DataError(f"the rotation in {where.feature} is not finite in every step.")
    match where.rotation_as:
        case Rotation.ROTATION_VECTOR:
            return rotation.from_rotvec(turn)
        case Rotation.ROLL_PITCH_YAW:
            about = [rotation.from_rotvec(turn[:, [k]] * np.eye(3)[k]) for k in range(3)]
            return rotation.multiply(about[2], rotation.multiply(about[1], about[0]))
        case Rotation.QUATERNION_WXYZ:
            turn = turn[:, [1, 2, 3, 0]]
    if (np.linalg.norm(turn, axis=1) < _LEAST_NORM).any():
        raise DataError(f"the rotation in {where.feature} holds no {where.rotation_as.value}.")
    return rotation.normalise_quaternion(turn)

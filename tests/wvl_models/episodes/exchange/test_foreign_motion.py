"""The ways in which labs write motions all end in the same setpoints."""

from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation as Reference

from wvl_models.contract.action import ActionSpec
from wvl_models.contract.examples import example_pose, example_setpoint
from wvl_models.episodes.exchange.foreign_motion import poses_of, setpoints_of
from wvl_models.episodes.exchange.mapping import Mapping, PoseColumns

CAMERA = {
    "feature": "image",
    "name": "x",
    **dict.fromkeys(("fx", "fy", "cx", "cy"), 10.0),
    "position_m": [0, 0, 1],
    "quaternion_xyzw": [0, 0, 0, 1],
}

EE_POSE = {
    "feature": "state",
    "position": [0, 1, 2],
    "rotation": [3, 4, 5, 6],
    "rotation_as": "quaternion_xyzw",
}


def mapping_of(**action: Any) -> Mapping:
    columns = {
        "feature": "action",
        "position": [0, 1, 2],
        "rotation": [3, 4, 5],
        "rotation_as": "rotation_vector",
        "gripper": {"column": 6, "open": 1.0, "closed": -1.0},
    }
    return Mapping.model_validate(
        {"task": "t", "rig": "r", "camera": CAMERA, "ee_pose": EE_POSE, "action": columns | action}
    )


@pytest.fixture
def targets() -> np.ndarray:
    """[6, 8] consecutive setpoints."""
    rng = np.random.default_rng(0)
    return np.stack([example_setpoint(rng).as_row() for _ in range(6)])


def signed(gripper: np.ndarray) -> np.ndarray:
    """Open as 1, closed as -1."""
    return 2 * gripper - 1


def test_deltas_of_the_target_add_up(targets: np.ndarray) -> None:
    actions = ActionSpec.unnormalised().differentiate(targets)
    actions[:, 6] = signed(actions[:, 6])
    columns = {"action": actions, "state": targets[:-1]}
    found = setpoints_of(columns, mapping_of(kind="delta_of_target"), targets[0])
    np.testing.assert_allclose(found, targets[1:], atol=1e-9)


def test_scaled_deltas_are_unscaled(targets: np.ndarray) -> None:
    actions = ActionSpec.unnormalised().differentiate(targets)
    actions[:, 6] = signed(actions[:, 6])
    actions[:, :3] /= 0.05
    actions[:, 3:6] /= 0.2
    mapping = mapping_of(kind="delta_of_target", position_scale=0.05, rotation_scale=0.2)
    found = setpoints_of({"action": actions, "state": targets[:-1]}, mapping, targets[0])
    np.testing.assert_allclose(found, targets[1:], atol=1e-9)


def test_deltas_of_the_measured_pose_start_there_every_time(targets: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    measured = np.stack([example_setpoint(rng).as_row() for _ in range(6)])
    pairs = np.stack([measured, targets], axis=1)
    actions = ActionSpec.unnormalised().differentiate(pairs)[:, 0]
    actions[:, 6] = signed(actions[:, 6])
    columns = {"action": actions, "state": measured[:, :7]}
    found = setpoints_of(columns, mapping_of(kind="delta_of_measured"), None)
    np.testing.assert_allclose(found, targets, atol=1e-9)


@pytest.mark.parametrize(
    ("rotation_as", "write"),
    [
        ("quaternion_xyzw", lambda r: r.as_quat()),
        ("quaternion_wxyz", lambda r: r.as_quat(scalar_first=True)),
        ("rotation_vector", lambda r: r.as_rotvec()),
        ("roll_pitch_yaw", lambda r: r.as_euler("xyz")),
    ],
)
def test_rotations_mean_what_scipy_means_by_them(rotation_as: str, write: Any) -> None:
    rng = np.random.default_rng(2)
    poses = [example_pose(rng) for _ in range(8)]
    quaternions = np.stack([pose.quaternion_xyzw for pose in poses])
    numbers = write(Reference.from_quat(quaternions))
    where = PoseColumns(
        feature="state",
        position=(0, 1, 2),
        rotation=tuple(range(3, 3 + numbers.shape[1])),
        rotation_as=rotation_as,
    )
    found = poses_of({"state": np.concatenate([np.zeros((8, 3)), numbers], axis=1)}, where)
    np.testing.assert_allclose(found[:, 3:], quaternions, atol=1e-9)

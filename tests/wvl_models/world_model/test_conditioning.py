"""What the world model is told about actions."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.learning import SIDE, STEPS, example_camera, example_targets
from wvl_models.contract.errors import DataError
from wvl_models.contract.pose import Pose
from wvl_models.world_model.conditioning import Conditioning, GripperOffset, condition, encode_poses
from wvl_models.world_model.config import ActionConfig, PoseEncoding

CONFIG = ActionConfig(hidden=32, spatial=True)
CAMERA = example_camera()


def targets() -> np.ndarray:
    return example_targets(np.random.default_rng(0))[None, 1:]


def test_the_gripper_is_where_the_calibrated_camera_sees_it() -> None:
    pixels = condition(targets(), CONFIG, CAMERA).pixels
    assert pixels is not None
    assert pixels.shape == (1, STEPS, 2, 2)
    seen = CAMERA.project(targets()[0, :, :3]) / SIDE
    np.testing.assert_allclose(pixels[0, :, 0], seen, atol=1e-6)
    feet = CAMERA.project(targets()[0, :, :3] * [1, 1, 0]) / SIDE
    np.testing.assert_allclose(pixels[0, :, 1], feet, atol=1e-6)


def test_the_gripper_point_moves_with_the_camera() -> None:
    """A camera 5 cm further right sees everything fx * 0.05 / depth further left."""
    aside = Pose(position_m=np.array([0.05, 0.0, 0.0]), quaternion_xyzw=np.array([0.0, 0, 0, 1]))
    moved = replace(CAMERA, base_T_camera=CAMERA.base_T_camera.compose(aside))
    here, there = (condition(targets(), CONFIG, camera).pixels for camera in (CAMERA, moved))
    assert here is not None
    assert there is not None
    local = CAMERA.base_T_camera.inverse()
    depth = [
        local.compose(Pose(position_m=row[:3], quaternion_xyzw=row[3:7])).position_m[2]
        for row in targets()[0]
    ]
    shift = CAMERA.intrinsics.fx * 0.05 / np.array(depth) / SIDE
    np.testing.assert_allclose((here - there)[0, :, 0, 0], shift, rtol=1e-3)
    np.testing.assert_allclose((here - there)[0, :, 0, 1], 0.0, atol=1e-5)


def test_a_point_behind_the_camera_is_still_a_number() -> None:
    behind = replace(
        CAMERA,
        base_T_camera=Pose(position_m=np.zeros(3), quaternion_xyzw=np.array([1.0, 0, 0, 0])),
    )
    pixels = condition(targets(), CONFIG, behind).pixels
    assert pixels is not None
    assert torch.isfinite(pixels).all()


def test_without_spatial_conditioning_the_camera_does_not_matter() -> None:
    assert condition(targets(), ActionConfig(hidden=32), CAMERA).pixels is None


@pytest.mark.parametrize(
    ("encoding", "width"), [(PoseEncoding.ROTVEC, 7), (PoseEncoding.ROT6D, 10)]
)
def test_poses_are_encoded_about_zero(encoding: PoseEncoding, width: int) -> None:
    coded = encode_poses(targets(), encoding)
    assert coded.shape == (1, STEPS, width)
    assert coded.dtype == np.float32
    assert np.abs(coded).max() < 2.0
    assert set(np.unique(coded[..., -1])) <= {-1.0, 1.0}


def test_rot6d_does_not_jump_where_the_rotation_vector_wraps() -> None:
    """facts/world_model.md 2.2: with the tool pointing down the angle is about pi."""
    angles = np.array([np.pi - 0.01, np.pi + 0.01])
    rows = np.zeros((1, 2, 8))
    rows[0, :, 3], rows[0, :, 6] = np.sin(angles / 2), np.cos(angles / 2)
    vector, columns = (encode_poses(rows, e) for e in (PoseEncoding.ROTVEC, PoseEncoding.ROT6D))
    assert np.abs(np.diff(vector, axis=1)).max() > 1.0
    assert np.abs(np.diff(columns, axis=1)).max() < 0.03


def test_offsets_are_relative_to_each_token() -> None:
    """The token under the gripper is told zero, its right neighbour that it lies to the left."""
    offset = GripperOffset(
        ActionConfig(hidden=32, spatial=True, group=1, spatial_frequencies=1), 12
    )
    with torch.no_grad():
        offset.proj.weight.copy_(torch.eye(12))
    here = torch.tensor([0.375, 0.125])  # centre of column 1, row 0 of a grid of 4 x 4
    out = offset(here.expand(1, 1, 1, 2, 2), (4, 4))
    assert out.shape == (1, 1, 16, 12)
    plain = out[0, 0].unflatten(1, (2, 2, 3))[:, 0, :, 0]
    assert plain[1].tolist() == pytest.approx([0.0, 0.0])
    assert plain[2].tolist() == pytest.approx([-0.25, 0.0])
    assert plain[5].tolist() == pytest.approx([0.0, -0.25])


def test_batches_join() -> None:
    parts = [condition(targets(), CONFIG, CAMERA) for _ in range(2)]
    joined = Conditioning.cat(parts)
    assert joined.pixels is not None
    assert len(joined.poses) == len(joined.pixels) == 2


def test_targets_of_another_shape_are_refused() -> None:
    with pytest.raises(DataError, match=r"\[B, K, 8\]"):
        condition(targets()[0], CONFIG, CAMERA)

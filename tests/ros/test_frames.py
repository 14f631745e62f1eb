"""Frames and views: REP-103 axes, the calibrated camera, names that RViz users know."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("rclpy")

from builtin_interfaces.msg import Time

from wvl_models.contract import rotation
from wvl_models.contract.examples import example_calibration, example_frame, example_robot_state
from wvl_models.contract.pose import Pose
from wvl_robot.ros import frames

pytestmark = pytest.mark.ros

NOW = Time(sec=1)


def pose_of(transform) -> Pose:
    t, q = transform.transform.translation, transform.transform.rotation
    return Pose(
        position_m=np.array([t.x, t.y, t.z]), quaternion_xyzw=np.array([q.x, q.y, q.z, q.w])
    )


def test_an_optical_frame_looks_along_the_x_axis_of_its_body_frame() -> None:
    axes = rotation.to_matrix(frames.FRAME_T_OPTICAL.quaternion_xyzw)
    np.testing.assert_allclose(axes @ [0, 0, 1], [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(axes @ [1, 0, 0], [0, -1, 0], atol=1e-12)
    np.testing.assert_allclose(axes @ [0, 1, 0], [0, 0, -1], atol=1e-12)


def test_the_chain_of_frames_leads_to_the_calibrated_camera() -> None:
    base_T_camera = example_calibration(np.random.default_rng(1)).base_T_camera
    body, optical = frames.camera_frames(base_T_camera, NOW).transforms
    assert (body.header.frame_id, body.child_frame_id) == ("base", "camera_color_frame")
    assert (optical.header.frame_id, optical.child_frame_id) == (
        "camera_color_frame",
        "camera_color_optical_frame",
    )
    np.testing.assert_allclose(
        pose_of(body).compose(pose_of(optical)).matrix(), base_T_camera.matrix(), atol=1e-9
    )


def test_joints_are_named_as_in_frankas_description() -> None:
    state = example_robot_state(np.random.default_rng(1), stamp_ns=1)
    names = [f"fr3_joint{i}" for i in range(1, 8)] + ["fr3_finger_joint1", "fr3_finger_joint2"]
    message = frames.to_joint_state(state, names, NOW)
    assert len(message.position) == len(message.velocity) == len(names)
    assert sum(message.position[7:]) == pytest.approx(state.gripper_width_m)


def test_a_compressed_image_is_a_jpeg_of_the_frame() -> None:
    import cv2

    frame = example_frame(np.random.default_rng(1), stamp_ns=1, width=64, height=48)
    smooth = np.tile(np.arange(64, dtype=np.uint8)[None, :, None], (48, 1, 3))
    smooth[..., 0] = 200  # red, which a swapped order would show as blue
    message = frames.to_compressed(replace(frame, rgb=smooth), NOW)
    back = cv2.imdecode(np.frombuffer(message.data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert np.abs(back.astype(int) - smooth).mean() < 5
    assert "jpeg" in message.format

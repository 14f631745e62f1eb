"""Frames after REP-103 and REP-105, and what RViz and rqt show of arm and camera.

    base -> ee                                            /tf, while the robot node is active
    base -> camera_color_frame -> camera_color_optical_frame   /tf_static, from the calibration

The calibration gives the optical frame (z forward); `camera_color_frame` is the same point with x
forward. There is no `camera_link`: on a D435 that is the depth sensor, a centimetre and a half
beside the colour sensor, and nobody has measured how far on this one. Everything here is made only
while somebody listens.
"""

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import PoseStamped, Quaternion, Transform, TransformStamped, Vector3
from sensor_msgs.msg import CompressedImage, JointState
from tf2_msgs.msg import TFMessage

from wvl_models.contract.observation import CameraFrame, RobotState
from wvl_models.contract.pose import Pose
from wvl_robot.ros import topics
from wvl_robot.ros.convert import BASE_FRAME, OPTICAL_FRAME, header, to_pose
from wvl_robot.ros.host import Host

EE_FRAME, COLOR_FRAME = "ee", "camera_color_frame"

FRAME_T_OPTICAL = Pose(
    position_m=np.zeros(3), quaternion_xyzw=np.array([-0.5, 0.5, -0.5, 0.5], dtype=np.float64)
)
"""REP-103: x right, y down, z forward, seen from x forward, y left, z up."""

JPEG_QUALITY = 80


class ArmViews:
    """JointState, PoseStamped and /tf of every state."""

    def __init__(self, host: Host, kind: str) -> None:
        """`kind` names the joints as franka_description does: fr3 or panda."""
        joints = (*(f"joint{number}" for number in range(1, 8)), "finger_joint1", "finger_joint2")
        self._names = [f"{kind}_{joint}" for joint in joints]
        self._show_joints = host.on_demand(topics.JOINT_STATES)
        self._show_pose = host.on_demand(topics.EE_POSE)
        self._show_frame = host.on_demand(topics.TF)

    def show(self, state: RobotState, stamp: Time) -> None:
        """Publish to whoever listens."""
        self._show_joints(lambda: to_joint_state(state, self._names, stamp))
        self._show_pose(lambda: PoseStamped(header=header(stamp), pose=to_pose(state.base_T_ee)))
        self._show_frame(
            lambda: TFMessage(
                transforms=[to_transform(state.base_T_ee, BASE_FRAME, EE_FRAME, stamp)]
            )
        )


def to_joint_state(state: RobotState, names: list[str], stamp: Time) -> JointState:
    """Seven joints and two fingers, each of which moves half of the width."""
    finger_m = 0.5 * float(state.gripper_width_m)
    return JointState(
        header=header(stamp),
        name=names,
        position=[*state.joint_positions_rad.tolist(), finger_m, finger_m],
        velocity=[*state.joint_velocities_radps.tolist(), 0.0, 0.0],
    )


def to_transform(pose: Pose, parent: str, child: str, stamp: Time) -> TransformStamped:
    """`parent_T_child`."""
    x, y, z = pose.position_m.tolist()
    qx, qy, qz, qw = pose.quaternion_xyzw.tolist()
    return TransformStamped(
        header=header(stamp, parent),
        child_frame_id=child,
        transform=Transform(
            translation=Vector3(x=x, y=y, z=z), rotation=Quaternion(x=qx, y=qy, z=qz, w=qw)
        ),
    )


def camera_frames(base_T_optical: Pose, stamp: Time) -> TFMessage:
    """Where the calibrated camera stands."""
    base_T_frame = base_T_optical.compose(FRAME_T_OPTICAL.inverse())
    return TFMessage(
        transforms=[
            to_transform(base_T_frame, BASE_FRAME, COLOR_FRAME, stamp),
            to_transform(FRAME_T_OPTICAL, COLOR_FRAME, OPTICAL_FRAME, stamp),
        ]
    )


def to_compressed(frame: CameraFrame, stamp: Time) -> CompressedImage:
    """A JPEG under image_transport's name and format, for rqt over a thin line."""
    import cv2

    bgr = cv2.cvtColor(frame.rgb, cv2.COLOR_RGB2BGR)
    _, jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return CompressedImage(
        header=header(stamp, OPTICAL_FRAME),
        format="rgb8; jpeg compressed bgr8",
        data=jpeg.tobytes(),
    )

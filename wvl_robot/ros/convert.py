"""Messages to and from contract types: the one place where units, orders and names are matched.

Messages come from other processes: whatever does not fit raises DataError, except orders, which
become `RawOrder` and are judged by the safety gate.
"""

from array import array
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, Quaternion, Vector3, Wrench
from geometry_msgs.msg import Pose as PoseMsg
from sensor_msgs.msg import CameraInfo, Image, Joy
from std_msgs.msg import Header
from wvl_interfaces import msg

from wvl_models.contract.action import ACTION_DIM, ActionSpec
from wvl_models.contract.camera import Intrinsics
from wvl_models.contract.chunk import ActionChunk
from wvl_models.contract.errors import DataError
from wvl_models.contract.observation import CameraFrame, Observation, RobotMode, RobotState
from wvl_models.contract.pose import Pose, Setpoint
from wvl_models.contract.rotation import F64
from wvl_models.contract.verdict import Reason, Verdict
from wvl_robot.core.raw_order import RawOrder
from wvl_robot.core.session_status import SessionStatus
from wvl_robot.ports.arm_link import SetpointOrder, SetpointReceipt
from wvl_robot.ports.camera import CameraFault, CameraHealth
from wvl_robot.ports.joystick import JoyReading

BASE_FRAME = "base"
OPTICAL_FRAME = "camera_color_optical_frame"

_PIXEL_CENTRE = 0.5
"""Our pixel centres lie at half-integers, those of CameraInfo at integers (REP-104 and OpenCV)."""


def header(stamp: Time, frame_id: str = BASE_FRAME) -> Header:
    """ROS time, and the frame that poses are given in."""
    return Header(stamp=stamp, frame_id=frame_id)


def to_pose(pose: Pose) -> PoseMsg:
    """Metres, quaternion xyzw."""
    x, y, z = pose.position_m.tolist()
    qx, qy, qz, qw = pose.quaternion_xyzw.tolist()
    return PoseMsg(position=Point(x=x, y=y, z=z), orientation=Quaternion(x=qx, y=qy, z=qz, w=qw))


def _row(message: Any) -> list[float]:  # geometry_msgs/Pose
    p, q = message.position, message.orientation
    return [p.x, p.y, p.z, q.x, q.y, q.z, q.w]


def from_pose(message: Any) -> Pose:  # geometry_msgs/Pose
    """DataError where it is not finite or its quaternion has not norm 1."""
    row = np.array(_row(message))
    return Pose(position_m=row[:3], quaternion_xyzw=row[3:])


def to_target(setpoint: Setpoint) -> msg.Target:
    """What an arm is told to reach."""
    return msg.Target(pose=to_pose(setpoint.pose), gripper_open=setpoint.gripper_open)


def from_target(message: msg.Target) -> Setpoint:
    """See `to_target`."""
    return Setpoint(pose=from_pose(message.pose), gripper_open=message.gripper_open)


def to_robot_state(state: RobotState, stamp: Time) -> msg.RobotState:
    """One reading of the arm."""
    fx, fy, fz, tx, ty, tz = state.wrench.tolist()
    return msg.RobotState(
        header=header(stamp),
        stamp_ns=state.stamp_ns,
        joint_positions=state.joint_positions_rad,
        joint_velocities=state.joint_velocities_radps,
        pose=to_pose(state.base_T_ee),
        wrench=Wrench(force=Vector3(x=fx, y=fy, z=fz), torque=Vector3(x=tx, y=ty, z=tz)),
        gripper_width=float(state.gripper_width_m),
        gripper_is_grasped=bool(state.gripper_is_grasped),
        mode=state.mode.value,
    )


def from_robot_state(message: msg.RobotState) -> RobotState:
    """See `to_robot_state`."""
    force, torque = message.wrench.force, message.wrench.torque
    try:
        mode = RobotMode(message.mode)
    except ValueError as error:
        raise DataError(f"unknown robot mode '{message.mode}'.") from error
    return RobotState(
        stamp_ns=message.stamp_ns,
        joint_positions_rad=np.asarray(message.joint_positions),
        joint_velocities_radps=np.asarray(message.joint_velocities),
        base_T_ee=from_pose(message.pose),
        wrench=np.array([force.x, force.y, force.z, torque.x, torque.y, torque.z]),
        gripper_width_m=message.gripper_width,
        gripper_is_grasped=message.gripper_is_grasped,
        mode=mode,
    )


def to_order(order: SetpointOrder, stamp: Time) -> msg.Setpoint:
    """One setpoint on its way to the arm."""
    return msg.Setpoint(
        header=header(stamp),
        sequence=order.sequence,
        stamp_ns=order.stamp_ns,
        expires_ns=order.expires_ns,
        target=to_target(order.setpoint),
        source=order.source.value,
        policy_version=order.policy_version,
    )


def from_order(message: msg.Setpoint) -> RawOrder:
    """An order as it came off the wire; the safety gate judges it, nothing is raised here."""
    return RawOrder(
        sequence=message.sequence,
        stamp_ns=message.stamp_ns,
        expires_ns=message.expires_ns,
        row=[*_row(message.target.pose), 1.0 if message.target.gripper_open else 0.0],
        source=message.source,
        policy_version=message.policy_version,
    )


def to_receipt(receipt: SetpointReceipt) -> msg.SetpointReceipt:
    """What became of an order."""
    return msg.SetpointReceipt(
        sequence=receipt.sequence,
        verdict=int(receipt.verdict),
        reason=int(receipt.reason),
        sent=to_target(receipt.sent),
        sent_ns=receipt.sent_ns,
    )


def from_receipt(message: msg.SetpointReceipt) -> SetpointReceipt:
    """See `to_receipt`."""
    try:
        verdict, reason = Verdict(message.verdict), Reason(message.reason)
    except ValueError as error:
        raise DataError(f"a receipt with an unknown code: {error}.") from error
    return SetpointReceipt(
        sequence=message.sequence,
        verdict=verdict,
        reason=reason,
        sent=from_target(message.sent),
        sent_ns=message.sent_ns,
    )


def to_image(frame: CameraFrame, stamp: Time) -> Image:
    """The picture; everything else is in `to_metadata`."""
    height, width = frame.rgb.shape[:2]
    image = Image(
        header=header(stamp, OPTICAL_FRAME),
        height=height,
        width=width,
        encoding="rgb8",
        step=3 * width,
    )
    image.data = array("B", frame.rgb.tobytes())  # bytes would be copied element by element
    return image


def to_metadata(frame: CameraFrame, stamp: Time) -> msg.FrameMetadata:
    """What the picture cannot say of itself; same stamp."""
    return msg.FrameMetadata(
        header=header(stamp, OPTICAL_FRAME),
        stamp_ns=frame.stamp_ns,
        frame_number=frame.frame_number,
        device_stamp_ns=frame.device_stamp_ns,
        device_domain=frame.device_domain,
    )


def from_image(image: Image, metadata: msg.FrameMetadata) -> CameraFrame:
    """A frame from its two messages; the picture is not copied."""
    height, width = int(image.height), int(image.width)
    if image.encoding != "rgb8" or image.step != 3 * width or len(image.data) != 3 * width * height:
        raise DataError(
            f"expected a packed rgb8 image, got {image.encoding} {width}x{height} with step "
            f"{image.step} and {len(image.data)} bytes."
        )
    return CameraFrame(
        stamp_ns=metadata.stamp_ns,
        rgb=np.frombuffer(image.data, dtype=np.uint8).reshape(height, width, 3),
        frame_number=metadata.frame_number,
        device_stamp_ns=metadata.device_stamp_ns,
        device_domain=metadata.device_domain,
    )


def stamp_of(message: Any) -> tuple[int, int]:  # any message with a header
    """The header's time, to tell which image belongs to which metadata."""
    return message.header.stamp.sec, message.header.stamp.nanosec


def to_camera_info(k: Intrinsics, stamp: Time) -> CameraInfo:
    """Intrinsics of an image without distortion."""
    cx, cy = k.cx - _PIXEL_CENTRE, k.cy - _PIXEL_CENTRE
    return CameraInfo(
        header=header(stamp, OPTICAL_FRAME),
        width=k.width,
        height=k.height,
        distortion_model="plumb_bob",
        d=[0.0] * 5,
        k=[k.fx, 0.0, cx, 0.0, k.fy, cy, 0.0, 0.0, 1.0],
        r=[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        p=[k.fx, 0.0, cx, 0.0, 0.0, k.fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0],
    )


def from_camera_info(info: CameraInfo) -> Intrinsics:
    """See `to_camera_info`."""
    return Intrinsics(
        width=int(info.width),
        height=int(info.height),
        fx=float(info.k[0]),
        fy=float(info.k[4]),
        cx=float(info.k[2]) + _PIXEL_CENTRE,
        cy=float(info.k[5]) + _PIXEL_CENTRE,
    )


def to_health(health: CameraHealth, now_ns: int, stamp: Time) -> msg.CameraStatus:
    """How the stream is doing."""
    return msg.CameraStatus(
        header=header(stamp, OPTICAL_FRAME),
        stamp_ns=now_ns,
        fault=health.fault.value,
        rate_hz=health.rate_hz,
        num_lost=health.num_lost,
    )


def from_health(message: msg.CameraStatus) -> CameraHealth:
    """See `to_health`."""
    try:
        fault = CameraFault(message.fault)
    except ValueError as error:
        raise DataError(f"unknown camera fault '{message.fault}'.") from error
    return CameraHealth(fault=fault, rate_hz=message.rate_hz, num_lost=message.num_lost)


def to_query(seen: Observation, stamp: Time) -> msg.PolicyQuery:
    """An observation without its picture, which the policy has heard itself."""
    return msg.PolicyQuery(
        header=header(stamp),
        stamp_ns=seen.stamp_ns,
        frame_stamp_ns=seen.frame.stamp_ns,
        frame_number=seen.frame.frame_number,
        robot=to_robot_state(seen.robot, stamp),
        target=to_target(seen.target),
        instruction=seen.instruction,
    )


def from_query(query: msg.PolicyQuery, frame: CameraFrame) -> Observation:
    """See `to_query`; `frame` is the one it names."""
    return Observation(
        stamp_ns=query.stamp_ns,
        frame=frame,
        robot=from_robot_state(query.robot),
        target=from_target(query.target),
        instruction=query.instruction,
    )


def to_chunk(chunk: ActionChunk, stamp: Time) -> msg.ActionChunk:
    """A policy's answer."""
    return msg.ActionChunk(
        header=header(stamp),
        observation_stamp_ns=chunk.observation_stamp_ns,
        period_ns=chunk.period_ns,
        expires_ns=chunk.expires_ns,
        policy_version=chunk.policy_version,
        sequence=chunk.sequence,
        start=to_target(chunk.start),
        actions=array("d", chunk.actions.ravel().tolist()),
    )


def from_chunk(message: msg.ActionChunk) -> ActionChunk:
    """See `to_chunk`."""
    return ActionChunk(
        observation_stamp_ns=message.observation_stamp_ns,
        period_ns=message.period_ns,
        expires_ns=message.expires_ns,
        policy_version=message.policy_version,
        sequence=message.sequence,
        start=from_target(message.start),
        actions=_actions(message.actions),
    )


def _actions(flat: Any) -> F64:  # array of float64
    if len(flat) % ACTION_DIM:
        raise DataError(f"a chunk's actions must come in rows of 7, got {len(flat)} numbers.")
    return np.asarray(flat, dtype=np.float64).reshape(-1, ACTION_DIM)


def to_policy_status(
    version: str, spec: ActionSpec | None, refused: str, frame_age_s: float, stamp: Time
) -> msg.PolicyStatus:
    """Which policy answers; no spec before the first. `frame_age_s` is of the camera, or inf."""
    message = msg.PolicyStatus(
        header=header(stamp), policy_version=version, refused=refused, frame_age_s=frame_age_s
    )
    if spec is not None:
        message.chunk_steps, message.rate_hz = spec.chunk_steps, spec.rate_hz
        message.low, message.high = spec.low, spec.high
    return message


def from_policy_status(message: msg.PolicyStatus) -> tuple[str, ActionSpec] | None:
    """Version and spec, or None while no policy answers."""
    if not message.policy_version:
        return None
    spec = ActionSpec(
        low=np.asarray(message.low),
        high=np.asarray(message.high),
        chunk_steps=int(message.chunk_steps),
        rate_hz=message.rate_hz,
    )
    return message.policy_version, spec


def to_session_status(
    status: SessionStatus, now_ns: int, not_ready: str, policy_version: str, stamp: Time
) -> msg.SessionStatus:
    """How the session is doing; `not_ready` is empty where an episode may start."""
    return msg.SessionStatus(
        header=header(stamp),
        stamp_ns=now_ns,
        state=status.state.value,
        fault=str(status.fault) if status.fault is not None else "",
        is_ready=not not_ready,
        not_ready=not_ready,
        episode_id=status.episode_id,
        num_steps=status.num_steps,
        verdict=int(status.verdict),
        reason=int(status.reason),
        last_episode_id=status.last_episode_id,
        num_missed_ticks=status.num_missed_ticks,
        late_ns=status.late_ns,
        policy_version=policy_version,
    )


def to_joy(reading: JoyReading, name: str, time: Time) -> Joy:
    """A device's axes and buttons; its name in the place of a frame."""
    return Joy(
        header=header(time, name),
        axes=[float(value) for value in reading.axes],
        buttons=[int(value) for value in reading.buttons],
    )

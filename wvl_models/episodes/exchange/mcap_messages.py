"""What an episode's steps look like as Foxglove messages. Nothing of the disk.

Poses, joints, images and transforms use Foxglove's own protobuf schemas, which its panels know;
rewards, verdicts and labels are JSON with the schemas below, for plots and tables.
"""

import json
from typing import Any

import numpy as np
from foxglove_schemas_protobuf.CameraCalibration_pb2 import CameraCalibration as CalibrationMessage
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from foxglove_schemas_protobuf.FrameTransform_pb2 import FrameTransform
from foxglove_schemas_protobuf.FrameTransforms_pb2 import FrameTransforms
from foxglove_schemas_protobuf.JointState_pb2 import JointState
from foxglove_schemas_protobuf.JointStates_pb2 import JointStates
from foxglove_schemas_protobuf.Pose_pb2 import Pose as PoseMessage
from foxglove_schemas_protobuf.PoseInFrame_pb2 import PoseInFrame
from foxglove_schemas_protobuf.Quaternion_pb2 import Quaternion
from foxglove_schemas_protobuf.Vector3_pb2 import Vector3
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from wvl_models.contract.camera import CameraCalibration
from wvl_models.contract.episode import Label
from wvl_models.contract.rotation import F64
from wvl_models.contract.verdict import Reason, Verdict
from wvl_models.episodes.arrays import EpisodeArrays
from wvl_models.episodes.schema import ROBOT_MODES

BASE, EE = "base", "ee"
CAMERA = "camera_color_optical_frame"

_NUMBER, _TEXT, _FLAG = {"type": "number"}, {"type": "string"}, {"type": "boolean"}

STEP_SCHEMA: dict[str, Any] = {
    "title": "wvl.Step",
    "type": "object",
    "properties": {
        "step": {"type": "integer"},
        "reward": _NUMBER | {"description": "0 or 1, by the label in force"},
        "recorded_reward": _NUMBER | {"description": "absent where nobody could tell"},
        "verdict": _TEXT,
        "reason": _TEXT,
        "verdict_code": {"type": "integer"},
        "is_intervention": _FLAG,
        "gripper_decided_open": _FLAG,
        "gripper_sent_open": _FLAG,
        "policy_version": _TEXT,
        "decided_after_ms": _NUMBER | {"description": "since the tick"},
        "sent_after_ms": _NUMBER | {"description": "since the tick"},
    },
}

ROBOT_SCHEMA: dict[str, Any] = {
    "title": "wvl.Robot",
    "type": "object",
    "properties": {
        "mode": _TEXT,
        "gripper_width_m": _NUMBER,
        "gripper_is_grasped": _FLAG,
        **dict.fromkeys(("fx_n", "fy_n", "fz_n", "tx_nm", "ty_nm", "tz_nm"), _NUMBER),
    },
}

LABEL_SCHEMA: dict[str, Any] = {
    "title": "wvl.Label",
    "type": "object",
    "properties": {
        "outcome": _TEXT,
        "author": _TEXT,
        "confidence": _NUMBER,
        "notes": _TEXT,
        "stamp_utc": _TEXT,
        "success_intervals": _TEXT | {"description": "first:last steps, last exclusive"},
    },
}

_WRENCH = ("fx_n", "fy_n", "fz_n", "tx_nm", "ty_nm", "tz_nm")


def image_message(data: bytes, coding: str, stamp_ns: int) -> Message:
    """A picture, already encoded."""
    return CompressedImage(timestamp=_stamp(stamp_ns), frame_id=CAMERA, data=data, format=coding)


def calibration_message(calibration: CameraCalibration, stamp_ns: int) -> Message:
    """Pinhole intrinsics; frames of the store are undistorted."""
    k = calibration.intrinsics
    row = [k.fx, 0.0, k.cx, 0.0, k.fy, k.cy, 0.0, 0.0, 1.0]
    return CalibrationMessage(
        timestamp=_stamp(stamp_ns),
        frame_id=CAMERA,
        width=k.width,
        height=k.height,
        K=row,
        R=np.eye(3).ravel().tolist(),
        P=[*row[:3], 0.0, *row[3:6], 0.0, *row[6:], 0.0],
    )


def transforms_message(
    calibration: CameraCalibration, ee_pose: F64 | None, stamp_ns: int
) -> Message:
    """base to camera, and base to ee where it was measured ([7])."""
    camera = calibration.base_T_camera
    poses = {CAMERA: np.concatenate([camera.position_m, camera.quaternion_xyzw])}
    if ee_pose is not None:
        poses[EE] = ee_pose
    return FrameTransforms(
        transforms=[
            FrameTransform(
                timestamp=_stamp(stamp_ns),
                parent_frame_id=BASE,
                child_frame_id=name,
                translation=_vector(pose),
                rotation=_quaternion(pose),
            )
            for name, pose in poses.items()
        ]
    )


def pose_message(row: F64, stamp_ns: int) -> Message:
    """The pose in a row that begins with position and quaternion, in `base`."""
    pose = PoseMessage(position=_vector(row), orientation=_quaternion(row))
    return PoseInFrame(timestamp=_stamp(stamp_ns), frame_id=BASE, pose=pose)


def joints_message(arrays: EpisodeArrays, step: int, stamp_ns: int) -> Message:
    """Measured positions and, where there are any, velocities."""
    velocities = arrays.joint_velocities_radps[step]
    return JointStates(
        timestamp=_stamp(stamp_ns),
        joints=[
            JointState(
                name=f"fr3_joint{index + 1}",
                position=float(position),
                velocity=None if np.isnan(velocities[index]) else float(velocities[index]),
            )
            for index, position in enumerate(arrays.joint_positions_rad[step])
        ],
    )


def step_message(arrays: EpisodeArrays, step: int, reward: float) -> bytes:
    """JSON of `STEP_SCHEMA`."""
    verdict, reason = Verdict(int(arrays.verdict[step])), Reason(int(arrays.reason[step]))
    tick_ns = int(arrays.tick_ns[step])
    content = {
        "step": step,
        "reward": reward,
        "verdict": verdict.name,
        "reason": reason.name,
        "verdict_code": verdict.value,
        "is_intervention": bool(arrays.is_intervention[step]),
        "gripper_decided_open": bool(arrays.decided[step, 7] >= 0.5),
        "gripper_sent_open": bool(arrays.sent[step, 7] >= 0.5),
        "policy_version": arrays.policy_versions[int(arrays.policy_version[step])],
        "decided_after_ms": (int(arrays.decided_ns[step]) - tick_ns) / 1e6,
        "sent_after_ms": (int(arrays.sent_ns[step]) - tick_ns) / 1e6,
    }
    return _json(content | _known(recorded_reward=float(arrays.reward[step])))


def robot_message(arrays: EpisodeArrays, step: int) -> bytes:
    """JSON of `ROBOT_SCHEMA`, without what was not measured."""
    wrench = {name: float(value) for name, value in zip(_WRENCH, arrays.wrench[step], strict=True)}
    content = {
        "mode": ROBOT_MODES[int(arrays.robot_mode[step])].value,
        "gripper_is_grasped": bool(arrays.gripper_is_grasped[step]),
    }
    width = float(arrays.gripper_width_m[step])
    return _json(content | _known(gripper_width_m=width, **wrench))


def label_message(label: Label) -> bytes:
    """JSON of `LABEL_SCHEMA`."""
    return _json(
        {
            "outcome": label.outcome.value,
            "author": label.author,
            "confidence": label.confidence,
            "notes": label.notes,
            "stamp_utc": label.stamp_utc,
            "success_intervals": ", ".join(f"{a}:{b}" for a, b in label.success_intervals),
        }
    )


def _known(**values: float) -> dict[str, float]:
    return {name: value for name, value in values.items() if not np.isnan(value)}


def _json(content: dict[str, Any]) -> bytes:
    """Any: JSON."""
    return json.dumps(content, allow_nan=False).encode()


def _stamp(stamp_ns: int) -> Timestamp:
    return Timestamp(seconds=stamp_ns // 1_000_000_000, nanos=stamp_ns % 1_000_000_000)


def _vector(row: F64) -> Vector3:
    return Vector3(x=float(row[0]), y=float(row[1]), z=float(row[2]))


def _quaternion(row: F64) -> Quaternion:
    return Quaternion(x=float(row[3]), y=float(row[4]), z=float(row[5]), w=float(row[6]))

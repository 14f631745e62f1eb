"""Every topic, service and action of the graph: name, type, quality of service. One table.

Images go at best effort (a late one is worth nothing) and camera names are those of realsense-ros,
so that RViz and rosbag users are at home, as are `joint_states`, /tf and /diagnostics; orders are
reliable and carry their own end on the monotonic clock, for DDS's lifespan follows the wall clock;
what a late joiner must know is latched; events are reliable and a hundred are kept.
"""

from dataclasses import dataclass
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseStamped
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, JointState, Joy
from std_srvs.srv import Trigger
from tf2_msgs.msg import TFMessage
from wvl_interfaces import action, msg, srv


@dataclass(frozen=True, kw_only=True, slots=True)
class Topic:
    """A topic; `kind` is a message class (Any: generated code has no types)."""

    name: str
    kind: Any
    qos: QoSProfile


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """A service or an action; `kind` is its class (Any: generated code has no types)."""

    name: str
    kind: Any


def _newest(depth: int = 1) -> QoSProfile:
    """Only what is new counts; what is lost is lost."""
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST, depth=depth, reliability=ReliabilityPolicy.BEST_EFFORT
    )


def _reliable(depth: int) -> QoSProfile:
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST, depth=depth, reliability=ReliabilityPolicy.RELIABLE
    )


def _latched() -> QoSProfile:
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=1,
        reliability=ReliabilityPolicy.RELIABLE,
        durability=DurabilityPolicy.TRANSIENT_LOCAL,
    )


IMAGE = Topic(name="camera/camera/color/image_raw", kind=Image, qos=_newest(2))
COMPRESSED = Topic(
    name="camera/camera/color/image_raw/compressed", kind=CompressedImage, qos=_reliable(1)
)
CAMERA_INFO = Topic(name="camera/camera/color/camera_info", kind=CameraInfo, qos=_latched())
FRAME_METADATA = Topic(
    name="camera/camera/color/metadata", kind=msg.FrameMetadata, qos=_reliable(10)
)
CAMERA_STATUS = Topic(name="camera/status", kind=msg.CameraStatus, qos=_reliable(1))

ROBOT_STATE = Topic(name="robot/state", kind=msg.RobotState, qos=_newest())
ARM_STATUS = Topic(name="robot/status", kind=msg.ArmStatus, qos=_latched())
JOINT_STATES = Topic(name="joint_states", kind=JointState, qos=_reliable(10))
EE_POSE = Topic(name="robot/ee_pose", kind=PoseStamped, qos=_reliable(10))
TF = Topic(name="/tf", kind=TFMessage, qos=_reliable(100))
TF_STATIC = Topic(name="/tf_static", kind=TFMessage, qos=_latched())
SETPOINT = Topic(name="robot/setpoint", kind=msg.Setpoint, qos=_reliable(1))
RECEIPT = Topic(name="robot/receipt", kind=msg.SetpointReceipt, qos=_reliable(20))

SESSION_STATUS = Topic(name="session/status", kind=msg.SessionStatus, qos=_latched())
EPISODE_EVENT = Topic(name="session/episodes", kind=msg.EpisodeEvent, qos=_reliable(100))

POLICY_QUERY = Topic(name="policy/query", kind=msg.PolicyQuery, qos=_reliable(1))
ACTION_CHUNK = Topic(name="policy/chunk", kind=msg.ActionChunk, qos=_reliable(1))
POLICY_STATUS = Topic(name="policy/status", kind=msg.PolicyStatus, qos=_latched())

TELEOP_JOY = Topic(name="teleop/joy", kind=Joy, qos=_newest(5))
KEYBOARD_JOY = Topic(name="teleop/keyboard", kind=Joy, qos=_newest(5))

SUCCESS = Topic(name="cell/success", kind=msg.SuccessState, qos=_newest())

DIAGNOSTICS = Topic(name="/diagnostics", kind=DiagnosticArray, qos=_reliable(10))

TOPICS = (
    IMAGE,
    COMPRESSED,
    CAMERA_INFO,
    FRAME_METADATA,
    CAMERA_STATUS,
    ROBOT_STATE,
    ARM_STATUS,
    JOINT_STATES,
    EE_POSE,
    TF,
    TF_STATIC,
    SETPOINT,
    RECEIPT,
    SESSION_STATUS,
    EPISODE_EVENT,
    POLICY_QUERY,
    ACTION_CHUNK,
    POLICY_STATUS,
    TELEOP_JOY,
    KEYBOARD_JOY,
    SUCCESS,
    DIAGNOSTICS,
)

RECOVER = Endpoint(name="robot/recover", kind=Trigger)
GO_HOME = Endpoint(name="robot/go_home", kind=Trigger)
START = Endpoint(name="session/start", kind=srv.StartEpisode)
STOP = Endpoint(name="session/stop", kind=srv.StopEpisode)
LABEL = Endpoint(name="session/label", kind=srv.LabelEpisode)
CLEAR_FAULT = Endpoint(name="session/clear_fault", kind=Trigger)
SWAP = Endpoint(name="policy/swap", kind=srv.SwapPolicy)
RESET = Endpoint(name="cell/reset", kind=srv.ResetCell)
LEARN = Endpoint(name="learner/learn", kind=action.Learn)

ENDPOINTS = (RECOVER, GO_HOME, START, STOP, LABEL, CLEAR_FAULT, SWAP, RESET, LEARN)

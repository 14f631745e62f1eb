"""docs/ros.md: topics, services, frames and parameters, written from the tables in the code.

`python -m wvl_robot.ros.reference` prints it; a test holds the file against it.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args, get_origin

from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from wvl_robot.ros import params, topics

HEAD = """# The ROS 2 side: names, types, quality of service, frames, parameters

Written by `python -m wvl_robot.ros.reference > docs/ros.md` from `wvl_robot/ros/topics.py` and
`wvl_robot/ros/params.py`; do not edit. Names without a leading slash follow a namespace and can be
remapped.

## Frames

SI units, radians, quaternions xyzw (REP-103); names after REP-105.

| parent | child | topic | from |
|---|---|---|---|
| `base` | `ee` | `/tf` | the robot's measured pose; `ee` is the point between the finger tips |
| `base` | `camera_color_frame` | `/tf_static` | the calibration; x forward |
| `camera_color_frame` | `camera_color_optical_frame` | `/tf_static` | REP-103; z forward |

`base` is the arm's `fr3_link0` or `panda_link0`. For a robot model in RViz: run
`robot_state_publisher` with `franka_description` and a static transform of identity from `base` to
that link; `joint_states` has its joints' names.

## Lifecycle

Every node but the panel is a managed node with the standard services (`ros2 lifecycle set /robot
deactivate`). Each activates itself; with `autostart:=false` somebody else does.

| node | configured | active | deactivating |
|---|---|---|---|
| robot | connected, the arm stands still | orders move it | the arm holds |
| camera | the device streams | frames are published | frames stop |
| session | the store is ours and repaired | the loop runs | a running episode is kept as aborted |
| policy | the policy is loaded | it answers | it is silent |
| teleop | the profile is read | the device is published | the device is released |
| learner | the action is there and refuses | it runs stages | the running stage is interrupted |
| campaign | the plan is made | it is carried out | it stops |
| cell | the cell runs | it is judged and can be reset | it goes on unjudged |

A reflex, a lost arm or an unplugged camera is a fault inside the active node and ends no process.
A transition that fails for a reason a user can mend leaves the node where it was; the reason is in
its log and on `/diagnostics`.
"""

NODES: Mapping[str, type[params.NodeParams]] = {
    "robot": params.RobotParams,
    "camera": params.CameraParams,
    "session": params.SessionParams,
    "policy": params.PolicyParams,
    "teleop": params.TeleopParams,
    "learner": params.LearnerParams,
    "campaign": params.CampaignParams,
    "cell": params.CellParams,
    "panel": params.PanelParams,
}


def reference() -> str:
    """The whole page."""
    return "\n".join([HEAD, *_topics(), "", *_services(), "", *_parameters()]) + "\n"


def _topics() -> Iterator[str]:
    yield from ("## Topics", "", "| topic | type | quality of service |", "|---|---|---|")
    for topic in topics.TOPICS:
        yield f"| `{topic.name}` | `{_type(topic.kind)}` | {_qos(topic.qos)} |"


def _services() -> Iterator[str]:
    yield from ("## Services and actions", "", "| name | type |", "|---|---|")
    for endpoint in topics.ENDPOINTS:
        yield f"| `{endpoint.name}` | `{_type(endpoint.kind)}` |"


def _parameters() -> Iterator[str]:
    yield from (
        "## Parameters",
        "",
        "Read once, at the start: from config/nodes/<node>.yaml, then from the graph's arguments.",
    )
    for node, kind in NODES.items():
        yield from ("", f"### {node}", "", "| parameter | default | range | meaning |")
        yield "|---|---|---|---|"
        for name, field in kind.model_fields.items():
            meaning = " ".join((field.description or "").split())
            default = field.default if field.default != "" else '""'
            yield f"| `{name}` | `{default}` | {_range(field)} | {meaning} |"


def _type(kind: Any) -> str:  # a generated class
    """As `ros2 interface show` wants it."""
    package, group = kind.__module__.split(".")[:2]
    return f"{package}/{group}/{kind.__name__}"


def _qos(qos: QoSProfile) -> str:
    reliability = "reliable" if qos.reliability is ReliabilityPolicy.RELIABLE else "best effort"
    words = [reliability, f"the last {qos.depth}"]
    if qos.durability is DurabilityPolicy.TRANSIENT_LOCAL:
        words.append("late joiners hear it")
    return ", ".join(words)


def _range(field: Any) -> str:  # pydantic's FieldInfo
    if get_origin(field.annotation) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(field.annotation))
    low = next((f"{m.ge:g}" for m in field.metadata if hasattr(m, "ge")), "")
    high = next((f"{m.le:g}" for m in field.metadata if hasattr(m, "le")), "")
    return f"{low} to {high}" if low and high else (f"from {low}" if low else "")


if __name__ == "__main__":
    print(reference(), end="")

"""Health: how a part of the system is doing, in the four levels of ROS diagnostics.

Judged here from statuses that exist anyway; `wvl_robot.ros.diagnostics` makes messages of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from wvl_models.contract.observation import RobotMode
from wvl_robot.core.arm_guard import ArmState
from wvl_robot.core.session_status import SessionState, SessionStatus
from wvl_robot.ports.camera import CameraFault, CameraHealth


class Level(IntEnum):
    """Numbers of diagnostic_msgs/DiagnosticStatus."""

    OK = 0
    WARN = 1
    """It works, but somebody should look."""
    ERROR = 2
    """It does not work until somebody does something."""
    STALE = 3
    """Nothing is known: nothing was heard lately."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """One part at one moment."""

    part: str
    level: Level
    message: str
    values: Mapping[str, object] = field(default_factory=dict)
    """Named with their units, in the order in which a person wants to read them."""


MIN_SUCCESS_RATE = 0.95
"""Share of control commands that arrive in time; libfranka's communication_test warns below."""

MIN_FREE_BYTES = 5_000_000_000
"""Nine minutes of 640x480 frames at 10 Hz, before compression."""

MAX_QUEUED_SHARE = 0.5
"""Of the recorder's queue, which ends the episode when it is full."""

SILENT_AFTER_S = 2.0
"""A state this old no longer counts."""


def arm_health(
    *,
    state: ArmState,
    fault: str,
    gripper_fault: str,
    mode: RobotMode,
    success_rate: float,
    num_holds: int,
    age_s: float,
) -> Health:
    """An arm behind its guard; `success_rate` counts while it moves, `age_s` is of its state."""
    level, message = Level.OK, state.value
    if state is ArmState.FAULT:
        level, message = Level.ERROR, fault
    elif age_s > SILENT_AFTER_S:
        level, message = Level.STALE, f"no state for {age_s:.0f} s"
    elif gripper_fault:
        level, message = Level.WARN, f"gripper: {gripper_fault}"
    elif mode is RobotMode.MOVE and success_rate < MIN_SUCCESS_RATE:
        level = Level.WARN
        message = f"only {success_rate:.0%} of the control commands arrive in time"
    values = {
        "state": state.value,
        "robot mode": mode.value,
        "fault": fault,
        "gripper fault": gripper_fault,
        "success rate of control commands": success_rate,
        "holds": num_holds,
        "age of the state (s)": age_s,
    }
    return Health(part="arm", level=level, message=message, values=values)


def stream_health(health: CameraHealth, wanted_hz: float, age_s: float) -> Health:
    """A camera's stream; `age_s` is its newest frame's."""
    level, message = Level.OK, f"{health.rate_hz:.1f} Hz"
    if health.fault is CameraFault.SLOW:
        level, message = Level.WARN, f"{health.rate_hz:.1f} Hz instead of {wanted_hz:g}"
    elif health.fault is not CameraFault.NONE:
        level, message = Level.ERROR, f"the stream is {health.fault.value}"
    values = {
        "fault": health.fault.value,
        "rate (Hz)": health.rate_hz,
        "lost frames": health.num_lost,
        "age of the newest frame (s)": age_s,
    }
    return Health(part="stream", level=level, message=message, values=values)


def session_health(
    status: SessionStatus,
    not_ready: str,
    *,
    worst_late_s: float,
    frame_age_s: float,
    num_lost_frames: int,
) -> Health:
    """A session; `not_ready` says why no episode may start, the worst is of the last second."""
    level, message = Level.OK, status.state.value
    if status.state is SessionState.FAULT:
        level, message = Level.ERROR, str(status.fault)
    elif status.state is SessionState.IDLE and not_ready:
        level, message = Level.WARN, f"not ready: {not_ready}"
    values = {
        "state": status.state.value,
        "episode": status.episode_id,
        "steps": status.num_steps,
        "last episode": status.last_episode_id,
        "ticks missed in episodes": status.num_missed_ticks,
        "latest tick was late by (ms)": status.late_ns * 1e-6,
        "worst tick of the last second late by (ms)": worst_late_s * 1e3,
        "age of the newest frame (s)": frame_age_s,
        "lost frames": num_lost_frames,
    }
    return Health(part="session", level=level, message=message, values=values)


def recorder_health(num_queued: int, max_queued: int, free_bytes: int) -> Health:
    """The writer of episodes and its disk."""
    level, message = Level.OK, "keeps up"
    if free_bytes < MIN_FREE_BYTES:
        level, message = Level.WARN, f"only {free_bytes / 1e9:.1f} GB free on the store's disk"
    elif num_queued > MAX_QUEUED_SHARE * max_queued:
        level, message = Level.WARN, f"the disk is behind: {num_queued} of {max_queued} steps wait"
    values = {"steps that wait": num_queued, "free (GB)": free_bytes / 1e9}
    return Health(part="recorder", level=level, message=message, values=values)


def policy_health(
    version: str,
    refused: str,
    *,
    latency_s: float,
    answer_age_s: float,
    frame_age_s: float,
    num_answers: int,
) -> Health:
    """A served policy; times are nan before the first answer, inf before the first frame."""
    level, message = Level.OK, f"{version} serves"
    if not version:
        level, message = Level.WARN, "no policy is being served"
    elif not frame_age_s <= SILENT_AFTER_S:
        level, message = Level.WARN, f"{version} hears no camera"
    elif refused:
        level, message = Level.WARN, f"{version} serves; refused: {refused}"
    values = {
        "version": version,
        "last refusal": refused,
        "answers": num_answers,
        "latency of the last answer (s)": latency_s,
        "since the last answer (s)": answer_age_s,
        "since the last camera frame (s)": frame_age_s,
    }
    return Health(part="policy", level=level, message=message, values=values)


def answers_health(version: str, *, num_unanswered: int, num_refused: int) -> Health:
    """What comes back from the policy, as the session sees it; counts since its start."""
    level, message = Level.OK, f"follows {version}"
    if not version:
        level, message = Level.WARN, "no policy is being served"
    elif num_unanswered or num_refused:
        level = Level.WARN
        message = f"{num_unanswered} observations unanswered, {num_refused} chunks not used"
    values = {
        "version": version,
        "observations unanswered": num_unanswered,
        "chunks not used": num_refused,
    }
    return Health(part="answers", level=level, message=message, values=values)

"""Health: what is shown as fine, as worth a look, as broken, and as unknown."""

import math

import pytest

from wvl_models.contract.observation import RobotMode
from wvl_models.contract.verdict import Reason, Verdict
from wvl_robot.core.arm_guard import ArmState
from wvl_robot.core.health import (
    Health,
    Level,
    answers_health,
    arm_health,
    policy_health,
    recorder_health,
    session_health,
    stream_health,
)
from wvl_robot.core.session_status import Fault, FaultKind, SessionState, SessionStatus
from wvl_robot.ports.camera import CameraFault, CameraHealth


def arm(
    *,
    state: ArmState = ArmState.MOVING,
    fault: str = "",
    gripper_fault: str = "",
    success_rate: float = 1.0,
    age_s: float = 0.01,
    mode: RobotMode = RobotMode.MOVE,
) -> Health:
    return arm_health(
        state=state,
        fault=fault,
        gripper_fault=gripper_fault,
        mode=mode,
        success_rate=success_rate,
        num_holds=2,
        age_s=age_s,
    )


def session(state: SessionState, not_ready: str = "") -> Health:
    is_fault = state is SessionState.FAULT
    status = SessionStatus(
        state=state,
        fault=Fault(kind=FaultKind.ARM_SILENT, detail="no state") if is_fault else None,
        episode_id="",
        num_steps=0,
        verdict=Verdict.PASS,
        reason=Reason.NONE,
        last_episode_id="",
        num_missed_ticks=0,
        late_ns=0,
    )
    return session_health(
        status, not_ready, worst_late_s=0.001, frame_age_s=0.02, num_lost_frames=3
    )


def test_a_moving_arm_is_fine_and_shows_its_numbers() -> None:
    health = arm()
    assert (health.level, health.message) == (Level.OK, "moving")
    assert health.values["holds"] == 2


def test_an_arms_fault_is_an_error_in_its_own_words() -> None:
    health = arm(state=ArmState.FAULT, fault="reflex", age_s=math.inf)
    assert (health.level, health.message) == (Level.ERROR, "reflex")


def test_an_arm_that_is_not_heard_is_stale() -> None:
    assert arm(age_s=5.0).level is Level.STALE


def test_a_hand_that_does_not_obey_is_worth_a_look() -> None:
    assert arm(gripper_fault="wedged").level is Level.WARN


def test_lost_control_commands_count_only_while_the_arm_moves() -> None:
    assert arm(success_rate=0.9).level is Level.WARN
    assert arm(success_rate=0.0, mode=RobotMode.IDLE, state=ArmState.READY).level is Level.OK


@pytest.mark.parametrize(
    ("fault", "level"),
    [
        (CameraFault.NONE, Level.OK),
        (CameraFault.SLOW, Level.WARN),
        (CameraFault.FROZEN, Level.ERROR),
        (CameraFault.SILENT, Level.ERROR),
    ],
)
def test_a_stream_is_as_good_as_its_fault(fault: CameraFault, level: Level) -> None:
    health = CameraHealth(fault=fault, rate_hz=12.0, num_lost=3)
    assert stream_health(health, 30.0, 0.01).level is level


def test_a_session_that_could_not_start_says_why_and_a_running_one_does_not() -> None:
    assert session(SessionState.IDLE).level is Level.OK
    idle = session(SessionState.IDLE, "the arm is silent")
    assert (idle.level, idle.message) == (Level.WARN, "not ready: the arm is silent")
    assert session(SessionState.RUNNING, "busy").level is Level.OK
    assert session(SessionState.FAULT).message == "arm silent: no state"
    assert session(SessionState.FAULT).level is Level.ERROR


def test_a_disk_that_is_full_or_slow_is_worth_a_look() -> None:
    assert recorder_health(0, 50, 10**12).level is Level.OK
    assert "behind" in recorder_health(26, 50, 10**12).message
    assert "free" in recorder_health(0, 50, 10**9).message


def test_a_policy_says_whether_it_serves_and_what_was_refused() -> None:
    times = {"latency_s": math.nan, "answer_age_s": math.nan, "num_answers": 0, "frame_age_s": 0.1}
    assert policy_health("", "", **times).level is Level.WARN
    assert policy_health("v1", "", **times).message == "v1 serves"
    assert policy_health("v1", "", **{**times, "frame_age_s": math.inf}).level is Level.WARN
    assert "v2: damaged" in policy_health("v1", "v2: damaged", **times).message


def test_lost_observations_and_refused_chunks_are_worth_a_look() -> None:
    assert answers_health("v1", num_unanswered=0, num_refused=0).level is Level.OK
    health = answers_health("v1", num_unanswered=3, num_refused=1)
    assert health.level is Level.WARN
    assert health.message == "3 observations unanswered, 1 chunks not used"


def test_frames_that_did_not_reach_the_session_are_shown() -> None:
    assert session(SessionState.IDLE).values["lost frames"] == 3

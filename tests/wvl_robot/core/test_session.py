"""Episodes: how they run, begin and end."""

import math
from itertools import pairwise

import numpy as np
import pytest

from tests.fakes.referee import FakeReferee
from tests.fakes.session_bench import PERIOD_NS, SessionBench
from tests.fakes.teleop import hands_off, push
from tests.wvl_robot.core.session_scripts import brain, forward
from wvl_models.contract.episode import Outcome
from wvl_models.contract.errors import CameraError, ConfigError, RobotError, StoreError
from wvl_models.contract.observation import RobotMode
from wvl_models.contract.pose import Setpoint
from wvl_models.contract.verdict import Reason, Verdict
from wvl_robot.core.arm_guard import ArmState
from wvl_robot.core.decision import PolicyPilot
from wvl_robot.core.labelling import REFEREE
from wvl_robot.core.session_status import SessionState
from wvl_robot.ports.arm_link import SetpointOrder, Source
from wvl_robot.ports.camera import CameraFault
from wvl_robot.ports.teleop import TeleopCommand, TeleopEvent

# --- an episode ---


def test_an_episode_of_h_actions_has_h_plus_one_steps_and_the_last_one_holds() -> None:
    bench = SessionBench(forward)
    bench.start(max_steps=5)
    bench.ticks(8)
    assert [order.source for order in bench.arm.orders] == [Source.TELEOP] * 5 + [Source.HOLD]
    assert bench.robot.holds == [bench.arm.orders[-1].stamp_ns] and not bench.guard.num_holds
    steps = bench.sink.last.steps
    assert len(steps) == 6
    assert bench.sink.last.is_committed
    moves = [s.sent.pose.position_m[0] - s.observation.target.pose.position_m[0] for s in steps]
    assert moves == pytest.approx([0.001] * 5 + [0.0])


def test_every_steps_target_is_what_the_step_before_sent() -> None:
    bench = SessionBench(forward)
    bench.start(max_steps=10)
    bench.ticks(13)
    steps = bench.sink.last.steps
    for before, after in pairwise(steps):
        assert after.observation.target is before.sent


def test_a_step_is_written_one_tick_late() -> None:
    bench = SessionBench(forward)
    bench.start()
    bench.ticks(1)
    assert bench.sink.last.steps == []
    bench.ticks(1)
    assert len(bench.sink.last.steps) == 1


def test_what_was_really_sent_is_what_is_recorded() -> None:
    bench = SessionBench(lambda step, target: push(0.04))
    bench.start(max_steps=1)
    bench.ticks(4)
    step = bench.sink.last.steps[0]
    assert (step.verdict, step.reason) == (Verdict.CLAMP, Reason.LINEAR_SPEED)
    assert step.decided.pose.position_m[0] == pytest.approx(0.52)
    assert step.sent.pose.position_m[0] == pytest.approx(0.505)
    assert step.sent is bench.robot.sent[0][1]


def test_a_refused_setpoint_leaves_the_target_of_the_next_step() -> None:
    bench = SessionBench(lambda step, target: push(0.1 if step == 0 else 0.001))
    bench.start(max_steps=2)
    bench.ticks(5)
    first, second = bench.sink.last.steps[:2]
    assert (first.verdict, first.reason) == (Verdict.REFUSE, Reason.STEP_JUMP)
    assert first.sent.pose.position_m[0] == pytest.approx(0.48)
    assert second.sent.pose.position_m[0] == pytest.approx(0.481)


def test_the_gates_verdict_reaches_the_operator() -> None:
    bench = SessionBench(lambda step, target: push(0.1))
    bench.start()
    assert bench.session.status.verdict is Verdict.PASS
    bench.ticks(2)
    status = bench.session.status
    assert (status.verdict, status.reason) == (Verdict.REFUSE, Reason.STEP_JUMP)


def test_orders_live_for_150_ms_from_their_tick() -> None:
    bench = SessionBench(forward)
    bench.start()
    bench.ticks(1)
    order = bench.arm.orders[0]
    assert order.expires_ns - order.stamp_ns == 150_000_000


def test_when_the_dead_man_is_let_go_the_arm_brakes_once_and_the_episode_goes_on() -> None:
    bench = SessionBench(lambda step, target: push(0.001) if step < 5 else hands_off())
    bench.start(max_steps=20)
    bench.ticks(23)
    steps = bench.sink.last.steps
    assert len(steps) == 21
    assert {tuple(s.sent.as_row()) for s in steps[4:]} == {tuple(bench.guard.target.as_row())}
    assert {(s.verdict, s.reason) for s in steps[5:]} == {(Verdict.PASS, Reason.NO_SETPOINT)}
    assert bench.robot.holds == [bench.arm.orders[5].stamp_ns] and not bench.guard.num_holds


def test_stamps_of_the_ticks_increase() -> None:
    bench = SessionBench(forward)
    bench.start(max_steps=30)
    bench.run_s(4.0)
    stamps = [step.observation.stamp_ns for step in bench.sink.last.steps]
    assert np.diff(stamps).tolist() == [PERIOD_NS] * 30


def test_the_operator_and_the_reset_share_one_seed() -> None:
    bench = SessionBench(forward)
    bench.start()
    assert bench.teleop.seeds == [7]


# --- how it ends ---


def test_stop_shows_the_outcome_in_one_more_step() -> None:
    bench = SessionBench(forward)
    bench.start()
    bench.ticks(3)
    bench.session.stop()
    bench.ticks(3)
    steps = bench.sink.last.steps
    assert len(steps) == 4 and bench.sink.last.is_committed
    assert steps[-1].sent is steps[-2].sent
    assert bench.session.status.last_episode_id == "e1"
    assert bench.state is SessionState.IDLE


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        (TeleopEvent.SUCCESS, Outcome.SUCCESS),
        (TeleopEvent.NEAR_SUCCESS, Outcome.NEAR_SUCCESS),
        (TeleopEvent.FAILURE, Outcome.FAILURE),
    ],
)
def test_a_button_ends_the_episode_with_its_label(event: TeleopEvent, outcome: Outcome) -> None:
    bench = SessionBench(lambda step, target: push(0.001) if step < 4 else hands_off(event))
    bench.start()
    bench.ticks(8)
    episode = bench.sink.last
    assert len(episode.steps) == 5 and episode.is_committed
    assert episode.label is not None and episode.label.outcome is outcome
    assert episode.label.author == episode.header.operator
    assert episode.label.stamp_utc == "2026-11-21T09:00:00.400000+00:00"


def test_a_stop_button_commits_without_a_label_where_nobody_can_tell() -> None:
    stop = push(0.005, event=TeleopEvent.STOP)
    bench = SessionBench(lambda step, target: push(0.001) if step < 4 else stop)
    bench.start()
    bench.ticks(8)
    assert bench.sink.last.is_committed and bench.sink.last.label is None
    assert bench.sink.last.steps[-1].sent is bench.sink.last.steps[-2].sent, "the last one holds"
    assert all(math.isnan(step.reward) for step in bench.sink.last.steps)


def test_discard_keeps_the_steps_as_aborted() -> None:
    bench = SessionBench(
        lambda step, target: push(0.001) if step < 4 else hands_off(TeleopEvent.DISCARD)
    )
    bench.start()
    bench.ticks(8)
    assert len(bench.sink.last.steps) == 4
    assert not bench.sink.last.is_committed
    assert bench.sink.last.aborted_because == "discarded by the operator"
    assert bench.state is SessionState.IDLE
    assert bench.arm.orders[-1].source is Source.HOLD and not bench.guard.num_holds
    assert bench.robot.holds == [bench.arm.orders[-1].stamp_ns], "the arm does not wait for it"


def test_a_shutdown_brakes_and_keeps_the_running_episode_as_aborted() -> None:
    bench = SessionBench(forward)
    bench.start()
    bench.run_s(1.0)
    assert bench.sink.last.aborted_because == "the session was shut down"
    assert len(bench.sink.last.steps) >= 8
    assert bench.arm.orders[-1].source is Source.HOLD
    assert bench.guard.state is not ArmState.MOVING


def test_an_order_to_brake_that_cannot_be_sent_costs_no_steps() -> None:
    bench = SessionBench(forward)
    bench.start()
    bench.ticks(5)

    def refuse(order: SetpointOrder) -> None:
        raise RobotError("the robot's process is gone.")

    bench.arm.order = refuse
    with pytest.raises(RobotError, match="is gone"):
        bench.session.discard()
    assert bench.sink.last.aborted_because == "discarded by the operator"
    assert bench.state is SessionState.IDLE
    assert len(bench.sink.last.steps) >= 4


def test_the_predicate_rewards_every_step_and_labels_the_episode() -> None:
    bench = SessionBench(forward)
    from_ns = bench.clock.now_ns() + 3 * PERIOD_NS
    bench = SessionBench(forward, referee=FakeReferee(lambda stamp_ns: stamp_ns >= from_ns))
    bench.start(max_steps=5)
    bench.ticks(8)
    episode = bench.sink.last
    assert [step.reward for step in episode.steps] == [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]
    assert episode.label is not None and episode.label.author == REFEREE
    assert episode.label.outcome is Outcome.SUCCESS
    assert episode.label.success_intervals == ((3, 6),)


def test_two_episodes_do_not_share_anything() -> None:
    bench = SessionBench(forward)
    bench.start(max_steps=3)
    bench.ticks(6)
    bench.start(max_steps=2, episode_id="e2")
    bench.ticks(5)
    assert [len(e.steps) for e in bench.sink.episodes] == [4, 3]
    assert all(e.is_committed for e in bench.sink.episodes)
    sequences = [order.sequence for order in bench.arm.orders]
    assert np.diff(sequences).tolist() == [1] * (len(sequences) - 1)


def test_a_restarted_session_is_not_out_of_order() -> None:
    bench = SessionBench(forward)
    bench.start(max_steps=3)
    bench.ticks(6)
    bench.restart_session()
    bench.start(max_steps=1, episode_id="e2")
    bench.ticks(4)
    assert bench.sink.last.steps[0].verdict is Verdict.PASS


# --- starting ---


def test_starting_twice_is_refused() -> None:
    bench = SessionBench(forward)
    bench.start()
    with pytest.raises(RobotError, match="stop or discard it first"):
        bench.start()


def test_an_arm_in_reflex_cannot_start() -> None:
    bench = SessionBench(forward)
    bench.robot.mode = RobotMode.REFLEX
    with pytest.raises(RobotError, match="its mode is reflex"):
        bench.start()
    assert bench.state is SessionState.IDLE and bench.sink.episodes == []


def test_a_camera_that_is_silent_cannot_start() -> None:
    bench = SessionBench(forward)
    bench.camera.unplug()
    bench.clock.advance_s(1.0)
    with pytest.raises(CameraError, match="no frame within 150 ms"):
        bench.start()


def test_a_frozen_camera_cannot_start() -> None:
    bench = SessionBench(forward)
    bench.camera.fault = CameraFault.FROZEN
    with pytest.raises(CameraError, match="frozen"):
        bench.start()


def test_a_full_disk_cannot_start_and_a_later_start_may() -> None:
    bench = SessionBench(forward)
    bench.fake_sink.is_full = True
    with pytest.raises(StoreError):
        bench.start()
    assert bench.state is SessionState.IDLE
    bench.fake_sink.is_full = False
    bench.start()
    assert bench.state is SessionState.RUNNING


def test_a_policy_without_a_version_cannot_start() -> None:
    bench = SessionBench(brain=brain)
    assert isinstance(bench.pilot, PolicyPilot)
    bench.pilot.set_policy_version("")
    with pytest.raises(ConfigError, match="no policy is active"):
        bench.start()


def test_the_start_button_starts_while_idle_and_only_then() -> None:
    bench = SessionBench(lambda step, target: hands_off(TeleopEvent.START))
    bench.ticks(1)
    assert bench.state is SessionState.RUNNING
    bench.ticks(5)
    assert bench.button_presses == 1


def test_a_button_clears_a_fault() -> None:
    is_pressed = False

    def script(step: int, target: Setpoint) -> TeleopCommand:
        return hands_off(TeleopEvent.CLEAR_FAULT if is_pressed else TeleopEvent.NONE)

    bench = SessionBench(script)
    bench.start()
    bench.ticks(2)
    bench.camera.fault = CameraFault.BLACK
    bench.ticks(2)
    assert bench.state is SessionState.FAULT
    bench.camera.fault, is_pressed = CameraFault.NONE, True
    bench.ticks(1)
    assert bench.state is SessionState.IDLE


def test_what_a_person_takes_over_is_not_taken_from_the_policys_time() -> None:
    def script(step: int, target: Setpoint) -> TeleopCommand:
        return push(0.001) if 3 <= step < 13 else hands_off()

    bench = SessionBench(script, brain=brain)
    bench.start(max_steps=8)
    bench.ticks(22)
    flags = [step.is_intervention for step in bench.sink.last.steps]
    assert flags == [False] * 3 + [True] * 10 + [False] * 6


def test_an_episode_starts_from_where_the_arm_is() -> None:
    bench = SessionBench(forward)
    bench.start(max_steps=20)
    bench.ticks(23)
    bench.start(max_steps=1, episode_id="e2")
    bench.ticks(4)
    first = bench.sink.last.steps[0]
    assert first.observation.target.pose.position_m[0] == pytest.approx(0.50)
    assert first.verdict is Verdict.PASS


# --- buttons that are not on the device ---


def test_an_outcome_pressed_from_outside_labels_the_episode_like_a_button() -> None:
    bench = SessionBench(forward)
    bench.start()
    bench.ticks(3)
    bench.session.press(TeleopEvent.SUCCESS)
    bench.ticks(3)
    label = bench.sink.last.label
    assert label is not None
    assert label.outcome is Outcome.SUCCESS
    assert label.success_intervals == ((3, 4),)
    assert len(bench.sink.last.steps) == 4


def test_no_button_can_be_pressed_from_outside_while_nothing_runs() -> None:
    with pytest.raises(RobotError, match="no episode to end"):
        SessionBench(forward).session.press(TeleopEvent.STOP)

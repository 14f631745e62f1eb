import math
from itertools import pairwise

import numpy as np
import pytest

from tests.fakes.referee import FakeReferee
from tests.fakes.session_bench import PERIOD_NS, SPEC, SessionBench
from tests.fakes.teleop import hands_off, push
from wvl_models.contract.episode import Outcome
from wvl_models.contract.errors import CameraError, ConfigError, RobotError, StoreError
from wvl_models.contract.examples import example_actions
from wvl_models.contract.observation import Observation, RobotMode
from wvl_models.contract.pose import Setpoint
from wvl_models.contract.rotation import F64
from wvl_models.contract.verdict import Reason, Verdict
from wvl_robot.core.arm_guard import ArmState
from wvl_robot.core.decision import PolicyPilot
from wvl_robot.core.labelling import REFEREE
from wvl_robot.core.schedule import ScheduleConfig
from wvl_robot.core.session_status import FaultKind, SessionState
from wvl_robot.ports.arm_link import Source
from wvl_robot.ports.camera import CameraFault
from wvl_robot.ports.teleop import TeleopCommand, TeleopEvent


def forward(step: int, target: Setpoint) -> TeleopCommand:
    """1 mm per tick, back and forth."""
    return push(0.001 if (step // 50) % 2 == 0 else -0.001)


def brain(observation: Observation) -> F64:
    actions = np.zeros((24, 7))
    actions[:, 0], actions[:, 6] = 0.001, 1.0
    return actions


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


def test_a_shutdown_keeps_the_running_episode_as_aborted() -> None:
    bench = SessionBench(forward)
    bench.start()
    bench.run_s(1.0)
    assert bench.sink.last.aborted_because == "the session was shut down"
    assert len(bench.sink.last.steps) >= 8


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


# --- faults hold the arm and give the episode up, with the reason ---


def assert_gave_up(bench: SessionBench, kind: FaultKind) -> None:
    status = bench.session.status
    assert status.state is SessionState.FAULT
    assert status.fault is not None and status.fault.kind is kind
    assert bench.sink.last.aborted_because == str(status.fault)
    last = bench.arm.orders[-1]
    num_orders = len(bench.arm.orders)
    bench.ticks(5)
    assert len(bench.arm.orders) == num_orders, "nothing is ordered in a fault"
    assert last.source is Source.HOLD, "the last order was to hold"
    assert bench.guard.state is not ArmState.MOVING
    with pytest.raises(RobotError, match="Clear the fault first"):
        bench.start()


def test_a_camera_that_falls_silent() -> None:
    bench = SessionBench(forward)
    bench.start()
    bench.ticks(5)
    bench.camera.unplug()
    silent_ns = bench.clock.now_ns()
    while bench.state is SessionState.RUNNING:
        bench.ticks(1)
    assert bench.clock.now_ns() - PERIOD_NS - silent_ns <= 250_000_000
    assert_gave_up(bench, FaultKind.CAMERA_SILENT)


@pytest.mark.parametrize("fault", [fault for fault in CameraFault if fault is not CameraFault.NONE])
def test_a_camera_that_knows_its_fault(fault: CameraFault) -> None:
    bench = SessionBench(forward)
    bench.start()
    bench.ticks(5)
    bench.camera.fault = fault
    bench.ticks(1)
    assert fault.value in str(bench.session.status.fault)
    assert_gave_up(bench, FaultKind.CAMERA_FAULT)


def test_a_robot_process_that_falls_silent() -> None:
    bench = SessionBench(forward)
    bench.start()
    bench.ticks(5)
    bench.arm.is_cut = True
    bench.ticks(3)
    assert_gave_up(bench, FaultKind.ARM_SILENT)


def test_an_arm_that_goes_into_reflex() -> None:
    bench = SessionBench(forward)
    bench.start()
    bench.ticks(5)
    bench.robot.mode = RobotMode.REFLEX
    bench.ticks(1)
    assert_gave_up(bench, FaultKind.ARM_FAULT)


def test_refusals_in_a_row() -> None:
    bench = SessionBench(lambda step, target: push(0.1 if step >= 3 else 0.0))
    bench.start()
    bench.ticks(3 + 5)
    assert bench.state is SessionState.RUNNING
    bench.ticks(1)
    assert_gave_up(bench, FaultKind.REFUSALS)
    assert "5 in a row, the last because of STEP_JUMP" in bench.sink.last.aborted_because


def test_refusals_that_are_not_in_a_row_are_no_fault() -> None:
    bench = SessionBench(lambda step, target: push(0.1 if step % 5 else 0.0))
    bench.start(max_steps=40)
    bench.ticks(43)
    assert bench.sink.last.is_committed


def test_a_disk_that_fills_up() -> None:
    bench = SessionBench(forward)
    bench.fake_sink.fail_at_step = 4
    bench.start()
    bench.ticks(7)
    assert_gave_up(bench, FaultKind.STORE)


def test_a_commit_that_fails() -> None:
    bench = SessionBench(forward)
    bench.fake_sink.fail_at_finish = True
    bench.start(max_steps=3)
    bench.ticks(6)
    assert_gave_up(bench, FaultKind.STORE)


def test_a_policy_that_falls_silent_lets_the_arm_rest_and_then_the_episode_end() -> None:
    bench = SessionBench(brain=brain, config={"max_policy_silence_s": 2.0})
    assert bench.decider is not None
    bench.start()
    bench.ticks(3)
    bench.decider.is_dead = True
    bench.ticks(22)
    rest = [order.setpoint.pose.position_m[0] for order in bench.arm.orders[-2:]]
    bench.ticks(18)
    assert bench.state is SessionState.RUNNING
    assert bench.arm.orders[-1].setpoint.pose.position_m[0] == rest[-1]
    bench.ticks(5)
    assert_gave_up(bench, FaultKind.POLICY_SILENT)


def test_a_controller_that_sends_nonsense() -> None:
    bench = SessionBench(lambda step, target: push(0.001 if step < 3 else math.nan))
    bench.start()
    bench.ticks(4)
    assert_gave_up(bench, FaultKind.DECISION)


def test_a_cleared_fault_allows_the_next_episode() -> None:
    bench = SessionBench(forward)
    bench.start()
    bench.ticks(3)
    bench.camera.fault = CameraFault.BLACK
    bench.ticks(1)
    bench.camera.fault = CameraFault.NONE
    bench.session.clear_fault()
    bench.start(max_steps=2, episode_id="e2")
    bench.ticks(5)
    assert bench.sink.last.is_committed


def test_a_lost_receipt_is_recorded_as_a_refusal_without_a_setpoint() -> None:
    bench = SessionBench(forward, config={"max_refusals": 100})
    bench.arm.lost_share = 0.3
    bench.start(max_steps=40)
    bench.ticks(50)
    steps = bench.sink.last.steps
    lost = [step for step in steps[:-1] if step.reason is Reason.NO_SETPOINT]
    assert bench.sink.last.is_committed and len(steps) == 41
    assert 3 <= len(lost) <= 25
    assert all(step.sent is step.observation.target for step in lost)
    assert {step.verdict for step in lost} == {Verdict.REFUSE}


def test_slow_receipts_only_delay_the_recording() -> None:
    bench = SessionBench(forward)
    bench.arm.delay_ns = 70_000_000
    bench.start(max_steps=10)
    bench.ticks(15)
    steps = bench.sink.last.steps
    assert [step.verdict for step in steps] == [Verdict.PASS] * 11
    assert all(step.sent_ns - step.observation.stamp_ns == 70_000_000 for step in steps)


# --- a policy, and a person who takes over ---


def test_whole_chunks_of_an_instant_policy_are_lockstep_execution() -> None:
    rng = np.random.default_rng(3)
    chunks = [example_actions(rng) for _ in range(3)]
    for actions in chunks:
        actions[:, 6] = 1.0
    answers = iter(chunks)
    bench = SessionBench(
        brain=lambda observation: next(answers),
        schedule=ScheduleConfig(execute_steps=24, lead_steps=0),
    )
    start = bench.guard.target
    bench.start(max_steps=72)
    bench.ticks(75)
    target, expected = start, []
    for actions in chunks:
        for row in SPEC.integrate(target.as_row(), actions):
            expected.append(Setpoint.from_row(row).as_row())
        target = Setpoint.from_row(expected[-1])
    sent = [step.sent.as_row() for step in bench.sink.last.steps[:72]]
    np.testing.assert_array_equal(sent, expected)
    assert {step.verdict for step in bench.sink.last.steps} == {Verdict.PASS}


def test_a_policys_steps_carry_its_version() -> None:
    bench = SessionBench(brain=brain, inference_ns=150_000_000)
    bench.start(max_steps=30)
    bench.ticks(33)
    steps = bench.sink.last.steps
    assert {step.policy_version for step in steps} == {"v0001"}
    assert not any(step.is_intervention for step in steps)
    sources = [order.source for order in bench.arm.orders]
    assert sources == [Source.HOLD] * 2 + [Source.POLICY] * 28 + [Source.HOLD]
    moves = np.diff([step.sent.pose.position_m[0] for step in steps[:30]])
    assert (moves > 0).sum() == 28, "rests for the first answer and never again"


def take_over(step: int, target: Setpoint) -> TeleopCommand:
    return push(dy_m=0.002) if 10 <= step < 20 else hands_off()


@pytest.mark.parametrize("inference_ns", [0, 130_000_000])
def test_a_person_takes_over_at_once_and_hands_back(inference_ns: int) -> None:
    bench = SessionBench(take_over, brain=brain, inference_ns=inference_ns)
    bench.start(max_steps=40)
    bench.ticks(43)
    steps = bench.sink.last.steps
    assert [k for k, step in enumerate(steps) if step.is_intervention] == list(range(10, 20))
    assert all((step.policy_version == "") == step.is_intervention for step in steps)
    sideways = [step.sent.pose.position_m[1] for step in steps]
    assert sideways[:10] == [0.0] * 10
    assert sideways[19:] == pytest.approx([0.02] * len(sideways[19:])), "goes on from there"
    assert {step.verdict for step in steps} == {Verdict.PASS}


def test_on_release_the_policy_is_asked_about_what_is_there_now() -> None:
    bench = SessionBench(take_over, brain=brain, inference_ns=130_000_000)
    assert bench.decider is not None
    bench.start(max_steps=40)
    bench.ticks(43)
    steps = bench.sink.last.steps
    after = [seen for seen in bench.decider.asked if seen.stamp_ns > steps[19].observation.stamp_ns]
    assert after[0].stamp_ns == steps[20].observation.stamp_ns
    assert after[0].target is steps[19].sent


def test_a_version_swap_stops_the_old_versions_plan_at_once() -> None:
    bench = SessionBench(brain=brain)
    assert bench.decider is not None and isinstance(bench.pilot, PolicyPilot)
    bench.start(max_steps=20)
    bench.ticks(5)
    bench.decider.policy_version = "v0002"
    bench.pilot.set_policy_version("v0002")
    bench.guard.set_policy_version("v0002")
    bench.ticks(18)
    versions = [step.policy_version for step in bench.sink.last.steps]
    assert versions == ["v0001"] * 5 + ["v0002"] * 16
    assert {step.verdict for step in bench.sink.last.steps} == {Verdict.PASS}


def test_a_chunk_of_another_version_never_moves_the_arm() -> None:
    bench = SessionBench(brain=brain, config={"max_policy_silence_s": 1.0})
    assert bench.decider is not None
    bench.decider.policy_version = "v0666"
    bench.start()
    bench.ticks(15)
    assert {order.setpoint.pose.position_m[0] for order in bench.arm.orders} == {0.48}
    assert_gave_up(bench, FaultKind.POLICY_SILENT)


# --- time ---


def test_the_loop_ticks_on_absolute_deadlines() -> None:
    bench = SessionBench(forward)
    bench.start()
    bench.run_s(3.05)
    stamps = np.array([order.stamp_ns for order in bench.arm.orders])
    assert np.diff(stamps).tolist() == [PERIOD_NS] * (len(stamps) - 1)
    assert bench.session.status.num_missed_ticks == 0


def test_ticks_that_are_missed_are_counted_and_not_caught_up() -> None:
    bench = SessionBench()

    def script(step: int, target: Setpoint) -> TeleopCommand:
        if step == 5:
            bench.clock.sleep_until_ns(bench.clock.now_ns() + 420_000_000)  # somebody hung
        return push()

    bench.teleop.script = script
    bench.start()
    bench.run_s(2.0)
    stamps = np.array([order.stamp_ns for order in bench.arm.orders])
    assert np.diff(stamps).min() >= PERIOD_NS // 2
    assert np.diff(stamps).max() == 4 * PERIOD_NS + 20_000_000
    assert bench.session.status.num_missed_ticks == 3


def test_the_origin_of_the_clock_does_not_matter() -> None:
    def rows(start_ns: int) -> list[list[float]]:
        bench = SessionBench(take_over, brain=brain, inference_ns=130_000_000, start_ns=start_ns)
        bench.start(max_steps=60)
        bench.ticks(63)
        return [step.sent.as_row().tolist() for step in bench.sink.last.steps]

    assert rows(1) == rows(86_400 * 10**9) == rows(10**18)


def test_an_hour_of_episodes() -> None:
    """60 minutes on the clock, one episode a minute: none is lost, no tick missed."""
    idle_ticks = 600

    def script(step: int, target: Setpoint) -> TeleopCommand:
        return hands_off(TeleopEvent.START) if step > idle_ticks else forward(step, target)

    bench = SessionBench(script, config={"max_steps": 20}, watch_ns=50_000_000)
    bench.start()
    bench.run_s(3600)
    assert len(bench.sink.episodes) == 3600 // 60
    assert all(len(episode.steps) == 21 for episode in bench.sink.episodes)
    assert all(episode.is_committed for episode in bench.sink.episodes)
    assert bench.session.status.num_missed_ticks == 0


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

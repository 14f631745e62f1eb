"""Faults hold the arm and give the episode up, with the reason."""

import math

import pytest

from tests.fakes.session_bench import PERIOD_NS, SessionBench
from tests.fakes.teleop import push
from tests.wvl_robot.core.session_scripts import assert_gave_up, brain, forward
from wvl_models.contract.observation import RobotMode
from wvl_models.contract.verdict import Reason, Verdict
from wvl_robot.core.session_status import FaultKind, SessionState
from wvl_robot.ports.camera import CameraFault


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

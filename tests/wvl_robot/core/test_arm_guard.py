import logging
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.clock import FakeClock
from tests.fakes.robot import OPEN_WIDTH_M, FakeRobot, tool_down
from wvl_models.contract.errors import RobotError
from wvl_models.contract.observation import RobotMode
from wvl_models.contract.pose import Setpoint
from wvl_models.contract.verdict import Reason, Verdict
from wvl_robot.core.arm_guard import ArmGuard, ArmState
from wvl_robot.core.raw_order import RawOrder
from wvl_robot.ports.arm_link import SetpointOrder, Source
from wvl_robot.rig.limits import SafetyLimits

LIMITS = SafetyLimits(workspace_low_m=(0.28, -0.3, 0.0), workspace_high_m=(0.68, 0.3, 0.45))
LIFETIME_NS = 150_000_000


class Bench:
    """A guard around a fake arm, and orders in the order of their ticks."""

    def __init__(self, mode: RobotMode = RobotMode.IDLE) -> None:
        self.clock = FakeClock()
        self.robot = FakeRobot(self.clock)
        self.robot.mode = mode
        self.guard = ArmGuard(
            self.robot, self.clock, LIMITS, period_s=0.1, open_width_m=OPEN_WIDTH_M
        )
        self._sequence = 0

    def order(self, setpoint: Setpoint | None = None) -> SetpointOrder:
        self._sequence += 1
        now_ns = self.clock.now_ns()
        return SetpointOrder(
            sequence=self._sequence,
            stamp_ns=now_ns,
            expires_ns=now_ns + LIFETIME_NS,
            setpoint=setpoint or self.guard.target,
            source=Source.TELEOP,
            policy_version="",
        )

    def move(self, x_m: float) -> None:
        receipt = self.guard.on_order(self.order(tool_down(x_m)))
        assert receipt.verdict is Verdict.PASS
        self.clock.advance_s(0.1)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_starts_ready_where_the_arm_is(bench: Bench) -> None:
    assert bench.guard.state is ArmState.READY
    assert bench.guard.target.as_row() == pytest.approx(tool_down().as_row())


def test_a_good_order_is_sent_as_it_is(bench: Bench) -> None:
    order = bench.order(tool_down(0.49))
    receipt = bench.guard.on_order(order)
    assert bench.robot.sent == [(bench.clock.now_ns(), order.setpoint)]
    assert receipt.sent is order.setpoint
    assert (receipt.sequence, receipt.sent_ns) == (order.sequence, bench.clock.now_ns())
    assert bench.guard.state is ArmState.MOVING


def test_the_receipt_tells_what_was_sent_and_not_what_was_asked(bench: Bench) -> None:
    receipt = bench.guard.on_order(bench.order(tool_down(0.52)))
    assert (receipt.verdict, receipt.reason) == (Verdict.CLAMP, Reason.LINEAR_SPEED)
    assert receipt.sent.pose.position_m[0] == pytest.approx(0.505)
    assert bench.robot.sent[-1][1] is receipt.sent


def test_a_refused_order_leaves_the_target(bench: Bench) -> None:
    receipt = bench.guard.on_order(bench.order(tool_down(0.60)))
    assert (receipt.verdict, receipt.reason) == (Verdict.REFUSE, Reason.STEP_JUMP)
    assert receipt.sent is bench.guard.target
    assert bench.robot.sent == []
    assert bench.guard.state is ArmState.READY


def test_raw_orders_are_judged_alike(bench: Bench) -> None:
    order = bench.order(tool_down(0.49))
    receipt = bench.guard.on_raw(RawOrder.of(order))
    assert receipt.verdict is Verdict.PASS
    assert bench.robot.sent[-1][1].as_row() == pytest.approx(order.setpoint.as_row())


def test_an_unreadable_order_gets_a_receipt_without_a_number(bench: Bench) -> None:
    raw = replace(RawOrder.of(bench.order()), sequence=10**30)
    receipt = bench.guard.on_raw(raw)
    assert (receipt.sequence, receipt.reason) == (-1, Reason.MALFORMED)


def test_an_order_to_hold_brakes_once_and_leaves_the_target(bench: Bench) -> None:
    bench.clock.every(5_000_000, bench.guard.watch)
    bench.move(0.49)
    sent = bench.guard.target
    for _ in range(5):
        hold = replace(bench.order(tool_down(0.65)), source=Source.HOLD, policy_version="v9")
        receipt = bench.guard.on_order(hold)
        assert (receipt.verdict, receipt.reason) == (Verdict.PASS, Reason.NO_SETPOINT)
        assert receipt.sent is sent and bench.guard.state is ArmState.READY
        bench.clock.advance_s(0.1)
    assert len(bench.robot.holds) == 1 and len(bench.robot.sent) == 1
    assert bench.guard.num_holds == 0, "the watchdog had nothing to do"
    bench.move(0.50)
    assert bench.guard.state is ArmState.MOVING and len(bench.robot.sent) == 2


def test_an_old_order_to_hold_and_one_in_a_fault_are_refused(bench: Bench) -> None:
    old = replace(bench.order(), source=Source.HOLD)
    bench.clock.advance_s(1.0)
    assert bench.guard.on_order(old).reason is Reason.STALE
    bench.robot.mode = RobotMode.REFLEX
    bench.guard.read()
    receipt = bench.guard.on_order(replace(bench.order(), source=Source.HOLD))
    assert (receipt.verdict, receipt.reason) == (Verdict.REFUSE, Reason.ROBOT_NOT_READY)


def test_holds_exactly_once_after_the_last_order_has_run_out(bench: Bench) -> None:
    bench.clock.every(5_000_000, bench.guard.watch)
    sent_ns = bench.clock.now_ns()
    bench.guard.on_order(bench.order(tool_down(0.49)))
    bench.clock.advance_s(5.0)
    assert len(bench.robot.holds) == 1
    assert 0 <= bench.robot.holds[0] - (sent_ns + LIFETIME_NS) <= 5_000_000
    assert bench.guard.state is ArmState.HOLDING


def test_does_not_hold_while_orders_keep_coming(bench: Bench) -> None:
    bench.clock.every(5_000_000, bench.guard.watch)
    for k in range(50):
        bench.move(0.48 + 0.002 * k)
    assert bench.robot.holds == []


def test_refused_orders_do_not_keep_the_arm_moving(bench: Bench) -> None:
    bench.clock.every(5_000_000, bench.guard.watch)
    bench.move(0.49)
    for _ in range(5):
        bench.guard.on_order(bench.order(tool_down(0.65)))
        bench.clock.advance_s(0.1)
    assert len(bench.robot.holds) == 1


@given(st.integers(1_000_000, 10_000_000), st.floats(0.0, 0.4), st.integers(1, 10))
@settings(max_examples=50)
def test_property_the_hold_comes_within_a_watch_period(
    watch_ns: int, silence_s: float, num_orders: int
) -> None:
    bench = Bench()
    bench.clock.every(watch_ns, bench.guard.watch)
    for k in range(num_orders):
        bench.move(0.48 + 0.002 * k)
    last_ns = bench.robot.sent[-1][0]
    bench.clock.advance_s(silence_s)
    held = [time_ns - last_ns - LIFETIME_NS for time_ns in bench.robot.holds]
    is_due = bench.clock.now_ns() >= last_ns + LIFETIME_NS + watch_ns
    assert len(held) <= 1 and all(0 <= late_ns <= watch_ns for late_ns in held)
    assert len(held) == 1 or not is_due


def test_the_watchdogs_times_are_on_record(bench: Bench) -> None:
    assert bench.guard.last_hold is None
    sent_ns = bench.clock.now_ns()
    bench.guard.on_order(bench.order())
    bench.clock.advance_s(0.157)
    bench.guard.watch()
    hold = bench.guard.last_hold
    assert hold is not None and bench.guard.num_holds == 1
    assert hold.deadline_ns == sent_ns + LIFETIME_NS
    assert hold.called_ns == sent_ns + 157_000_000


def test_an_order_that_comes_too_late_finds_the_arm_held_and_moves_it_again(bench: Bench) -> None:
    bench.move(0.49)
    bench.clock.advance_s(0.2)
    bench.move(0.50)  # nobody called watch in between
    assert len(bench.robot.holds) == 1
    assert bench.guard.state is ArmState.MOVING


def test_every_transition_is_logged_once(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="wvl_robot.core.arm_guard")
    bench.clock.every(5_000_000, bench.guard.watch)
    bench.move(0.49)
    bench.move(0.50)
    bench.clock.advance_s(1.0)
    assert [record.getMessage().split(":")[0] for record in caplog.records] == [
        "arm ready -> moving",
        "arm moving -> holding",
    ]


def test_a_reason_is_logged_when_it_begins(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, logger="wvl_robot.core.arm_guard")
    for _ in range(5):
        bench.guard.on_order(bench.order(tool_down(0.6)))
        bench.clock.advance_s(0.1)
    assert [record.getMessage() for record in caplog.records] == ["order 1: REFUSE, STEP_JUMP"]


# --- faults ---


def test_an_arm_that_refuses_a_setpoint_is_held_and_the_fault_stays(bench: Bench) -> None:
    bench.robot.mode = RobotMode.REFLEX
    receipt = bench.guard.on_order(bench.order(tool_down(0.49)))
    assert (receipt.verdict, receipt.reason) == (Verdict.REFUSE, Reason.ROBOT_NOT_READY)
    assert len(bench.robot.holds) == 1
    bench.robot.mode = RobotMode.IDLE  # hardware clears its flags while the reflex stays latched
    bench.clock.advance_s(0.1)
    receipt = bench.guard.on_order(bench.order(tool_down(0.49)))
    assert receipt.reason is Reason.ROBOT_NOT_READY
    assert bench.robot.sent == []
    assert bench.guard.state is ArmState.FAULT
    assert "reflex" in bench.guard.fault


@pytest.mark.parametrize("mode", [m for m in RobotMode if not m.is_commandable])
def test_a_mode_that_forbids_motion_is_a_fault_as_soon_as_it_is_read(mode: RobotMode) -> None:
    bench = Bench()
    bench.robot.mode = mode
    state = bench.guard.read()
    assert state is not None and state.mode is mode
    assert bench.guard.state is ArmState.FAULT and mode.value in bench.guard.fault


def test_a_fault_is_told_in_the_arms_own_words(bench: Bench) -> None:
    """It said "in mode reflex" whatever had happened (fault row 18)."""
    bench.robot.words = "communication_constraints_violation"
    bench.robot.mode = RobotMode.REFLEX
    bench.guard.read()
    assert "communication_constraints_violation" in bench.guard.fault


def test_a_silent_arm_is_a_fault_and_reads_as_none(bench: Bench) -> None:
    bench.robot.is_silent = True
    assert bench.guard.read() is None
    assert bench.guard.state is ArmState.FAULT


def test_a_silent_arm_may_say_later_what_it_was(bench: Bench) -> None:
    """A robot process that had been stopped knew of the silence first, then of the reflex."""
    bench.robot.is_silent = True
    bench.guard.read()
    bench.robot.is_silent = False
    bench.robot.words = "communication_constraints_violation"
    bench.robot.mode = RobotMode.REFLEX
    bench.guard.read()
    assert "communication_constraints_violation" in bench.guard.fault
    bench.robot.words = "another one"
    bench.guard.read()
    assert "communication_constraints_violation" in bench.guard.fault


def test_an_arm_in_reflex_starts_in_fault() -> None:
    assert Bench(RobotMode.REFLEX).guard.state is ArmState.FAULT


def test_the_watchdog_is_quiet_in_a_fault(bench: Bench) -> None:
    bench.move(0.49)
    bench.robot.mode = RobotMode.REFLEX
    bench.guard.read()
    bench.clock.advance_s(1.0)
    bench.guard.watch()
    assert len(bench.robot.holds) == 1


def test_recovery_takes_the_measured_pose_as_the_target(bench: Bench) -> None:
    bench.move(0.49)
    bench.robot.mode = RobotMode.REFLEX
    bench.guard.read()
    bench.robot.move_by_hand(tool_down(0.60, 0.1))
    bench.guard.recover()
    assert bench.guard.state is ArmState.READY and bench.guard.fault == ""
    assert bench.guard.target.as_row() == pytest.approx(tool_down(0.60, 0.1).as_row())
    bench.guard.on_order(bench.order())
    assert bench.robot.sent[-1][1] is bench.guard.target
    bench.clock.advance_s(0.1)
    stale = bench.guard.on_order(bench.order(tool_down(0.49)))
    assert stale.reason is Reason.STEP_JUMP, "the target of before is gone"


def test_recovery_leaves_the_gripper_as_it_was(bench: Bench) -> None:
    closed = replace(tool_down(), gripper_open=False)
    bench.guard.on_order(bench.order(closed))
    bench.robot.mode = RobotMode.REFLEX
    bench.guard.read()
    bench.guard.recover()
    assert not bench.guard.target.gripper_open, "a recovery must not drop the object"


def test_recovery_without_a_fault_is_refused(bench: Bench) -> None:
    with pytest.raises(RobotError, match="nothing to recover"):
        bench.guard.recover()
    assert bench.robot.num_recoveries == 0


def test_a_silence_that_is_over_is_recovered_without_touching_the_arms_own_errors(
    bench: Bench,
) -> None:
    bench.robot.is_silent = True
    bench.guard.read()
    bench.robot.is_silent = False
    bench.guard.recover()
    assert bench.guard.state is ArmState.READY
    assert bench.robot.num_recoveries == 0


def test_an_arm_that_stays_silent_stays_in_fault(bench: Bench) -> None:
    bench.robot.is_silent = True
    bench.guard.read()
    with pytest.raises(RobotError, match="silent"):
        bench.guard.recover()
    assert bench.guard.state is ArmState.FAULT


def test_an_arm_that_does_not_come_back_says_why_and_stays_in_fault(bench: Bench) -> None:
    bench.robot.mode = RobotMode.REFLEX
    bench.guard.read()
    bench.robot.recovery_fails_because = "joint 4 is out of its range."
    with pytest.raises(RobotError, match="joint 4"):
        bench.guard.recover()
    assert bench.guard.state is ArmState.FAULT


def test_the_first_fault_is_the_one_on_record_and_the_arm_is_held_once(bench: Bench) -> None:
    for mode in (RobotMode.REFLEX, RobotMode.USER_STOPPED, RobotMode.REFLEX):
        bench.robot.mode = mode
        bench.guard.read()
    assert "reflex" in bench.guard.fault
    assert len(bench.robot.holds) == 1


def test_going_home_is_a_new_start(bench: Bench) -> None:
    bench.move(0.49)
    bench.guard.go_home()
    assert bench.guard.state is ArmState.READY
    assert bench.guard.target.as_row() == pytest.approx(tool_down().as_row())
    bench.clock.advance_s(1.0)
    bench.guard.watch()
    assert bench.robot.holds == [], "an arm at home needs no watchdog"


def test_going_home_in_a_fault_is_refused(bench: Bench) -> None:
    bench.robot.mode = RobotMode.REFLEX
    bench.guard.read()
    with pytest.raises(RobotError, match="Recover the arm first"):
        bench.guard.go_home()


def test_a_fault_on_the_way_home_is_latched(bench: Bench) -> None:
    bench.robot.mode = RobotMode.USER_STOPPED
    with pytest.raises(RobotError):
        bench.guard.go_home()
    assert bench.guard.state is ArmState.FAULT


def test_policy_orders_need_the_active_version(bench: Bench) -> None:
    bench.guard.set_policy_version("v2")
    old = replace(bench.order(), source=Source.POLICY, policy_version="v1")
    assert bench.guard.on_order(old).reason is Reason.WRONG_POLICY_VERSION
    bench.clock.advance_s(0.1)
    new = replace(bench.order(), source=Source.POLICY, policy_version="v2")
    assert bench.guard.on_order(new).verdict is Verdict.PASS


def test_orders_that_piled_up_while_the_process_stood_still_are_not_replayed(bench: Bench) -> None:
    orders = []
    for k in range(20):
        orders.append(bench.order(tool_down(0.48 + 0.001 * k)))
        bench.clock.advance_s(0.1)
    verdicts = [bench.guard.on_order(order).reason for order in orders]
    assert verdicts[:-1] == [Reason.STALE] * 19
    assert verdicts[-1] is Reason.NONE, "the last one is 100 ms old"
    assert len(bench.robot.sent) == 1


def test_a_sent_row_is_finite_whatever_came_before(bench: Bench) -> None:
    for value in (np.nan, np.inf, 1e9):
        bench.guard.on_raw(replace(RawOrder.of(bench.order()), row=[value] * 8))
    bench.move(0.49)
    assert len(bench.robot.sent) == 1

"""ArmGuard: what the robot process runs. Safety gate and watchdog around a `Robot`; no thread.

One thread calls `on_order` for every order, `watch` every 5 to 10 ms and `read` at the rate at
which states are published. Heartbeat and setpoint are one: an order is what keeps the arm moving,
and the watchdog looks at orders that were sent, never at a topic that says somebody is alive
(PX4's lesson, facts/reliability_performance.md A1). A fault stays until the operator recovers.
"""

import logging
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from wvl_models.contract.errors import RobotError
from wvl_models.contract.observation import RobotState
from wvl_models.contract.pose import Setpoint
from wvl_models.contract.verdict import Reason, Verdict
from wvl_robot.core.measured_target import measured_target
from wvl_robot.core.raw_order import RawOrder, Row
from wvl_robot.core.safety import SafetyGate
from wvl_robot.ports.arm_link import SetpointOrder, SetpointReceipt
from wvl_robot.ports.clock import Clock
from wvl_robot.ports.robot import Robot
from wvl_robot.rig.limits import SafetyLimits

_LOGGER = logging.getLogger(__name__)


class ArmState(StrEnum):
    """What the arm is doing, as far as this process decides."""

    READY = "ready"
    """At rest, or braking on the session's word; nothing was sent since."""
    MOVING = "moving"
    """An order is in force."""
    HOLDING = "holding"
    """Orders stopped coming; the arm was told to hold. The next good order moves it again."""
    FAULT = "fault"
    """Nothing is sent until the operator recovers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold:
    """One intervention of the watchdog; monotonic times."""

    deadline_ns: int
    """When the last order ran out."""
    called_ns: int
    """When the hold command was called."""
    returned_ns: int


class ArmGuard:
    """Lets orders through to a `Robot`, holds it when they stop, latches its faults."""

    def __init__(
        self,
        robot: Robot,
        clock: Clock,
        limits: SafetyLimits,
        *,
        period_s: float,
        open_width_m: float,
    ) -> None:
        """Reads the arm once; RobotError where it is silent. An arm in reflex starts in FAULT."""
        self._robot, self._clock = robot, clock
        self._gate = SafetyGate(limits, period_s)
        self._open_width_m = open_width_m
        self._deadline_ns = 0
        self._reason = Reason.NONE
        self._num_holds = 0
        self._last_hold: Hold | None = None
        self._state, self._fault = ArmState.READY, ""
        self._is_told_by_robot = False
        state = robot.read()
        self._target = measured_target(state, open_width_m)
        self._resync(self._target)
        self._check_mode(state)

    @property
    def state(self) -> ArmState:
        """What the arm is doing."""
        return self._state

    @property
    def fault(self) -> str:
        """Why nothing moves; empty unless `state` is FAULT."""
        return self._fault

    @property
    def target(self) -> Setpoint:
        """What the arm was last told to reach."""
        return self._target

    @property
    def num_holds(self) -> int:
        """How often the watchdog stepped in."""
        return self._num_holds

    @property
    def last_hold(self) -> Hold | None:
        """The watchdog's latest intervention."""
        return self._last_hold

    def set_policy_version(self, policy_version: str) -> None:
        """Let this version's orders through and no other's; empty for none."""
        self._gate.expect_version(policy_version)

    def on_order(self, order: SetpointOrder) -> SetpointReceipt:
        """Judge an order and send what may be sent."""
        return self._handle(RawOrder.of(order), order.setpoint)

    def on_raw(self, raw: RawOrder) -> SetpointReceipt:
        """The same for an order as it came off the wire; never raises because of its content."""
        return self._handle(raw, None)

    def watch(self) -> None:
        """Hold the arm, once, when the last order has run out without a successor."""
        if self._state is not ArmState.MOVING or self._clock.now_ns() < self._deadline_ns:
            return
        called_ns = self._clock.now_ns()
        self._robot.hold()
        self._last_hold = Hold(
            deadline_ns=self._deadline_ns,
            called_ns=called_ns,
            returned_ns=self._clock.now_ns(),
        )
        self._num_holds += 1
        self._enter(ArmState.HOLDING, "no order followed in time")

    def read(self) -> RobotState | None:
        """The newest state, to be published; None, and a fault, where the arm is silent."""
        try:
            state = self._robot.read()
        except RobotError as error:
            self._latch(str(error))
            return None
        self._check_mode(state)
        return state

    def recover(self) -> None:
        """On the operator's word: clear the fault and take the measured pose as the target.

        RobotError where there is no fault, or where the arm does not come back.
        """
        if self._state is not ArmState.FAULT:
            raise RobotError(f"nothing to recover: the arm is {self._state.value}, not in a fault.")
        try:
            state = self._robot.recover()
        except RobotError:
            # The arm has no fault of its own any more: it was silent, guided or stopped by hand.
            state = self._robot.read()
            if not state.mode.is_commandable:
                raise
        if not state.mode.is_commandable:
            raise RobotError(
                f"the arm is still in mode {state.mode.value} after the recovery. Look at the arm "
                "and at Desk, then recover again."
            )
        self._fault = ""
        self._resync(Setpoint(pose=state.base_T_ee, gripper_open=self._target.gripper_open))
        self._enter(ArmState.READY, "recovered by the operator")

    def go_home(self) -> None:
        """Drive to the rig's home pose and open the gripper; RobotError in a fault or on one."""
        if self._state is ArmState.FAULT:
            raise RobotError(f"cannot go home: {self._fault} Recover the arm first.")
        try:
            self._robot.go_home()
            state = self._robot.read()
        except RobotError as error:
            self._latch(str(error))
            raise
        self._resync(Setpoint(pose=state.base_T_ee, gripper_open=True))
        self._enter(ArmState.READY, "at home")
        self._check_mode(state)

    def _handle(self, raw: RawOrder, setpoint: Setpoint | None) -> SetpointReceipt:
        """`setpoint` is the raw row as an object, where the caller has one."""
        self.watch()
        now_ns = self._clock.now_ns()
        judgement = self._gate.judge(raw, now_ns, is_ready=self._state is not ArmState.FAULT)
        if judgement.row is None:
            if judgement.verdict is Verdict.PASS:
                self._hold_on_order()
            return self._receipt(raw, judgement.verdict, judgement.reason, now_ns)
        if setpoint is None or judgement.verdict is not Verdict.PASS:
            setpoint = Setpoint.from_row(np.array(judgement.row))
        try:
            self._robot.send(setpoint)
        except RobotError as error:
            self._latch(str(error))
            return self._receipt(raw, Verdict.REFUSE, Reason.ROBOT_NOT_READY, now_ns)
        sent_ns = self._clock.now_ns()
        self._gate.confirm(judgement)
        self._target, self._deadline_ns = setpoint, judgement.deadline_ns
        if self._state is not ArmState.MOVING:
            self._enter(ArmState.MOVING, "an order was sent")
        return self._receipt(raw, judgement.verdict, judgement.reason, sent_ns)

    def _hold_on_order(self) -> None:
        """Brake, once; the target stays, so that the next order is judged against it."""
        if self._state is ArmState.MOVING:
            self._robot.hold()
            self._enter(ArmState.READY, "nobody decided; told to hold")

    def _receipt(
        self, raw: RawOrder, verdict: Verdict, reason: Reason, sent_ns: int
    ) -> SetpointReceipt:
        if reason is not self._reason and verdict is not Verdict.PASS:
            _LOGGER.warning("order %d: %s, %s", raw.readable_sequence, verdict.name, reason.name)
        self._reason = reason
        return SetpointReceipt(
            sequence=raw.readable_sequence,
            verdict=verdict,
            reason=reason,
            sent=self._target,
            sent_ns=sent_ns,
        )

    def _check_mode(self, state: RobotState) -> None:
        if not state.mode.is_commandable:
            words = f": {self._robot.fault}" if self._robot.fault else ""
            self._latch(f"the arm is in mode {state.mode.value}{words}.", is_told_by_robot=True)

    def _latch(self, why: str, *, is_told_by_robot: bool = False) -> None:
        """Remember the first fault, and hold; a silent arm may say later what it was."""
        if self._state is ArmState.FAULT:
            if is_told_by_robot and not self._is_told_by_robot:
                self._fault, self._is_told_by_robot = why, True
                _LOGGER.warning("the arm's fault was: %s", why)
            return
        self._robot.hold()
        self._fault, self._is_told_by_robot = why, is_told_by_robot
        self._enter(ArmState.FAULT, why)

    def _resync(self, target: Setpoint) -> None:
        x, y, z, qx, qy, qz, qw, gripper = target.as_row().tolist()
        row: Row = (x, y, z, qx, qy, qz, qw, gripper)
        self._target = target
        self._gate.resync(row)

    def _enter(self, state: ArmState, why: str) -> None:
        stops = state in (ArmState.HOLDING, ArmState.FAULT)
        level = logging.WARNING if stops else logging.INFO
        _LOGGER.log(level, "arm %s -> %s: %s", self._state.value, state.value, why)
        self._state = state

"""A Franka arm and its hand as the Robot port, through franky 2.0.0.

What was learned the hard way (facts/robot_peers.md sections 0 and 3) and is built in here: the
robot's *mode* decides whether it may move, not its error flags alone; franky keeps the exception
of a motion that died and throws it at the next call, so it is fetched on purpose at every read
and every send; a fault latches until the operator recovers, and nothing recovers by itself.
How a setpoint becomes motion is a strategy of its own, see `franka_modes`.
"""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import numpy as np

from wvl_models.contract.errors import RobotError
from wvl_models.contract.observation import RobotMode, RobotState
from wvl_models.contract.pose import Pose, Setpoint
from wvl_robot.adapters.franka_connect import (
    FrankaLink,
    RobotIdentity,
    connect,
    first_line,
    import_franky,
    sdk_errors,
)
from wvl_robot.adapters.franka_gripper import FrankaGripper
from wvl_robot.adapters.franka_modes import ArmMode, make_mode
from wvl_robot.adapters.franka_state import OPERATOR_MUST, Progress, describe, mode_of, pose_of
from wvl_robot.ports.clock import Clock
from wvl_robot.rig.config import GripperConfig, RobotConfig
from wvl_robot.rig.real_time import CONTROL_THREAD_PRIORITY, real_time_birth

if TYPE_CHECKING:
    import franky

_LOG = logging.getLogger(__name__)

RESUME_S = 0.25
"""After a pause this long the arm has stopped by itself (the hold and braking), so the next
setpoint is led to from where the arm *is* and not from where it was once sent."""

AT_REST_RADPS = 0.01
"""Joint speed that counts as standing still (reliability plan row 8)."""

WAIT_TIMEOUT_S, GRIPPER_TIMEOUT_S = 60.0, 10.0
"""Recovery alone took 0.4 to 16 s on hardware (facts/robot_peers.md section 0.8)."""

_POLL_NS = 20_000_000


class FrankaArm:
    """One arm with one hand; all calls from one thread."""

    def __init__(
        self,
        robot: RobotConfig,
        gripper: GripperConfig,
        clock: Clock,
        period_s: float = 0.1,
    ) -> None:
        """Connect; raises RobotError that says what to do when nobody answers.

        `period_s` is the time between two setpoints; `robot.mode` says how they become motion.
        """
        self._config, self._gripper_config, self._clock = robot, gripper, clock
        self._mode: ArmMode = make_mode(robot, period_s)
        self._link: FrankaLink | None = None
        self._fault: str | None = None
        self._target: Pose | None = None
        self._sent_ns = 0
        self._success_rate = 0.0
        self._progress: Progress | None = None
        self._connect()

    @property
    def identity(self) -> RobotIdentity:
        """Who answered."""
        return self._require_link().identity

    @property
    def fault(self) -> str | None:
        """The latched fault in the robot's words, or None."""
        return self._fault

    @property
    def gripper_fault(self) -> str | None:
        """Why the hand did not obey last, or None; the arm goes on."""
        return self._gripper.fault

    @property
    def success_rate(self) -> float:
        """Share of control commands that arrived in time, as of the last reading; 0 at rest."""
        return self._success_rate

    def read(self) -> RobotState:
        """The newest state; raises RobotError when the arm is silent."""
        self._fetch_stored_error()
        raw = self._fresh_state()
        self._success_rate = float(raw.control_command_success_rate)
        mode = mode_of(raw)
        if not mode.is_commandable and self._fault is None:
            self._latch(describe(mode, raw))
        if self._fault is not None and mode.is_commandable:
            mode = RobotMode.OTHER  # flags can clear while a fault is still latched here
        return RobotState(
            stamp_ns=self._clock.now_ns(),
            joint_positions_rad=raw.q,
            joint_velocities_radps=raw.dq,
            base_T_ee=pose_of(raw),
            wrench=raw.O_F_ext_hat_K,
            gripper_width_m=self._gripper.width_m,
            gripper_is_grasped=self._gripper.is_grasped,
            mode=mode,
        )

    def send(self, setpoint: Setpoint) -> None:
        """Lead the arm towards `setpoint`, to arrive one period from now."""
        state = self.read()
        if self._fault is not None:
            raise RobotError(f"the arm may not move: {self._fault}. Recover first.")
        now_ns = self._clock.now_ns()
        previous = self._target
        if previous is None or now_ns - self._sent_ns > RESUME_S * 1e9:
            previous = state.base_T_ee
        robot = self._require_link().robot
        try:
            with self._control_thread_birth():
                self._mode.lead(robot, setpoint.pose, previous, state.base_T_ee)
        except sdk_errors() as error:
            self._latch(first_line(error))
            raise RobotError(f"the setpoint was not sent: {self._fault}. Recover first.") from error
        self._target, self._sent_ns = setpoint.pose, now_ns
        self._gripper.command(is_open=setpoint.gripper_open)

    def hold(self) -> None:
        """Stop as fast as the arm may and stand still; always allowed, never raises."""
        self._target = None
        if self._link is None:
            return
        try:
            if self._link.robot.is_in_control:
                self._mode.stop(self._link.robot)
        except sdk_errors() as error:
            self._latch(f"could not brake smoothly ({first_line(error)}), stopped hard")
            self._stop_hard()

    def recover(self) -> RobotState:
        """Clear a latched fault on the operator's word and return the pose to resume from."""
        if self._link is None:
            self._connect()
        self._fetch_stored_error()
        raw = self._raw_state()
        mode = mode_of(raw)
        if mode in OPERATOR_MUST:
            raise RobotError(f"the robot is in mode {mode}: {OPERATOR_MUST[mode]}.")
        has_errors = self._has_errors()
        if self._fault is None and mode.is_commandable and not has_errors:
            raise RobotError("there is nothing to recover from; the arm is ready.")
        if has_errors or not mode.is_commandable:
            self._call_recovery()
        self._wait_until(lambda raw: self._rests(raw) and mode_of(raw).is_commandable, "recovered")
        self._fault = self._target = None
        state = self.read()
        if not state.mode.is_commandable:
            raise RobotError(f"the robot fell back into its fault: {self._fault}.")
        return state

    def go_home(self) -> None:
        """Move to the rig's home pose and open the gripper; raises RobotError on a fault."""
        franky = import_franky()
        self.hold()
        self._wait_until(self._rests, "come to rest")
        if self._fault is not None:
            raise RobotError(f"the arm may not move: {self._fault}. Recover first.")
        motion = franky.JointMotion(
            list(self._config.home_joints_rad),
            relative_dynamics_factor=self._config.home_speed_factor,
        )
        try:
            with real_time_birth(CONTROL_THREAD_PRIORITY):
                self._require_link().robot.move(motion, asynchronous=True)
        except sdk_errors() as error:
            self._latch(first_line(error))
        self._gripper.command(is_open=True)
        self._wait_until(self._rests, "reached home")
        if self._fault is not None:
            raise RobotError(f"the arm did not reach home: {self._fault}. Recover first.")
        if not self._gripper.wait_until_done(GRIPPER_TIMEOUT_S):
            raise RobotError(
                f"the gripper has not opened within {GRIPPER_TIMEOUT_S:.0f} s. Is something "
                "wedged in it, and has it been homed in Desk?"
            )

    def close(self) -> None:
        """Stop and disconnect; may be called twice."""
        if self._link is None:
            return
        self.hold()
        try:
            self._link.robot.join_motion(timeout=1.0)
        except sdk_errors() as error:
            _LOG.info("while closing: %s", first_line(error))
        self._disconnect()

    def _connect(self) -> None:
        link = connect(self._config)
        try:
            self._gripper = FrankaGripper(link.gripper, self._gripper_config)
        except sdk_errors() as error:
            raise RobotError(
                f"the gripper of {self._config.host} sends no state: {first_line(error)}. Is UDP "
                "blocked by a firewall?"
            ) from error
        self._link, self._progress = link, None

    def _disconnect(self) -> None:
        self._gripper.close()
        self._link = None  # franky's destructors close the sockets

    def _require_link(self) -> FrankaLink:
        if self._link is None:
            raise RobotError(f"not connected to {self._config.host}; recover to connect again.")
        return self._link

    def _control_thread_birth(self) -> AbstractContextManager[None]:
        """Real-time priority around the call that starts franky's 1 kHz thread."""
        if self._require_link().robot.is_in_control:
            return nullcontext()
        return real_time_birth(CONTROL_THREAD_PRIORITY)

    def _fetch_stored_error(self) -> None:
        """Take the exception that a finished motion left behind, and latch it."""
        try:
            self._require_link().robot.poll_motion()
        except import_franky().NetworkException as error:
            raise self._lost(first_line(error)) from error
        except sdk_errors() as error:
            self._latch(first_line(error))

    def _fresh_state(self) -> "franky.RobotState":
        """The newest state; raises RobotError when a running motion has brought none for long."""
        before, raw = self._progress, self._raw_state()
        now = self._progress
        if before is not None and now is not None and now.misses_time_since(before):
            has_news = now.robot_ms != before.robot_ms
            self._progress = now.with_grace() if has_news else before
            raise RobotError(f"the arm at {self._config.host} is silent: no new state arrives.")
        return raw

    def _raw_state(self) -> "franky.RobotState":
        """The newest state that franky has, possibly an old one; raises when the link is lost."""
        robot = self._require_link().robot
        try:
            raw = robot.state
            is_in_control = robot.is_in_control
        except sdk_errors() as error:
            raise self._lost(first_line(error)) from error
        self._progress = Progress(
            robot_ms=raw.time.to_msec(), host_ns=self._clock.now_ns(), is_in_control=is_in_control
        )
        return raw

    def _has_errors(self) -> bool:
        try:
            return bool(self._require_link().robot.has_errors)
        except sdk_errors() as error:
            raise self._lost(first_line(error)) from error

    def _lost(self, reason: str) -> RobotError:
        self._latch(f"connection lost ({reason})")
        self._disconnect()
        return RobotError(
            f"the arm at {self._config.host} is silent: {reason}. Check cable and FCI, "
            "then recover."
        )

    def _latch(self, fault: str) -> None:
        if self._fault is None:
            _LOG.error("robot fault: %s", fault)
            self._fault = fault
        self._target = None

    def _stop_hard(self) -> None:
        """End the control loop by libfranka's own stop; the robot brakes by itself."""
        errors = (*sdk_errors(), RobotError)
        try:
            self._require_link().robot.stop()
        except errors as error:
            _LOG.error("the hard stop failed: %s", first_line(error))

    def _call_recovery(self) -> None:
        try:
            self._require_link().robot.recover_from_errors()
        except sdk_errors() as error:
            raise RobotError(
                f"the robot refuses to recover: {first_line(error)}. Clear the cause (a joint at "
                "its limit: guide it back by hand), or recover in Desk."
            ) from error

    def _rests(self, raw: "franky.RobotState") -> bool:
        is_running = self._require_link().robot.is_in_control
        return not is_running and bool(np.abs(raw.dq).max() < AT_REST_RADPS)

    def _wait_until(self, is_true: "Callable[[franky.RobotState], bool]", what: str) -> None:
        """Block until a state satisfies `is_true`; raises RobotError on time-out."""
        deadline_ns = self._clock.now_ns() + round(WAIT_TIMEOUT_S * 1e9)
        while True:
            self._fetch_stored_error()
            if is_true(self._raw_state()):
                return
            if self._clock.now_ns() > deadline_ns:
                raise RobotError(f"the arm has not {what} within {WAIT_TIMEOUT_S:.0f} s.")
            self._clock.sleep_until_ns(self._clock.now_ns() + _POLL_NS)

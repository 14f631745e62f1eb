"""Robot node: the arm behind the safety gate. Orders in; states, receipts and status out.

No torch and no images; one thread owns the arm and the watchdog, and everything that touches the
arm is handed to it.
"""

import math
import queue
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

from wvl_interfaces import msg

from wvl_models.contract.errors import RobotError
from wvl_models.contract.observation import RobotMode, RobotState
from wvl_robot.adapters.franka import FrankaArm
from wvl_robot.adapters.system_clock import SystemClock
from wvl_robot.core.arm_guard import ArmGuard
from wvl_robot.core.health import Health, arm_health
from wvl_robot.core.ticks import TickGrid
from wvl_robot.rig.config import RigConfig
from wvl_robot.ros import convert, topics
from wvl_robot.ros.frames import ArmViews
from wvl_robot.ros.host import Host
from wvl_robot.ros.managed import Activate
from wvl_robot.ros.params import RobotParams
from wvl_robot.ros.process import run
from wvl_robot.ros.rig import load_rig_of
from wvl_robot.ros.timeliness import keep_time

T = TypeVar("T")

PERIOD_S = 0.1
"""One tick of the session: the time a setpoint is given to arrive (paper 4.1: 10 Hz)."""

STATUS_PERIOD_S = 0.5

REST_PERIOD_S = 0.1
"""How often a connected arm is read while the node is inactive: its states are sent all the time,
and the newest must be at hand when the node is activated."""


class ArmThread:
    """Owns the arm while the node is configured; jobs are done one after the other.

    Between two jobs whoever is on duty looks after the arm; without anybody on duty the arm is
    read, and nothing is sent to it.
    """

    def __init__(self, host: Host, arm: FrankaArm, watch_s: float) -> None:
        self.arm = arm
        self._host, self._watch_s = host, watch_s
        self._jobs: queue.Queue[Callable[[], None]] = queue.Queue()
        self._duty: ArmFront | None = None

    def take_up(self, front: "ArmFront") -> None:
        """Orders may come."""
        self._duty = front

    def lay_down(self) -> None:
        """No order passes from here on; the arm holds."""
        self._duty = None
        with suppress(RobotError):  # the thread is ending, and closes the arm
            self.ask(self.arm.hold)

    def put(self, front: "ArmFront", job: Callable[[], None]) -> None:
        """Have a job done, unless `front` has gone off duty by then."""

        def carry_out() -> None:
            if self._duty is front:
                job()

        self._jobs.put(carry_out)

    def ask(self, job: Callable[[], T]) -> T:
        """Have a job done, and wait for its result; raises the RobotError that it raises."""
        done: Future[T] = Future()

        def carry_out() -> None:
            try:
                done.set_result(job())
            except RobotError as error:
                done.set_exception(error)

        self._jobs.put(carry_out)
        while not self._host.stop.is_set():
            with suppress(TimeoutError):
                return done.result(timeout=0.2)
        raise RobotError("the robot node is being shut down.")

    def work(self) -> None:
        """The thread."""
        while not self._host.stop.is_set():
            is_on_duty = self._duty is not None
            with suppress(queue.Empty):
                self._jobs.get(timeout=self._watch_s if is_on_duty else REST_PERIOD_S)()
            duty = self._duty
            if duty is not None:
                duty.look()
            else:
                with suppress(RobotError):  # latched by the arm; activating says so
                    self.arm.read()


class ArmFront:
    """The arm on behalf of ROS, while the node is active."""

    def __init__(self, host: Host, thread: ArmThread, rig: RigConfig, params: RobotParams) -> None:
        """RobotError where the arm is silent; an arm in reflex is taken over with its fault."""
        self._host, self._thread = host, thread
        self._clock = SystemClock()
        self._publish_state = host.publisher(topics.ROBOT_STATE)
        self._publish_receipt = host.publisher(topics.RECEIPT)
        self._publish_status = host.publisher(topics.ARM_STATUS)
        self._views = ArmViews(host, rig.robot.kind)
        self._state: RobotState | None = None
        self._policy_version = self._said = ""
        self._said_s = 0.0
        self._states = TickGrid(self._clock.now_ns(), round(1e9 / params.state_rate_hz))
        self._guard = thread.ask(
            lambda: ArmGuard(
                thread.arm,
                self._clock,
                rig.safety,
                period_s=PERIOD_S,
                open_width_m=rig.gripper.open_width_m,
            )
        )

    def order(self, message: msg.Setpoint) -> None:
        """Judge an order, send it, publish the receipt."""
        raw = convert.from_order(message)
        self._thread.put(
            self, lambda: self._publish_receipt(convert.to_receipt(self._guard.on_raw(raw)))
        )

    def use_policy(self, status: msg.PolicyStatus) -> None:
        """Let that version's orders pass."""
        self._thread.put(self, lambda: self._expect(status.policy_version))

    def recover(self, request: Any) -> dict[str, Any]:  # Trigger.Request
        """Clear the fault, on the operator's word."""
        self._thread.ask(self._guard.recover)
        return {"message": "recovered"}

    def go_home(self, request: Any) -> dict[str, Any]:  # Trigger.Request
        """Drive home and open the gripper."""
        self._thread.ask(self._guard.go_home)
        return {"message": "at home"}

    def look(self) -> None:
        """In the arm's thread, some hundred times a second."""
        self._guard.watch()
        now_ns = self._clock.now_ns()
        if now_ns >= self._states.deadline_ns:
            self._states.skip_missed(now_ns)
            self._states.advance()
            state = self._guard.read()
            if state is not None:
                self._tell(state)
        gripper_fault = self._thread.arm.gripper_fault or ""
        say = f"{self._guard.state}{self._guard.fault}{gripper_fault}{self._policy_version}"
        if say != self._said or time.monotonic() - self._said_s > STATUS_PERIOD_S:
            self._said, self._said_s = say, time.monotonic()
            self._publish_status(self._status(gripper_fault))

    def health(self) -> Health:
        """For /diagnostics; from what the arm's thread knows anyway."""
        state, guard, arm = self._state, self._guard, self._thread.arm
        return arm_health(
            state=guard.state,
            fault=guard.fault,
            gripper_fault=arm.gripper_fault or "",
            mode=state.mode if state is not None else RobotMode.OTHER,
            success_rate=arm.success_rate,
            num_holds=guard.num_holds,
            age_s=(self._clock.now_ns() - state.stamp_ns) * 1e-9 if state is not None else math.inf,
        )

    def _tell(self, state: RobotState) -> None:
        self._state, stamp = state, self._host.time()
        self._publish_state(convert.to_robot_state(state, stamp))
        self._views.show(state, stamp)

    def _status(self, gripper_fault: str) -> msg.ArmStatus:
        return msg.ArmStatus(
            header=convert.header(self._host.time()),
            stamp_ns=self._clock.now_ns(),
            state=self._guard.state.value,
            fault=self._guard.fault,
            gripper_fault=gripper_fault,
            policy_version=self._policy_version,
            num_holds=self._guard.num_holds,
        )

    def _expect(self, version: str) -> None:
        self._policy_version = version
        self._guard.set_policy_version(version)


def configure(host: Host, params: RobotParams) -> Activate:
    """Configured: connected, the arm stands still. Active: orders move it.

    Deactivating makes it hold. A reflex or a lost connection is a fault inside the active node.
    """
    _, rig = load_rig_of(params)
    arm = host.insist(
        lambda: FrankaArm(rig.robot, rig.gripper, SystemClock(), PERIOD_S),
        RobotError,
        params.patience_s,
    )
    host.at_end(arm.close)
    thread = ArmThread(host, arm, 1.0 / params.watch_rate_hz)
    host.thread(thread.work, "arm")

    def activate(active: Host) -> None:
        front = ArmFront(active, thread, rig, params)
        active.subscribe(topics.SETPOINT, front.order)
        active.subscribe(topics.POLICY_STATUS, front.use_policy)
        active.serve(topics.RECOVER, front.recover)
        active.serve(topics.GO_HOME, front.go_home)
        active.diagnose(front.health)
        active.at_end(thread.lay_down)
        keep_time()
        thread.take_up(front)

    return activate


def main() -> None:
    """Entry point."""
    run("robot", RobotParams, configure)


if __name__ == "__main__":
    main()

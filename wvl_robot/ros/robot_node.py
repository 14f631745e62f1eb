"""Robot node: the arm behind the safety gate. Orders in; states, receipts and status out.

No torch and no images; one thread owns the arm and the watchdog, and everything that touches the
arm is handed to it.
"""

import queue
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import Any

from wvl_interfaces import msg

from wvl_models.contract.errors import RobotError
from wvl_robot.adapters.franka import FrankaArm
from wvl_robot.adapters.system_clock import SystemClock
from wvl_robot.core.arm_guard import ArmGuard
from wvl_robot.core.ticks import TickGrid
from wvl_robot.rig.config import RigConfig
from wvl_robot.ros import convert, topics
from wvl_robot.ros.host import Host, run
from wvl_robot.ros.params import RobotParams
from wvl_robot.ros.rig import load_rig_of

PERIOD_S = 0.1
"""One tick of the session: the time a setpoint is given to arrive (paper 4.1: 10 Hz)."""

STATUS_PERIOD_S = 0.5

RETRY_S = 0.5


class ArmThread:
    """Runs the arm; jobs are carried out one after the other, between two looks of the watchdog."""

    def __init__(self, host: Host, rig: RigConfig, params: RobotParams) -> None:
        self._host, self._rig, self._params = host, rig, params
        self._clock = SystemClock()
        self._jobs: queue.Queue[Callable[[ArmGuard], None]] = queue.Queue()
        self._publish_state = host.publisher(topics.ROBOT_STATE)
        self._publish_receipt = host.publisher(topics.RECEIPT)
        self._publish_status = host.publisher(topics.ARM_STATUS)
        self._policy_version = ""

    def order(self, message: msg.Setpoint) -> None:
        """Judge an order, send it, publish the receipt."""
        raw = convert.from_order(message)
        self._jobs.put(lambda guard: self._publish_receipt(convert.to_receipt(guard.on_raw(raw))))

    def use_policy(self, status: msg.PolicyStatus) -> None:
        """Let that version's orders pass."""
        self._jobs.put(lambda guard: self._expect(guard, status.policy_version))

    def ask(self, job: Callable[[ArmGuard], None]) -> dict[str, Any]:
        """Have a job done and wait for it; raises what it raises. The answer of a Trigger."""
        done: Future[None] = Future()

        def carry_out(guard: ArmGuard) -> None:
            try:
                done.set_result(job(guard))
            except RobotError as error:
                done.set_exception(error)

        self._jobs.put(carry_out)
        while not self._host.stop.is_set():
            try:
                done.result(timeout=0.2)
                return {"message": "done"}
            except TimeoutError:
                continue
        raise RobotError("the robot node is being shut down.")

    def work(self) -> None:
        """The arm's thread."""
        arm = self._connect()
        if arm is None:
            return
        try:
            guard = ArmGuard(
                arm,
                self._clock,
                self._rig.safety,
                period_s=PERIOD_S,
                open_width_m=self._rig.gripper.open_width_m,
            )
            self._serve(arm, guard)
        finally:
            arm.close()

    def _connect(self) -> FrankaArm | None:
        """The arm, or None where the node ends before it answers."""
        deadline = time.monotonic() + self._params.patience_s
        while not self._host.stop.is_set():
            try:
                return FrankaArm(self._rig.robot, self._rig.gripper, self._clock, PERIOD_S)
            except RobotError:
                if time.monotonic() > deadline:
                    raise
            self._host.stop.wait(RETRY_S)
        return None

    def _serve(self, arm: FrankaArm, guard: ArmGuard) -> None:
        watch_s = 1.0 / self._params.watch_rate_hz
        states = TickGrid(self._clock.now_ns(), round(1e9 / self._params.state_rate_hz))
        said, said_s = "", 0.0
        while not self._host.stop.is_set():
            with suppress(queue.Empty):
                self._jobs.get(timeout=watch_s)(guard)
            guard.watch()
            now_ns = self._clock.now_ns()
            if now_ns >= states.deadline_ns:
                states.skip_missed(now_ns)
                states.advance()
                state = guard.read()
                if state is not None:
                    self._publish_state(convert.to_robot_state(state, self._host.time()))
            say = f"{guard.state}{guard.fault}{arm.gripper_fault}{self._policy_version}"
            if say != said or time.monotonic() - said_s > STATUS_PERIOD_S:
                said, said_s = say, time.monotonic()
                self._publish_status(self._status(arm, guard))

    def _status(self, arm: FrankaArm, guard: ArmGuard) -> msg.ArmStatus:
        return msg.ArmStatus(
            header=convert.header(self._host.time()),
            stamp_ns=self._clock.now_ns(),
            state=guard.state.value,
            fault=guard.fault,
            gripper_fault=arm.gripper_fault or "",
            policy_version=self._policy_version,
            num_holds=guard.num_holds,
        )

    def _expect(self, guard: ArmGuard, version: str) -> None:
        self._policy_version = version
        guard.set_policy_version(version)


@contextmanager
def body(host: Host, params: RobotParams) -> Iterator[None]:
    """See `host.run`."""
    _, rig = load_rig_of(params)
    arm = ArmThread(host, rig, params)
    host.subscribe(topics.SETPOINT, arm.order)
    host.subscribe(topics.POLICY_STATUS, arm.use_policy)
    host.serve(topics.RECOVER, lambda _: arm.ask(lambda guard: guard.recover()))
    host.serve(topics.GO_HOME, lambda _: arm.ask(lambda guard: guard.go_home()))
    host.thread(arm.work, "arm")
    yield


def main() -> None:
    """Entry point."""
    run("robot", RobotParams, body)


if __name__ == "__main__":
    main()

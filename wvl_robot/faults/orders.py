"""Orders at ten hertz from this process, in the session's place: a straight way at a speed."""

import time
from collections.abc import Iterator

from wvl_interfaces import msg

from wvl_models.contract.errors import RobotError
from wvl_models.contract.pose import Pose, Setpoint
from wvl_models.contract.rotation import F64
from wvl_robot.adapters.system_clock import SystemClock
from wvl_robot.faults.live_graph import LiveGraph
from wvl_robot.faults.stall import error_of
from wvl_robot.ports.arm_link import SetpointOrder, Source
from wvl_robot.ros import convert, topics

PERIOD_NS = 100_000_000

LIFETIME_NS = 150_000_000
"""As the session's own orders (`SessionConfig.order_lifetime_s`)."""

RAMP_MPS = 0.1
"""How much faster the target moves from one tick to the next, up to the speed asked for."""

REACH_M = 0.20
"""The way leads to and fro between -y and +y of the rig's home."""


def to_and_fro(y_m: float, speed_mps: float, num_orders: int) -> Iterator[float]:
    """Where each order leads: from anywhere first towards the middle, and back at `REACH_M`."""
    direction, speed = -1.0 if y_m > 0.0 else 1.0, 0.0
    for _ in range(num_orders):
        speed = min(speed + RAMP_MPS, speed_mps)
        step_m = direction * speed * PERIOD_NS * 1e-9
        if direction * (y_m + step_m) > REACH_M:  # it may have begun further out
            direction, speed, step_m = -direction, 0.0, 0.0
        y_m += step_m
        yield y_m


class OrderSender:
    """Leads the arm of a graph that has no session."""

    def __init__(self, graph: LiveGraph) -> None:
        self.graph, self._clock = graph, SystemClock()
        self._publish = graph.host.publisher(topics.SETPOINT)
        self._state: msg.RobotState | None = None
        graph.host.subscribe(topics.ROBOT_STATE, self._on_state)
        self._sequence = self._clock.now_ns()
        self._last: Pose | None = None

    def be_heard(self) -> None:
        """Order the arm to hold until that is answered; RobotError where it never is.

        DDS lets a writer know a reader before the reader knows the writer, and what is written in
        between is lost: of sessions that had just been started one in twenty lost its first orders.
        """
        pose = self.measured()
        numbers: list[int] = []

        def is_answered() -> bool:
            if any(receipt.sequence in numbers for receipt in tuple(self.graph.receipts)):
                return True
            now_ns = self._clock.now_ns()
            numbers.append(self.send(pose.position_m, pose.quaternion_xyzw, now_ns, Source.HOLD))
            self._clock.sleep_until_ns(now_ns + PERIOD_NS)
            return False

        self.graph.until(is_answered, "an order to be heard", at_most_s=5.0)

    def drive(self, speed_mps: float, num_orders: int) -> int:
        """`num_orders` along y, from where the arm is; returns the last order's stamp.

        Returns right after the last order went out; RobotError where no state is heard, or where
        the robot has stopped by itself.
        """
        start = self.measured()
        position, stamp_ns = start.position_m.copy(), self._clock.now_ns()
        for number, y_m in enumerate(to_and_fro(float(position[1]), speed_mps, num_orders)):
            position[1] = y_m
            self.send(position, start.quaternion_xyzw, stamp_ns)
            last_ns, stamp_ns = stamp_ns, stamp_ns + PERIOD_NS
            if number < num_orders - 1:
                self._clock.sleep_until_ns(stamp_ns)
        if self.graph.arm.state == "fault":
            raise error_of(f"stopped while driving: {self.graph.arm.fault}")
        return last_ns

    def send(
        self,
        position_m: F64,
        quaternion_xyzw: F64,
        stamp_ns: int,
        source: Source = Source.TELEOP,
    ) -> int:
        """One order; its sequence number."""
        self._sequence += 1
        pose = self._last = Pose(position_m=position_m, quaternion_xyzw=quaternion_xyzw)
        order = SetpointOrder(
            sequence=self._sequence,
            stamp_ns=stamp_ns,
            expires_ns=stamp_ns + LIFETIME_NS,
            setpoint=Setpoint(pose=pose, gripper_open=True),
            source=source,
            policy_version="",
        )
        self._publish(convert.to_order(order, self.graph.host.time()))
        return self._sequence

    def repeat(self, stamp_ns: int) -> int:
        """Order the last target again, under another tick."""
        assert self._last is not None
        return self.send(self._last.position_m, self._last.quaternion_xyzw, stamp_ns)

    def measured(self) -> Pose:
        """Where the arm says that it is; RobotError where it says nothing."""
        deadline = time.monotonic() + 5.0
        while time.monotonic() < deadline:
            state = self._state
            if state is not None and self._clock.now_ns() - state.stamp_ns < PERIOD_NS:
                return convert.from_robot_state(state).base_T_ee
            time.sleep(0.005)
        raise RobotError("no state of the arm was heard within 5 s.")

    def _on_state(self, state: msg.RobotState) -> None:
        self._state = state

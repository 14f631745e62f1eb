"""Row 18: after every reflex one operator action brings the arm back, and no process is restarted.

The stall is real: the robot node is stopped in the middle of a motion until the robot has missed
its 20 cycles. The others are the robot's own answers, asked of the virtual robot.
"""

import signal
import time
from collections.abc import Mapping

import numpy as np
from std_srvs.srv import Trigger

from wvl_models.contract.verdict import Reason, Verdict
from wvl_robot.faults.graph_supply import GraphRow, GraphSupply
from wvl_robot.faults.live_graph import LiveGraph
from wvl_robot.faults.orders import PERIOD_NS, OrderSender
from wvl_robot.faults.promise import promise
from wvl_robot.faults.row_08_watchdog import open_arm
from wvl_robot.faults.trial import FaultRow, RowPlan
from wvl_robot.ros import topics
from wvl_robot.virtual.reflex import Reflex

KINDS: Mapping[str, Reflex | None] = {
    "stall": None,
    "collision": Reflex.CARTESIAN_REFLEX,
    "joint collision": Reflex.JOINT_REFLEX,
    "discontinuity": Reflex.JOINT_MOTION_GENERATOR_ACCELERATION_DISCONTINUITY,
    "position limit": Reflex.JOINT_POSITION_LIMITS_VIOLATION,
    "self collision": Reflex.SELF_COLLISION_AVOIDANCE_VIOLATION,
}

SPEED_MPS = 0.15

RECOVERY_S = 2.0
"""Facts B6: <= 2 s, no restart."""

PULL_MM = 2.0
"""A recovered arm that is ordered to where it is stays there."""

PLAN = RowPlan(
    number=18,
    title="reflexes",
    pass_line="one operator action recovers, <= 2 s, no restart, no pull back; refused unneeded",
    kinds=tuple(KINDS),
    per_change=20,
    nightly=500,
    in_suite=1,
)


def _attempt(graph: LiveGraph, kind: str, seed: int) -> Mapping[str, float]:
    rng, reflex = np.random.default_rng(seed), KINDS[kind]
    sender, pid = OrderSender(graph), graph.pid("robot")
    sender.be_heard()
    last_ns = sender.drive(SPEED_MPS, int(rng.integers(4, 10)))
    graph.until(
        lambda: any(s.stamp_ns == last_ns for s in tuple(graph.sent)), "an order to be used"
    )
    _provoke(graph, reflex, rng)
    expected = Reflex.COMMUNICATION_CONSTRAINTS_VIOLATION if reflex is None else reflex
    name = expected.name.lower()
    graph.until(
        lambda: graph.arm.state == "fault" and name in graph.arm.fault,
        f"the fault to be called {name}",
        lambda: f"It is called '{graph.arm.fault}'",
        at_most_s=2.0,
    )
    refusal = _order_here(graph, sender)
    promise(refusal.reason == int(Reason.ROBOT_NOT_READY), f"in a fault: {refusal}")
    start_s = time.monotonic()
    answer = graph.recover()
    recovery_s = time.monotonic() - start_s
    promise(answer.success, f"the recovery failed: {answer.message}")
    promise(recovery_s <= RECOVERY_S, f"the recovery took {recovery_s:.1f} s")
    again = graph.call(topics.RECOVER, Trigger.Request())
    promise(not again.success, "a recovery that nothing called for was carried out")
    pull_mm = _pull_mm(graph, sender)
    promise(pull_mm <= PULL_MM, f"the arm went back {pull_mm:.1f} mm after the recovery")
    promise(graph.pid("robot") == pid, "the robot node was restarted")
    return {"recovery_s": recovery_s, "pull_mm": pull_mm}


def _provoke(graph: LiveGraph, reflex: Reflex | None, rng: np.random.Generator) -> None:
    if reflex is not None:
        graph.provoke(reflex)
        return
    graph.nodes["robot"].send(signal.SIGSTOP)
    time.sleep(rng.uniform(0.06, 0.5))
    graph.nodes["robot"].send(signal.SIGCONT)


def _order_here(graph: LiveGraph, sender: OrderSender) -> object:
    """The receipt of an order to where the arm is."""
    pose = sender.measured()
    number = sender.send(pose.position_m, pose.quaternion_xyzw, time.monotonic_ns())
    graph.until(lambda: any(r.sequence == number for r in tuple(graph.receipts)), "a receipt")
    return next(r for r in tuple(graph.receipts) if r.sequence == number)


def _pull_mm(graph: LiveGraph, sender: OrderSender) -> float:
    """How far the arm goes when it is ordered to where it is."""
    since_ns = time.monotonic_ns()
    for _ in range(3):
        receipt = _order_here(graph, sender)
        promise(receipt.verdict != int(Verdict.REFUSE), f"refused after the recovery: {receipt}")
        time.sleep(PERIOD_NS * 1e-9)
    return graph.watch.way_mm(since_ns)


def open_row(supply: GraphSupply[LiveGraph] | None = None) -> FaultRow:
    """See `rows`; on somebody's graph, or on one of its own."""
    return GraphRow(PLAN, supply or GraphSupply(open_arm), _attempt, PLAN.kinds)

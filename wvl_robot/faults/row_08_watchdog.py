"""Row 8: whatever is lost upstream, the arm is held in time and stands still soon after.

The real robot node, with this process in the session's place; what the arm does is read from the
physics. A figure may exceed its limit by what the machine was seen to do to this process meanwhile.
"""

import signal
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from wvl_robot.faults.graph_supply import GraphRow, GraphSupply
from wvl_robot.faults.live_graph import LiveGraph
from wvl_robot.faults.orders import LIFETIME_NS, PERIOD_NS, OrderSender
from wvl_robot.faults.promise import promise
from wvl_robot.faults.trial import FaultRow, RowPlan

SPEED_MPS = 0.25
"""The gate's limit."""

HOLD_MS, STOP_MS, BLIND_MM = 100.0, 300.0, 60.0
"""Hold after the deadline, standstill after the fault, way after the last order (issue 3)."""

WATCHED_S = 0.6

MOVED_MS = 150.0
"""Of at least 400 ms of driving, or nothing was interrupted."""

PLAN = RowPlan(
    number=8,
    title="watchdog",
    pass_line=(
        "hold <= 100 ms after the deadline, joints < 0.01 rad/s <= 300 ms after the first missed "
        "tick (or the signal), <= 60 mm after the last order"
    ),
    kinds=("silence", "late orders", "robot stopped", "robot killed"),
    per_change=20,
    nightly=2500,
    in_suite=2,
)


def open_arm(folder: Path) -> LiveGraph:
    """A graph of cell and robot node alone."""
    return LiveGraph(folder, ["robot"])


class _Watchdog:
    """Interruptions at full speed; one sender of orders for each graph."""

    def __init__(self) -> None:
        self._sender: OrderSender | None = None

    def interrupt(self, graph: LiveGraph, kind: str, seed: int) -> Mapping[str, float]:
        """One of them."""
        rng = np.random.default_rng(seed)
        sender = self._sender_of(graph)
        sender.be_heard()
        start_ns = time.monotonic_ns()
        last_ns = sender.drive(SPEED_MPS, int(rng.integers(5, 12)))
        moved_ms = graph.watch.rest_ms(start_ns)
        promise(moved_ms > MOVED_MS, "the arm did not move, so nothing was tried")
        if kind == "late orders":
            self._send_late(sender, last_ns)
        if kind in ("silence", "late orders"):
            return self._watch_hold(graph, start_ns, last_ns)
        time.sleep(rng.uniform(0.0, PERIOD_NS * 1e-9))
        fault_ns = self._break(graph, kind, rng)
        time.sleep(WATCHED_S)
        noise_ms, stop_ms = graph.watch.noise_ms(start_ns), graph.watch.rest_ms(fault_ns)
        _promise_in_time("standstill", stop_ms, STOP_MS, noise_ms)
        return {"stop_ms": stop_ms, "noise_ms": noise_ms}

    def _watch_hold(self, graph: LiveGraph, start_ns: int, last_ns: int) -> Mapping[str, float]:
        graph.until(lambda: graph.arm.state == "holding", "the arm to hold", at_most_s=2.0)
        held_ns = graph.arm.stamp_ns
        time.sleep(WATCHED_S)
        used = [sent.stamp_ns for sent in tuple(graph.sent) if start_ns <= sent.stamp_ns]
        promise(bool(used), "no order reached the arm")
        used_ns = max(used)
        promise(used_ns <= last_ns, "an order was used although it came too late")
        noise_ms = graph.watch.noise_ms(start_ns)
        hold_ms = (held_ns - used_ns - LIFETIME_NS) * 1e-6
        stop_ms = graph.watch.rest_ms(used_ns + PERIOD_NS)
        _promise_in_time("hold", hold_ms, HOLD_MS, noise_ms)
        _promise_in_time("standstill", stop_ms, STOP_MS, noise_ms)
        figures = {"hold_ms": hold_ms, "stop_ms": stop_ms, "noise_ms": noise_ms}
        if used_ns == last_ns:  # at full speed until then
            blind_mm = graph.watch.way_mm(last_ns)
            promise(blind_mm <= BLIND_MM + SPEED_MPS * noise_ms, f"{blind_mm:.0f} mm blind")
            figures["blind_mm"] = blind_mm
        return figures

    def _sender_of(self, graph: LiveGraph) -> OrderSender:
        if self._sender is None or self._sender.graph is not graph:
            self._sender = OrderSender(graph)
            graph.go_home()
        return self._sender

    def _send_late(self, sender: OrderSender, last_ns: int) -> None:
        """Orders that keep coming, each after its time: a network that delays."""
        for k in range(1, 5):
            stamp_ns = last_ns + k * PERIOD_NS
            delay_ns = stamp_ns + LIFETIME_NS + 10_000_000 - time.monotonic_ns()
            time.sleep(max(delay_ns, 0) * 1e-9)
            sender.repeat(stamp_ns)

    def _break(self, graph: LiveGraph, kind: str, rng: np.random.Generator) -> int:
        if kind == "robot killed":
            return graph.kill("robot")
        fault_ns = time.monotonic_ns()
        graph.nodes["robot"].send(signal.SIGSTOP)
        time.sleep(rng.uniform(0.3, 1.0))
        graph.nodes["robot"].send(signal.SIGCONT)
        return fault_ns


def _promise_in_time(what: str, value_ms: float, limit_ms: float, noise_ms: float) -> None:
    promise(
        value_ms <= limit_ms + noise_ms,
        f"{what} after {value_ms:.0f} ms (limit {limit_ms:.0f}, machine {noise_ms:.0f})",
    )


def open_row(supply: GraphSupply[LiveGraph] | None = None) -> FaultRow:
    """See `rows`; on somebody's graph, or on one of its own."""
    return GraphRow(
        PLAN,
        supply or GraphSupply(open_arm),
        _Watchdog().interrupt,
        ("robot stopped", "robot killed"),
    )

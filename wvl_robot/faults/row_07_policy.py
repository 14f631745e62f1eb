"""Row 7: a policy that runs out of memory, throws, crawls or hangs while it drives the arm.

The real policy node behind `wvl_robot.respawn`, as in the graph, with the fault inside its
inference. The arm carries the last chunk out and brakes; the others go on; the policy comes back.
CUDA's own out-of-memory needs a GPU; without one its error is raised by hand.
"""

import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from wvl_robot.faults.graph_supply import GraphRow, GraphSupply, publish_shipped_policy
from wvl_robot.faults.live_graph import LiveGraph
from wvl_robot.faults.promise import promise
from wvl_robot.faults.silence import promise_rest
from wvl_robot.faults.spoiled_policy_node import LONGEST_PAUSE_S, VARIABLE
from wvl_robot.faults.trial import FaultRow, RowPlan
from wvl_robot.respawn import MAX_RESTARTS, TELLS

NODES = ("robot", "camera", "policy", "session")

SERVING_S = 30.0

SLOW_FOR_S = 4.0

LATEST_S = 1.0
"""After a chunk: there is a next one to ask for."""

MAX_STEPS = 70
"""By then a policy that answers within a second was asked a third time, and none a fourth time. In
the task's 55 steps one of 24 was not asked a third time, and had no inference to fail in."""

FAULT_FILE = "policy_fault"

PLAN = RowPlan(
    number=7,
    title="policy",
    pass_line="held within a tick of the last chunk's end, at rest 300 ms later; no stale action; "
    "the policy serves again <= 30 s by itself; no other process is restarted",
    kinds=("memory", "gpu memory", "killed", "exception", "deadlock", "slow"),
    per_change=10,
    nightly=100,
    in_suite=1,
)


SPOILED = {"policy": "wvl_robot.faults.spoiled_policy_node"}
"""Module of a policy node that can be spoiled."""


def fault_file(folder: Path) -> Mapping[str, str]:
    """Environment in which it looks for its fault in the graph's folder."""
    return {VARIABLE: str(folder / FAULT_FILE)}


def open_spoiled(folder: Path) -> LiveGraph:
    """Robot, camera, session, and the policy that can be spoiled."""
    publish_shipped_policy(folder / "registry")
    return LiveGraph(
        folder,
        NODES,
        arguments={"registry": str(folder / "registry")},
        parameters={"session": {"policy_patience_s": 3.0}, "policy": {"stuck_after_s": 5.0}},
        environment=fault_file(folder),
        modules=SPOILED,
    )


def _attempt(graph: LiveGraph, kind: str, seed: int) -> Mapping[str, float]:
    rng = np.random.default_rng(seed)
    file = graph.folder / FAULT_FILE
    others = {name: graph.pid(name) for name in NODES if name != "policy"}
    graph.go_home()
    graph.start_episode(int(rng.integers(1000)), MAX_STEPS)
    graph.until_chunk()
    time.sleep(rng.uniform(0.0, LATEST_S))
    num_crashes = graph.nodes["policy"].said.count(TELLS)
    file.write_text(kind, encoding="ascii")
    try:
        if kind == "slow":
            time.sleep(SLOW_FOR_S)
            figures: dict[str, float] = {}
        else:
            figures = _watch_crash(graph, num_crashes, file)
    finally:
        file.unlink(missing_ok=True)
    if kind == "slow":
        time.sleep(LONGEST_PAUSE_S + 1.0)  # nobody else's episode waits for the last slow answer
    for name, pid in others.items():
        promise(graph.nodes[name].is_alive and graph.pid(name) == pid, f"{name} was restarted")
    return figures


def _watch_crash(graph: LiveGraph, num_crashes: int, file: Path) -> dict[str, float]:
    """Until the policy serves again."""
    node = graph.nodes["policy"]
    graph.until(lambda: node.said.count(TELLS) > num_crashes, "the crash")
    graph.policy, start_s = None, time.monotonic()
    file.unlink()
    graph.until(graph.is_served, "the policy to serve again", at_most_s=2 * SERVING_S)
    serving_s = time.monotonic() - start_s
    figures = promise_rest(graph, graph.chunk_ends_ns[-1])
    promise(serving_s <= SERVING_S, f"{serving_s:.0f} s until the policy served again")
    return figures | {"serving_s": serving_s}


def open_row(supply: GraphSupply[LiveGraph] | None = None) -> FaultRow:
    """See `rows`; on somebody's graph, or on one of its own."""
    return GraphRow(PLAN, supply or GraphSupply(open_spoiled, _is_worn), _attempt)


def _is_worn(graph: LiveGraph) -> bool:
    """Whether its policy has been started anew as often as it is."""
    return graph.nodes["policy"].said.count(TELLS) >= MAX_RESTARTS

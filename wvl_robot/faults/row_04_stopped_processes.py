"""Row 4: SIGSTOP of each process in a policy's episode, for 20 ms up to a minute, then SIGCONT.

Of the cell it is the renderer, a process of its own; the robot's server is a robot, and a robot
does not stop its clock. What the arm does is read from the physics.
"""

import signal
import time
from collections.abc import Mapping

import numpy as np
import psutil

from wvl_robot.faults.graph_supply import GraphRow, GraphSupply
from wvl_robot.faults.live_graph import LiveGraph
from wvl_robot.faults.promise import promise
from wvl_robot.faults.row_01_robot_processes import (
    REST_MS,
    digests,
    judge_store,
    open_deployment,
)
from wvl_robot.faults.trial import FaultRow, RowPlan

FEED = "camera feed"

SHORTEST_S, LONGEST_S, LONG_NIGHT_S = 0.02, 5.0, 60.0

NUM_SHORT_SEEDS = 10
"""Seeds from here on stop a process for up to a minute."""

WATCHED_S = 1.5
"""After SIGCONT: what was waiting for the process has its chance now."""

MAX_STEPS = 700

RESTED_MS = {"session": 0.0, **REST_MS, FEED: REST_MS["camera"]}
"""Until the arm stands still where the process stays away."""

PLAN = RowPlan(
    number=4,
    title="stopped processes",
    pass_line="the arm stands still in time; after SIGCONT it goes on or says why not; no order is "
    "used past its time, and no reflex without lost cycles",
    kinds=(FEED, "robot", "camera", "session", "policy"),
    per_change=4,
    nightly=200,
    in_suite=1,
)


def _attempt(graph: LiveGraph, victim: str, seed: int) -> Mapping[str, float]:
    rng = np.random.default_rng(seed)
    longest_s = LONGEST_S if seed < NUM_SHORT_SEEDS else LONG_NIGHT_S
    stopped_s = SHORTEST_S * (longest_s / SHORTEST_S) ** rng.uniform()
    committed = digests(graph)
    graph.go_home()
    episode_id = graph.start_episode(int(rng.integers(1000)), max_steps=MAX_STEPS)
    time.sleep(rng.uniform(0.5, 3.0))
    before = graph.cell_report()
    pid = _feed_pid(graph) if victim == FEED else graph.pid(victim)
    figures = {"stopped_s": stopped_s} | _stop(graph, victim, pid, stopped_s)
    continued_ns = time.monotonic_ns()
    time.sleep(WATCHED_S)
    _promise_goes_on_or_tells(graph)
    after = graph.cell_report()
    new = after.violations[len(before.violations) :]
    num_lost_cycles = after.num_lost_cycles - before.num_lost_cycles
    promise(not new or num_lost_cycles > 0, f"the robot complained: {new}")
    figures["noise_ms"] = max(figures["noise_ms"], graph.watch.noise_ms(continued_ns))
    is_running = graph.session.state == "running"
    if is_running:
        graph.stop_episode()
    graph.make_ready()
    judge_store(graph, committed, episode_id, may_be_whole=True)
    return figures | {"lost_cycles": num_lost_cycles, "given_up": not is_running}


def _stop(graph: LiveGraph, victim: str, pid: int, stopped_s: float) -> dict[str, float]:
    """Stop, look, continue."""
    stopped_ns, process = time.monotonic_ns(), psutil.Process(pid)
    process.send_signal(signal.SIGSTOP)
    try:
        time.sleep(stopped_s)
        rest_ms = graph.watch.rest_ms(stopped_ns)  # before it can move again
        noise_ms = graph.watch.noise_ms(stopped_ns)
    finally:
        process.send_signal(signal.SIGCONT)
    limit_ms = RESTED_MS[victim] + noise_ms
    if stopped_s * 1e3 < limit_ms:
        return {"noise_ms": noise_ms}
    promise(rest_ms <= limit_ms, f"still moving after {rest_ms:.0f} ms")
    return {"rest_ms": rest_ms, "noise_ms": noise_ms}


def _promise_goes_on_or_tells(graph: LiveGraph) -> None:
    num_steps, episode = graph.session.num_steps, graph.session.episode_id

    def is_clear() -> bool:
        status = graph.session
        if status.state == "running" and status.episode_id == episode:
            return bool(status.num_steps > num_steps)
        return bool(status.fault)

    graph.until(is_clear, "the episode to go on, or a reason why not", at_most_s=10.0)


def _feed_pid(graph: LiveGraph) -> int:
    """The process that renders the virtual camera's pictures."""
    for child in psutil.Process(graph.pid("cell")).children(recursive=True):
        if any("camera_feed" in word for word in child.cmdline()):
            return child.pid
    promise(False, "the cell has no renderer")
    return -1


def open_row(supply: GraphSupply[LiveGraph] | None = None) -> FaultRow:
    """See `rows`; on somebody's graph, or on one of its own."""
    return GraphRow(PLAN, supply or GraphSupply(open_deployment), _attempt, ("robot",))

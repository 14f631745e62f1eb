"""Row 1, the robot's share: kill -9 of each process at a random moment of a policy's episode.

Real nodes on the virtual cell; what the arm does is read from the physics. This process stands in
for the supervisor, so the graph around a killed node lives on and can be asked what it knows.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from wvl_models.contract.episode import Outcome
from wvl_models.episodes.records import Ending
from wvl_models.episodes.store import EpisodeStore
from wvl_robot.faults.graph_supply import GraphRow, GraphSupply, publish_shipped_policy
from wvl_robot.faults.live_graph import LiveGraph
from wvl_robot.faults.promise import promise
from wvl_robot.faults.trial import FaultRow, RowPlan
from wvl_robot.respawn import TELLS

NODES = ("robot", "camera", "policy", "session", "learner")

LONGEST_S = 4.0
"""An episode is struck up to this long after its first step."""

REST_MS = {"robot": 300.0, "session": 450.0, "camera": 1500.0, "policy": 3200.0}
"""Until the arm stands still. The robot stops by itself; a session's last order runs out after
150 ms and the arm brakes; on the virtual rig a frame may be 1 s old (docs/decisions/006); the last
chunk of a policy is carried out, 2.4 s, and the arm brakes. The cell's own death ends the physics,
and a learner moves nothing."""

WATCHED_S = 1.0
"""Beyond that; of a process whose death moves nothing, all that it is watched for."""

TOLD_S = 4.0
"""Until somebody says that a process is gone, after it was watched."""

TOLD: Mapping[str, Callable[[LiveGraph], str]] = {
    "robot": lambda graph: graph.session.fault + graph.session.not_ready,
    "camera": lambda graph: graph.session.fault + graph.session.not_ready,
    "policy": lambda graph: "crashed" if TELLS in graph.said("policy") else "",
    "session": lambda graph: "" if graph.arm.state == "moving" else graph.arm.state,
    "cell": lambda graph: graph.arm.fault,
}
"""What the others say about a process that is gone; nobody misses a learner, and a policy may be
back before the session has noticed: then its guard says so."""

PLAN = RowPlan(
    number=1,
    title="kill -9 of the robot's processes",
    pass_line="no committed episode lost or changed; the open one ends ABORTED; the arm stands "
    "still; the others say what is missing; back without a restart of the others",
    kinds=("cell", "robot", "camera", "session", "policy", "learner"),
    per_change=20,
    nightly=100,
    in_suite=1,
)


def open_deployment(folder: Path) -> LiveGraph:
    """The graph closed_loop with the shipped policy, and one committed episode to lose."""
    publish_shipped_policy(folder / "registry")
    graph = LiveGraph(
        folder,
        NODES,
        arguments={"registry": str(folder / "registry")},
        parameters={"session": {"policy_patience_s": 3.0}},
    )
    try:
        graph.make_ready()
        graph.go_home()
        graph.start_episode(0)
        graph.stop_episode()
    except BaseException:
        graph.close()
        raise
    return graph


def _attempt(graph: LiveGraph, victim: str, seed: int) -> Mapping[str, float]:
    rng = np.random.default_rng(seed)
    before = digests(graph)
    graph.go_home()
    episode_id = graph.start_episode(int(rng.integers(1000)))
    time.sleep(rng.uniform(0.0, LONGEST_S))
    others = {name: graph.pid(name) for name in NODES if name != victim}
    killed_ns = graph.kill(victim)
    time.sleep(REST_MS.get(victim, 0.0) * 1e-3 + WATCHED_S)
    rest_ms = graph.watch.rest_ms(killed_ns)
    noise_ms = graph.watch.noise_ms(killed_ns)
    if victim in REST_MS:
        promise(rest_ms <= REST_MS[victim] + noise_ms, f"still after {rest_ms:.0f} ms")
    if victim in TOLD:
        what = f"somebody to say that the {victim} is missing"
        graph.until(lambda: TOLD[victim](graph) != "", what, at_most_s=TOLD_S)
    if victim == "learner" and graph.session.state == "running":
        graph.stop_episode()
    start_s = time.monotonic()
    graph.make_ready()
    back_s = time.monotonic() - start_s
    for name, pid in others.items():
        promise(graph.nodes[name].is_alive and graph.pid(name) == pid, f"{name} was restarted")
    judge_store(graph, before, episode_id, may_be_whole=victim == "learner")
    _promise_an_episode(graph)
    figures = {"back_s": back_s, "noise_ms": noise_ms}
    return figures | ({"rest_ms": rest_ms} if victim in REST_MS else {})


def _promise_an_episode(graph: LiveGraph) -> None:
    """The graph is back when an episode runs, not when its nodes say so."""
    graph.start_episode(0)
    graph.until_chunk()
    graph.stop_episode()


def digests(graph: LiveGraph) -> Mapping[str, str]:
    """Committed episodes."""
    with EpisodeStore(graph.store) as store:
        return {
            name: store.facts(name).digest
            for name in store.ids()
            if store.facts(name).ending is Ending.COMMITTED
        }


def judge_store(
    graph: LiveGraph, before: Mapping[str, str], episode_id: str, *, may_be_whole: bool
) -> None:
    """What was committed is there unchanged, and the episode that was struck is no success."""
    after = digests(graph)
    promise(before.items() <= after.items(), "a committed episode was lost or has changed")
    with EpisodeStore(graph.store) as store:
        promise(episode_id in store.ids(), f"{episode_id} is lost")
        damaged = [name for name in (*list(before)[-2:], episode_id) if store.verify(name)]
        promise(not damaged, f"damaged: {damaged}")
        label = store.labels.current(episode_id)
    if episode_id not in after or not may_be_whole:
        is_aborted = label is not None and label.outcome is Outcome.ABORTED
        promise(episode_id in after or is_aborted, f"{episode_id} is not ABORTED but {label}")


def open_row(supply: GraphSupply[LiveGraph] | None = None) -> FaultRow:
    """See `rows`; on somebody's graph, or on one of its own."""
    return GraphRow(PLAN, supply or GraphSupply(open_deployment), _attempt, ("cell", "robot"))

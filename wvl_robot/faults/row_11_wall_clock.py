"""Row 11: the wall clock jumps under a running episode; every deadline is on the monotonic clock.

The nodes' clock, not the machine's: `wall_clock.c`, preloaded into robot, camera, session and
policy, adds an offset that a trial writes into a file they have mapped; they jump together.
libfaketime 0.9.10 cannot do it: it refuses monotonic sleeps (EINVAL) and holds threads up.
"""

import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import numpy as np
from wvl_interfaces import srv

from wvl_models.contract.errors import SetupError
from wvl_models.episodes.store import EpisodeStore
from wvl_robot.faults.graph_supply import GraphRow, GraphSupply
from wvl_robot.faults.live_graph import LiveGraph
from wvl_robot.faults.lossy_link import FarGraph
from wvl_robot.faults.promise import promise
from wvl_robot.faults.row_01_robot_processes import REST_MS, digests, judge_store
from wvl_robot.faults.trial import FaultRow, RowPlan
from wvl_robot.ros import topics

OFFSET_FILE, VARIABLE = "wall_clock", "WVL_WALL_CLOCK"

SOURCE = Path(__file__).with_name("wall_clock.c")

NUM_JUMPS = 3

MAX_STEPS = 150

JUMP_S: Mapping[str, float] = {"1 ms": 0.001, "1 s": 1.0, "1 h": 3600.0, "1 day": 86400.0}

SILENCE = "missed stop"
"""The clock jumps while the session is stopped for good: the arm stops all the same."""

BUSY_MS = 40.0
"""An order is good for 150 ms and the next one due after 100: a thread that was kept waiting for
about that long explains a hold."""

PLAN = RowPlan(
    number=11,
    title="wall clock",
    pass_line="0 false stops, 0 missed stops; the episode is committed, its stamps increase, what "
    "is written down as a date is one, and the newest label counts",
    kinds=(*JUMP_S, SILENCE),
    per_change=10,
    nightly=100,
    in_suite=1,
)


def jumping_clock(folder: Path) -> Mapping[str, str]:
    """Environment of nodes whose wall clock jumps; SetupError without a C compiler."""
    folder.mkdir(parents=True, exist_ok=True)
    library = folder / "wall_clock.so"
    try:
        subprocess.run(["gcc", "-shared", "-fPIC", str(SOURCE), "-o", str(library)], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SetupError("row 11 needs a C compiler: sudo apt-get install -y gcc") from error
    (folder / OFFSET_FILE).write_bytes(bytes(8))
    return {"LD_PRELOAD": str(library), VARIABLE: str(folder / OFFSET_FILE)}


def open_jumping(folder: Path) -> FarGraph:
    """Robot, camera, session and policy, on a clock that jumps."""
    return FarGraph(folder, jumping_clock(folder))


def _attempt(graph: FarGraph, kind: str, seed: int) -> Mapping[str, float]:
    attempt = _miss_no_stop if kind == SILENCE else _jump_around
    try:
        return attempt(graph, kind, np.random.default_rng(seed))
    finally:
        _jump_to(graph.folder, 0.0)


def _jump_around(graph: LiveGraph, kind: str, rng: np.random.Generator) -> Mapping[str, float]:
    committed = digests(graph)
    graph.go_home()
    episode_id = graph.start_episode(int(rng.integers(1000)), max_steps=MAX_STEPS)
    first = int(rng.integers(2))
    start_ns, num_holds = time.monotonic_ns(), graph.arm.num_holds
    for number in range(NUM_JUMPS):
        _jump_to(graph.folder, JUMP_S[kind] * (-1.0) ** (number + first))
        time.sleep(rng.uniform(0.3, 1.0))
    promise(graph.session.state == "running", f"a false stop: {graph.session.fault}")
    num_holds, noise_ms = graph.arm.num_holds - num_holds, graph.watch.noise_ms(start_ns)
    promise(num_holds == 0 or noise_ms > BUSY_MS, f"{num_holds} holds (machine {noise_ms:.0f} ms)")
    graph.stop_episode()
    promise(graph.session.last_episode_id == episode_id, f"not committed: {graph.session.fault}")
    judge_store(graph, committed, episode_id, may_be_whole=True)
    _label(graph, episode_id, "failure")
    _jump_to(graph.folder, -JUMP_S[kind])
    _label(graph, episode_id, "success")
    _check_stored(graph, episode_id)
    return {"holds": num_holds, "noise_ms": noise_ms}


def _miss_no_stop(graph: LiveGraph, kind: str, rng: np.random.Generator) -> Mapping[str, float]:
    graph.go_home()
    graph.start_episode(int(rng.integers(1000)))
    time.sleep(rng.uniform(0.5, 2.0))
    _jump_to(graph.folder, float(rng.choice(tuple(JUMP_S.values()))) * float(rng.choice([-1, 1])))
    killed_ns = graph.kill("session")
    time.sleep(1.5)
    rest_ms, noise_ms = graph.watch.rest_ms(killed_ns), graph.watch.noise_ms(killed_ns)
    promise(rest_ms <= REST_MS["session"] + noise_ms, f"moving {rest_ms:.0f} ms after the kill")
    return {"rest_ms": rest_ms, "noise_ms": noise_ms}


def _jump_to(folder: Path, offset_s: float) -> None:
    """In one write of eight bytes into the file that the nodes have mapped."""
    with (folder / OFFSET_FILE).open("r+b", buffering=0) as file:
        file.write(round(offset_s * 1e9).to_bytes(8, sys.byteorder, signed=True))


def _label(graph: LiveGraph, episode_id: str, outcome: str) -> None:
    answer = graph.call(
        topics.LABEL,
        srv.LabelEpisode.Request(episode_id=episode_id, outcome=outcome, author="faults"),
    )
    promise(answer.success, f"no label: {answer.message}")


def _check_stored(graph: LiveGraph, episode_id: str) -> None:
    with EpisodeStore(graph.store) as store:
        signals, header = store.read_signals(episode_id), store.header(episode_id)
        label = store.labels.current(episode_id)
    for name in ("tick_ns", "frame_ns", "robot_ns"):
        steps_ns = np.diff(getattr(signals, name))
        promise(bool((steps_ns >= (1 if name == "tick_ns" else 0)).all()), f"{name} goes back")
    promise(label is not None and label.outcome == "success", f"not the newest label: {label}")
    assert label is not None
    for text in (header.created_utc, label.stamp_utc):
        promise(datetime.fromisoformat(text).tzinfo is not None, f"'{text}' is no date")


def open_row(supply: GraphSupply[FarGraph] | None = None) -> FaultRow:
    """See `rows`; on somebody's graph, or on one of its own."""
    return GraphRow(PLAN, supply or GraphSupply(open_jumping), _attempt)

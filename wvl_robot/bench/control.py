"""The ten-hertz loop of the real graph, measured from outside, with a plain rclpy loop beside it.

The graph is `teleop_collect` as `wvl up` starts it: virtual cell, robot, camera and session in
processes of their own, the scripted operator, every episode recorded and committed. Figures come
from stamps that are in the messages and in the episodes anyway. Three parts: the graph alone; graph
and reference side by side, for a fair comparison on the same machine at the same time; and a few
stops of the session's process (SIGSTOP), for the watchdog.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from wvl_models.contract.errors import RobotError, SetupError
from wvl_models.episodes.store import EpisodeStore
from wvl_robot.bench.columns import READY, read_columns
from wvl_robot.bench.timing import Spread, Window, lateness_ns, num_gaps, num_skipped, spread
from wvl_robot.environment import ON_THIS_MACHINE, PROFILE_VARIABLES, RANGE, node_environment
from wvl_robot.graph_child import END_PATIENCE_S, GraphChild

PERIOD_NS = 100_000_000

PAUSE_NS = 1_000_000_000
"""Between two episodes there are no orders; a gap within one is shorter than this."""

START_PATIENCE_S, MOVE_PATIENCE_S = 300.0, 120.0

STOP_S, AFTER_ORDER_S = 0.6, 1.0

NUM_EPISODES = 100_000
"""More than fit into any measurement: the graph is ended, it does not end."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LoopFigures:
    """One loop in one window; times in milliseconds."""

    seconds: float
    tick_lateness: Spread | None
    num_missed_ticks: int
    image_hop: Spread | None
    num_images_sent: int
    num_images_lost: int


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphFigures:
    """What only the graph has."""

    loop: LoopFigures
    tick_to_arm: Spread | None
    """From the tick to the moment the robot had taken the setpoint."""
    frame_to_arm: Spread | None
    """From the frame's arrival at the host to that moment."""
    num_camera_gaps: int
    """Frame numbers that the camera process never published."""
    num_refused: int
    num_episodes: int
    cpu_share: Mapping[str, float]
    """Of one processor, by node with its children."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ControlReport:
    """Everything `wvl bench control` found."""

    alone: GraphFigures
    beside: GraphFigures | None
    """While the reference ran."""
    reference: LoopFigures | None
    hold_latency: Spread | None
    """From an order's expiry to the hold, after the session's process was stopped."""
    num_stops: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ControlPlan:
    """What to run and for how long."""

    share: Path
    rig: str
    task: str
    host: str
    domain: int
    folder: Path
    """Episodes, logs and the measuring processes' files."""
    settle_s: float = 5.0
    """Left out at each beginning: caches, first allocations, discovery."""
    alone_s: float
    beside_s: float
    num_stops: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Cpu:
    """Processor seconds by node at a moment."""

    stamp_ns: int
    used_s: Mapping[str, float]


def run_control(plan: ControlPlan, announce: Callable[[str], None]) -> ControlReport:
    """Run all three parts; RobotError with the graph's words where it ended early."""
    files = {name: plan.folder / f"{name}.npz" for name in ("graph", "reference")}
    environment = os.environ | {
        "ROS_DOMAIN_ID": str(plan.domain),
        "ROS_LOG_DIR": str(plan.folder / "ros"),
    }
    arguments = {
        "rig": plan.rig,
        "task": plan.task,
        "host": plan.host,
        "store": str(plan.folder / "episodes"),
        "num_episodes": str(NUM_EPISODES),
    }
    cpu: list[_Cpu] = []
    num_stops = 0
    with GraphChild("teleop_collect", arguments, environment, plan.folder / "graph.log") as graph:
        graph.wait_for("-> moving", START_PATIENCE_S)
        ours = node_environment(plan.share, environment)
        with _measuring("listener", [str(files["graph"])], ours):
            time.sleep(plan.settle_s)
            announce("the graph alone")
            cpu += _window(graph, plan.alone_s)
            if plan.beside_s > 0:
                announce("graph and reference side by side")
                with _reference(files["reference"], environment):
                    time.sleep(plan.settle_s)
                    cpu += _window(graph, plan.beside_s)
            announce("stops of the session")
            try:
                for _ in range(plan.num_stops):
                    _stop_session(graph)
                    num_stops += 1
            except RobotError as error:  # an hour of figures is not thrown away for the last part
                announce(f"given up after {num_stops} stops: {error}")
    return _report(plan, files, cpu, num_stops)


def _window(graph: GraphChild, seconds: float) -> tuple[_Cpu, _Cpu]:
    """A window that begins with an episode; the processor time at its start and at its end."""
    graph.wait_for("-> moving", MOVE_PATIENCE_S, since=graph.num_lines)
    before, end = _cpu(graph), time.monotonic() + seconds
    while time.monotonic() < end:
        graph.check()
        time.sleep(min(1.0, max(0.0, end - time.monotonic())))
    return before, _cpu(graph)


def _stop_session(graph: GraphChild) -> None:
    """SIGSTOP in the middle of an episode, SIGCONT after the arm has come to rest."""
    graph.wait_for("-> moving", MOVE_PATIENCE_S, since=graph.num_lines)
    time.sleep(AFTER_ORDER_S)
    pid = graph.pids["session"]
    os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(STOP_S)
    finally:
        os.kill(pid, signal.SIGCONT)


def _cpu(graph: GraphChild) -> _Cpu:
    used = {}
    for name, pid in graph.pids.items():
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
            used[name] = sum(one.user + one.system for one in times)
    return _Cpu(stamp_ns=time.monotonic_ns(), used_s=used)


@contextmanager
def _measuring(module: str, words: Sequence[str], environment: Mapping[str, str]) -> Iterator[None]:
    """One of this room's own processes; it writes its file when it is told to end."""
    command = [sys.executable, "-m", f"wvl_robot.bench.{module}", *words]
    child = subprocess.Popen(
        command,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    try:
        if child.stdout.readline().strip() != READY:
            raise SetupError(f"the measuring process '{module}' did not start; see above.")
        yield
        if child.poll() is not None:
            raise SetupError(f"the measuring process '{module}' died; its reason stands above.")
    finally:
        child.terminate()
        child.wait(END_PATIENCE_S)
        child.stdout.close()


@contextmanager
def _reference(file: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """The two processes of the reference: default transport, a domain of their own."""
    plain = {name: value for name, value in environment.items() if name not in PROFILE_VARIABLES}
    plain[RANGE] = ON_THIS_MACHINE[0]
    plain["ROS_DOMAIN_ID"] = str(int(environment["ROS_DOMAIN_ID"]) + 1)
    with (
        _measuring("reference", ["loop", str(file)], plain),
        _measuring("reference", ["camera"], plain),
    ):
        yield


def _report(
    plan: ControlPlan, files: Mapping[str, Path], cpu: Sequence[_Cpu], num_stops: int
) -> ControlReport:
    heard = read_columns(files["graph"])
    frames_ns = frame_times_ns(plan.folder / "episodes")
    windows = [
        Window(start_ns=before.stamp_ns, end_ns=after.stamp_ns)
        for before, after in zip(cpu[::2], cpu[1::2], strict=True)
    ]
    graphs = [
        graph_figures(heard, frames_ns, window, _shares(cpu[2 * k], cpu[2 * k + 1]))
        for k, window in enumerate(windows)
    ]
    has_reference = len(windows) > 1
    return ControlReport(
        alone=graphs[0],
        beside=graphs[1] if has_reference else None,
        reference=(
            reference_figures(read_columns(files["reference"]), windows[1])
            if has_reference
            else None
        ),
        hold_latency=spread(hold_latencies_ns(heard, cpu[-1].stamp_ns)),
        num_stops=num_stops,
    )


def _shares(before: _Cpu, after: _Cpu) -> dict[str, float]:
    seconds = (after.stamp_ns - before.stamp_ns) * 1e-9
    return {
        name: (used - before.used_s.get(name, 0.0)) / seconds for name, used in after.used_s.items()
    }


def graph_figures(
    heard: Mapping[str, np.ndarray],
    frames_ns: np.ndarray,
    window: Window,
    cpu_share: Mapping[str, float],
) -> GraphFigures:
    """The graph in one window; `frames_ns` [N, 2] as `frame_times_ns` has them."""
    late_ns = lateness_ns(heard["order_tick_ns"], PERIOD_NS)
    in_window = window.holds(heard["order_tick_ns"])
    _, orders, receipts = np.intersect1d(
        heard["order_sequence"], heard["receipt_sequence"], return_indices=True
    )
    answered = window.holds(heard["receipt_sent_ns"][receipts])
    tick_ns = heard["order_tick_ns"][orders][answered]
    sent_ns = heard["receipt_sent_ns"][receipts][answered]
    frames = window.holds(heard["frame_arrival_ns"])
    used = frames_ns[window.holds(frames_ns[:, 1])]
    is_refused = heard["receipt_verdict"][receipts][answered] == 2
    return GraphFigures(
        loop=LoopFigures(
            seconds=window.seconds,
            tick_lateness=spread(late_ns[in_window]),
            num_missed_ticks=_missed(heard, window),
            image_hop=spread(heard["image_hop_ns"][_same(heard, frames)]),
            num_images_sent=int(frames.sum()),
            num_images_lost=int(
                (~np.isin(heard["frame_stamp_ns"][frames], heard["image_stamp_ns"])).sum()
            ),
        ),
        tick_to_arm=spread(sent_ns - tick_ns),
        frame_to_arm=spread(used[:, 1] - used[:, 0]),
        num_camera_gaps=num_gaps(heard["frame_number"][frames]),
        num_refused=int(is_refused.sum()),
        num_episodes=_num_episodes(heard["order_tick_ns"][in_window]),
        cpu_share=cpu_share,
    )


def reference_figures(heard: Mapping[str, np.ndarray], window: Window) -> LoopFigures:
    """The reference in its window; a timer's calls that never came count as missed ticks."""
    ticks_ns, arrived = heard["tick_ns"], window.holds(heard["image_ns"])
    inside = window.holds(ticks_ns)
    numbers = heard["image_number"][arrived]
    num_lost = num_gaps(numbers)
    return LoopFigures(
        seconds=window.seconds,
        tick_lateness=spread(lateness_ns(ticks_ns, PERIOD_NS)[inside]),
        num_missed_ticks=num_skipped(ticks_ns[inside], PERIOD_NS, window.end_ns),
        image_hop=spread(heard["image_hop_ns"][arrived]),
        num_images_sent=len(numbers) + num_lost,
        num_images_lost=num_lost,
    )


def hold_latencies_ns(heard: Mapping[str, np.ndarray], since_ns: int) -> np.ndarray:
    """From the expiry of the last order to the hold, for every hold since a moment.

    The arm's status is published at once when its state changes, and carries its own stamp.
    """
    began = np.flatnonzero(np.diff(heard["arm_holds"]) > 0) + 1
    began = began[(heard["arm_ns"][began] > since_ns) & (heard["arm_is_holding"][began] == 1)]
    expiries_ns = np.sort(heard["order_expires_ns"])
    last = np.searchsorted(expiries_ns, heard["arm_ns"][began], side="right") - 1
    return heard["arm_ns"][began] - expiries_ns[last]


def frame_times_ns(store: Path) -> np.ndarray:
    """[N, 2] of every recorded step: arrival of its frame, and when the robot took its setpoint."""
    rows = [np.empty((0, 2), dtype=np.int64)]
    with EpisodeStore(store) as opened:
        for name in opened.ids():
            signals = opened.read_signals(name)
            is_sent = signals.sent_ns > 0
            rows.append(np.stack([signals.frame_ns[is_sent], signals.sent_ns[is_sent]], axis=1))
    return np.concatenate(rows)


def _same(heard: Mapping[str, np.ndarray], frames: np.ndarray) -> np.ndarray:
    """Mask of the images that belong to these frames."""
    return np.isin(heard["image_stamp_ns"], heard["frame_stamp_ns"][frames])


def _missed(heard: Mapping[str, np.ndarray], window: Window) -> int:
    """As the session itself counts them: it alone knows when a tick was due."""
    counts = heard["session_missed"][window.holds(heard["session_ns"])]
    return int(counts.max() - counts.min()) if len(counts) else 0


def _num_episodes(ticks_ns: np.ndarray) -> int:
    return int((np.diff(np.sort(ticks_ns)) >= PAUSE_NS).sum()) + int(len(ticks_ns) > 0)

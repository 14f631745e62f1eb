"""Row 12: a bad network between session and policy, and between camera and session.

Simulated at the messages, see `lossy_link`: this machine's kernel has no netem, and its nodes talk
over shared memory. Session and robot are one machine by design and stay so.
"""

import time
from collections.abc import Mapping

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.serialization import deserialize_message

from wvl_models.episodes.store import EpisodeStore
from wvl_robot.faults.graph_supply import GraphRow, GraphSupply
from wvl_robot.faults.lossy_link import FAIR, FarGraph, Weather
from wvl_robot.faults.promise import promise
from wvl_robot.faults.row_01_robot_processes import digests, judge_store
from wvl_robot.faults.silence import promise_rest
from wvl_robot.faults.trial import FaultRow, RowPlan
from wvl_robot.ros import topics

CHUNK_S = 2.4

STRUCK_S = 5.0

MAX_STEPS = 150
"""So that the episode does not end by itself."""

POLICY = (topics.POLICY_QUERY, topics.ACTION_CHUNK)

UNANSWERED, UNUSED, FRAMES = "observations unanswered", "chunks not used", "lost frames"

PLAN = RowPlan(
    number=12,
    title="network",
    pass_line="without a chunk the arm rests; an expired, doubled or overtaken chunk is not used; "
    "the session goes on or says why not; every loss is counted",
    kinds=("loss", "delay", "partition", "doubled", "overtaken", "expired", "frames lost"),
    per_change=10,
    nightly=50,
    in_suite=1,
)


def _attempt(graph: FarGraph, kind: str, seed: int) -> Mapping[str, float]:
    try:
        return _Attempt(graph, kind, np.random.default_rng(seed)).run()
    finally:
        graph.link.strike(FAIR)


class _Attempt:
    """One episode that is struck."""

    def __init__(self, graph: FarGraph, kind: str, rng: np.random.Generator) -> None:
        self._graph, self._link, self._kind, self._rng = graph, graph.link, kind, rng
        self._counts: dict[str, float] = {}
        self._counted_ns = 0
        graph.host.subscribe(topics.DIAGNOSTICS, self._on_diagnostics)

    def run(self) -> Mapping[str, float]:
        """Strike, look, and see what the session has counted."""
        graph, link = self._graph, self._link
        committed = digests(graph)
        graph.go_home()
        before = self._read_counts()
        episode_id = graph.start_episode(int(self._rng.integers(1000)), max_steps=MAX_STEPS)
        graph.until_chunk()
        time.sleep(self._rng.uniform(0.0, 1.0))
        struck_ns, lost, doubled = _now_ns(), link.num_lost, link.num_doubled
        link.strike(self._weather(), self._rng)
        figures = self._watch(struck_ns)
        link.strike(FAIR)
        is_running = graph.session.state == "running"
        promise(is_running or bool(graph.session.fault), "the episode ended without a word")
        if is_running:
            _promise_goes_on(graph)
        counts = {name: self._read_counts()[name] - before[name] for name in before}
        if is_running:
            graph.stop_episode()
        graph.link.held.clear()
        judge_store(graph, committed, episode_id, may_be_whole=True)
        self._judge_counts(counts, link.num_lost - lost, link.num_doubled - doubled)
        if is_running:
            _check_stamps(graph, episode_id)
        return figures | {
            "lost": link.num_lost - lost,
            "unanswered": counts[UNANSWERED],
            "unused": counts[UNUSED],
            "given_up": not is_running,
        }

    def _weather(self) -> Weather:
        rng = self._rng
        return {
            "loss": lambda: Weather(topics=POLICY, lost=rng.uniform(0.01, 0.3)),
            "delay": lambda: Weather(topics=POLICY, delay_s=rng.uniform(0.05, 0.5)),
            "partition": lambda: Weather(topics=POLICY, lost=1.0),
            "doubled": lambda: Weather(topics=POLICY, doubled_after_s=rng.uniform(0.15, 0.6)),
            "overtaken": lambda: Weather(topics=POLICY, overtaken=0.5),
            "expired": lambda: Weather(topics=(topics.ACTION_CHUNK,), is_held=True),
            "frames lost": lambda: Weather(
                topics=(topics.FRAME_METADATA,), lost=rng.uniform(0.01, 0.3)
            ),
        }[self._kind]()

    def _watch(self, struck_ns: int) -> dict[str, float]:
        if self._kind == "expired":
            return self._watch_expired()
        if self._kind != "partition":
            time.sleep(STRUCK_S)
            return {}
        time.sleep(self._rng.uniform(CHUNK_S + 0.7, 6.0))
        return promise_rest(self._graph, struck_ns)

    def _watch_expired(self) -> dict[str, float]:
        """Answers that were under way until they had expired arrive at an arm that waits."""
        struck_ns = _now_ns()
        self._graph.until(lambda: bool(self._expired()), "an answer to expire", at_most_s=20.0)
        figures = promise_rest(self._graph, struck_ns)
        delivered_ns = _now_ns()
        for data in self._expired():
            self._link.deliver(topics.ACTION_CHUNK, data)
            time.sleep(0.15)
        time.sleep(0.5)
        way_mm = self._graph.watch.way_mm(delivered_ns)
        promise(way_mm < 1.0, f"an expired chunk moved the arm by {way_mm:.1f} mm")
        return figures | {"way_mm": way_mm}

    def _expired(self) -> list[bytes]:
        chunks = [data for topic, data in tuple(self._link.held) if topic is topics.ACTION_CHUNK]
        kind = topics.ACTION_CHUNK.kind
        return [c for c in chunks if deserialize_message(c, kind).expires_ns < _now_ns()]

    def _judge_counts(self, counts: Mapping[str, float], num_lost: int, num_doubled: int) -> None:
        """The last question may still be open, and the last frame's gap is seen by the next."""
        if self._kind == "frames lost":
            told = f"{num_lost} frames were lost, {counts[FRAMES]:.0f} counted"
            promise(counts[FRAMES] >= num_lost - 1, told)
        elif self._kind in ("loss", "partition"):
            told = f"{num_lost} messages were lost, {counts[UNANSWERED]:.0f} counted"
            promise(counts[UNANSWERED] >= num_lost - 1, told)
        elif self._kind == "doubled" and num_doubled > 1:
            promise(counts[UNUSED] >= 1, f"{num_doubled} doubled messages, and none refused")
        elif self._kind == "expired":
            promise(counts[UNUSED] >= 1 or bool(self._graph.session.fault), "nothing was refused")

    def _read_counts(self) -> dict[str, float]:
        """What the session says on /diagnostics from now on."""
        now_ns = _now_ns()
        names = (UNANSWERED, UNUSED, FRAMES)
        self._graph.until(
            lambda: self._counted_ns > now_ns and all(name in self._counts for name in names),
            "the session's diagnostics",
        )
        return {name: self._counts[name] for name in names}

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if status.hardware_id == "session":
                values = {pair.key: pair.value for pair in status.values}
                found = {
                    k: float(v) for k, v in values.items() if k in (UNANSWERED, UNUSED, FRAMES)
                }
                self._counts |= found
                self._counted_ns = _now_ns()


def _promise_goes_on(graph: FarGraph) -> None:
    num_steps = graph.session.num_steps
    graph.until(
        lambda: graph.session.num_steps > num_steps or graph.session.state != "running",
        "the session to go on",
        at_most_s=5.0,
    )


def _check_stamps(graph: FarGraph, episode_id: str) -> None:
    """Ticks and frames of what was recorded increase; a gap in the frames' numbers is there."""
    with EpisodeStore(graph.store) as store:
        signals = store.read_signals(episode_id)
    promise(bool((np.diff(signals.tick_ns) > 0).all()), "stored ticks do not increase")
    promise(bool((np.diff(signals.frame_number) >= 0).all()), "stored frames go back")


def _now_ns() -> int:
    return time.monotonic_ns()


def open_row(supply: GraphSupply[FarGraph] | None = None) -> FaultRow:
    """See `rows`; on somebody's graph, or on one of its own."""
    return GraphRow(PLAN, supply or GraphSupply(FarGraph), _attempt)

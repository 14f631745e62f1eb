"""A graph of real nodes whose processes a trial kills, stops and starts anew one by one.

This process takes the place of the cell node (so that the robot server's log can be read, and the
cell be killed), and of the operator: it calls the services that an operator calls.
"""

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from std_srvs.srv import Trigger
from wvl_interfaces import msg, srv

from wvl_models.contract.action import ACTION_DIM
from wvl_models.contract.errors import RobotError, SetupError
from wvl_models.contract.verdict import Verdict
from wvl_robot.environment import node_environment
from wvl_robot.faults.arm_watch import ArmWatch
from wvl_robot.faults.node_process import NodeProcess
from wvl_robot.faults.places import own_loopback
from wvl_robot.faults.spun_node import spun_node
from wvl_robot.faults.stall import error_of
from wvl_robot.graph import find_graph, resolve
from wvl_robot.graph_spec import Value
from wvl_robot.ports.arm_link import Source
from wvl_robot.ros import topics
from wvl_robot.ros.live_lab import free_domain
from wvl_robot.share import share_folder
from wvl_robot.virtual.cell import CellProcess, CellReport, cell_config
from wvl_robot.virtual.reflex import Reflex

PATIENCE_S = 90.0
"""A node is up after 3 to 8 s; on a loaded machine much later."""

POLL_S = 0.005

PREDICATE_PERIOD_S = 0.1

OPERATED = (
    *(topics.RECOVER, topics.GO_HOME, topics.CLEAR_FAULT),
    *(topics.START, topics.STOP, topics.LABEL),
)
"""What an operator calls."""

TASK = "lift_cube"

OLDEST_NS = 150_000_000
"""An order may be used at most so long after its tick (fault plan row 8)."""

LONGEST_SEND_NS = 100_000_000
"""From the gate's judgement to the receipt's stamp, also where the machine is busy."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """An order that reached the arm."""

    stamp_ns: int
    sent_ns: int


class LiveGraph:
    """Cell, chosen nodes, and everything they say about themselves."""

    def __init__(
        self,
        folder: Path,
        nodes: Sequence[str],
        *,
        arguments: Mapping[str, str] | None = None,
        parameters: Mapping[str, Mapping[str, Value]] | None = None,
        environment: Mapping[str, str] | None = None,
        words: Mapping[str, Sequence[str]] | None = None,
        modules: Mapping[str, str] | None = None,
    ) -> None:
        """Starts all of it; `nodes` of the graph closed_loop.

        `arguments` are the graph's, `parameters` and `modules` replace those of a node,
        `environment` and `words` (of the command line, by node) come on top.
        """
        self.folder, share = folder, share_folder()
        self.config = cell_config(share, TASK, "virtual", own_loopback())
        self._domain = free_domain()
        self.store = folder / "episodes"
        given = {"host": self.config.rig.robot.host, "store": str(self.store)}
        starts = resolve(
            find_graph("closed_loop"), given | dict(arguments or {}), share=share, folder=folder
        )
        everywhere = {
            "ROS_DOMAIN_ID": str(self._domain),
            "ROS_LOG_DIR": str(folder / "ros_log"),
            **(environment or {}),
        }
        environ = node_environment(share, os.environ | everywhere)
        folder.mkdir(parents=True, exist_ok=True)
        self.nodes: dict[str, NodeProcess] = {}
        for start in starts:
            if start.name in nodes:
                mine = dict(start.parameters) | dict((parameters or {}).get(start.name, {}))
                more = (words or {}).get(start.name, ())
                log = folder / f"{start.name}.log"
                module = (modules or {}).get(start.name, start.module)
                self.nodes[start.name] = NodeProcess(
                    replace(start, parameters=mine, module=module), environ, log, more
                )
        self._forget()
        with ExitStack() as stack:
            self._open(stack)
            self._stack = stack.pop_all()

    def _forget(self) -> None:
        """Nothing was heard yet."""
        self.arm: Any = None  # ArmStatus
        self.session: Any = None  # SessionStatus
        self.policy: Any = None  # PolicyStatus
        self.camera: Any = None  # CameraStatus
        self.events: deque[Any] = deque(maxlen=100)  # EpisodeEvent
        self.sent: deque[Sent] = deque(maxlen=2000)
        self.receipts: deque[Any] = deque(maxlen=200)  # SetpointReceipt
        self.chunk_ends_ns: deque[int] = deque(maxlen=100)
        """When each chunk that was heard is over."""
        self.holds_ns: deque[int] = deque(maxlen=100)
        """Ticks from which on the session let the arm hold."""
        self._is_held = False
        self.stale: list[str] = []
        """Orders that were used although they were too old; must stay empty."""
        self._stamps: dict[int, int] = {}
        self._gone_ns: dict[str, int] = {}
        self._cell_failures: list[str] = []
        self._num_known = 0

    def _open(self, stack: ExitStack) -> None:
        for process in self.nodes.values():
            stack.callback(process.end)
            process.start()
        self._cell_lock = threading.RLock()
        self._cell = CellProcess(self.config)
        stack.callback(lambda: self._cell.close())
        self.watch = stack.enter_context(ArmWatch(self.config))
        self.host = stack.enter_context(spun_node(self._domain))
        self._publish_success = self.host.publisher(topics.SUCCESS)
        self._is_cell_up = True
        self.host.every(PREDICATE_PERIOD_S, self._judge, "predicate")
        for topic, name in (
            (topics.ARM_STATUS, "arm"),
            (topics.SESSION_STATUS, "session"),
            (topics.POLICY_STATUS, "policy"),
            (topics.CAMERA_STATUS, "camera"),
        ):
            self.host.subscribe(topic, lambda message, name=name: self._on_status(name, message))
        self.host.subscribe(topics.EPISODE_EVENT, lambda event: self.events.append(event))
        self.host.subscribe(topics.ACTION_CHUNK, self._on_chunk)
        self.host.subscribe(topics.SETPOINT, self._on_order)
        self.host.subscribe(topics.RECEIPT, self._on_receipt)
        self._clients = {e.name: self.host.node.create_client(e.kind, e.name) for e in OPERATED}

    # ---- what an operator does

    def make_ready(self) -> None:
        """Start what was ended, recover the arm, clear the session's fault; RobotError: it fails.

        At most three recoveries: whatever one operator action cannot mend shows up here.
        """
        for node in self.nodes.values():
            node.start()
        if not self._is_cell_up:
            self.restart_cell()
        if "robot" in self.nodes:
            self.until(lambda: self._says("arm"), "the robot node to speak")
            for _ in range(3):
                if self.arm.state != "fault":
                    break
                self.recover()
        if "policy" in self.nodes:
            self.until(self.is_served, "a policy to be served", lambda: str(self.policy))
        if "session" in self.nodes:
            self.until(lambda: self._says("session"), "the session node to speak")
            self._finish_session()
            self.until(self._is_ready, "the session to be ready", lambda: str(self.session))

    def is_served(self) -> bool:
        """Whether a policy says that it answers."""
        return self.policy is not None and self.policy.policy_version != ""

    def recover(self) -> Any:  # Trigger.Response
        """The operator's one action after a fault of the arm."""
        answer = self.call(topics.RECOVER, Trigger.Request())
        if answer.success:
            self.until(lambda: self.arm.state != "fault", "the arm to say that it is recovered")
        return answer

    def start_episode(self, seed: int, max_steps: int = 0) -> str:
        """Put the objects down, start, wait for the first step; the episode's id.

        It ends by itself after `max_steps`; 0: where the task says.
        """
        now_ns = time.monotonic_ns()  # no state is published while the arm goes home
        self.until(
            lambda: self.session.stamp_ns > now_ns and self.session.is_ready,
            "the session to be ready",
            lambda: self.session.not_ready,
        )
        with self._cell_lock:
            self._cell.reset(seed)
        request = srv.StartEpisode.Request(has_seed=True, seed=seed, max_steps=max_steps)
        answer = self.call(topics.START, request)
        if not answer.success:
            raise error_of(f"no episode: {answer.message}")
        episode_id = str(answer.episode_id)
        self.until(lambda: self._is_at_work(episode_id), "the first step")
        return episode_id

    def until_chunk(self) -> None:
        """Wait for the running episode's next chunk; RobotError where it is given up before."""
        self.chunk_ends_ns.clear()
        episode_id = self.session.episode_id
        self.until(
            lambda: self._is_at_work(episode_id) and bool(self.chunk_ends_ns),
            "a chunk",
            lambda: str(self.session),
        )

    def stop_episode(self) -> None:
        """Commit what is running."""
        self.call(topics.STOP, srv.StopEpisode.Request())
        self.until(lambda: self.session.state in ("idle", "fault"), "the episode to end")

    def go_home(self) -> None:
        """Drive home; RobotError where the arm refuses."""
        answer = self.call(topics.GO_HOME, Trigger.Request())
        if not answer.success:
            raise error_of(f"not home: {answer.message}")

    def call(self, endpoint: topics.Endpoint, request: Any) -> Any:  # its request and response
        """Call a service and wait for the answer."""
        client = self._clients[endpoint.name]
        self.until(client.service_is_ready, f"service {endpoint.name}")
        done = threading.Event()
        future = client.call_async(request)
        future.add_done_callback(lambda _: done.set())
        self.until(done.is_set, f"the answer of {endpoint.name}")
        return future.result()

    def until(
        self,
        is_true: Callable[[], bool],
        what: str,
        why: Callable[[], str] = lambda: "",
        at_most_s: float = PATIENCE_S,
    ) -> float:
        """Wait until something is so; seconds that it took. RobotError where it never is."""
        start = time.monotonic()
        while not is_true():
            if time.monotonic() - start > at_most_s:
                raise RobotError(f"waited {at_most_s:.0f} s for {what}. {why()}".strip())
            time.sleep(POLL_S)
        return time.monotonic() - start

    # ---- what breaks

    def kill(self, name: str) -> int:
        """SIGKILL a node or the `cell`; when, on the monotonic clock."""
        if name == "cell":
            self._is_cell_up = False
            killed_ns = time.monotonic_ns()
            os.kill(self._cell.pid, signal.SIGKILL)
            return killed_ns
        killed_ns = time.monotonic_ns()
        self.nodes[name].kill()
        attribute = {"robot": "arm"}.get(name, name)
        if hasattr(self, attribute):
            self._gone_ns[attribute] = time.monotonic_ns()
            setattr(self, attribute, None)  # what it said last no longer counts
        return killed_ns

    def pid(self, name: str) -> int:
        """Process id of a node or of the `cell`."""
        return self._cell.pid if name == "cell" else self.nodes[name].pid

    def said(self, name: str) -> str:
        """Everything that a node and its guard have printed so far."""
        return self.nodes[name].said

    def restart_cell(self) -> None:
        """A new cell where the old one was."""
        with self._cell_lock:
            self._cell.close()
            self._cell = CellProcess(self.config)
            self._is_cell_up, self._num_known = True, 0

    def provoke(self, reflex: Reflex) -> None:
        """Let the robot stop with that error."""
        with self._cell_lock:
            self._cell.provoke_reflex(reflex)

    # ---- what must not be found

    def problems(self) -> str:
        """What no trial may leave behind; empty where there is nothing."""
        if self._is_cell_up:
            self._check_cell()
        found = [f"not enforced: {text}" for text in self._cell_failures]
        found += self.stale
        for name, node in self.nodes.items():
            if "Traceback" in node.said:
                found.append(f"{name} printed a traceback: {node.said[-2000:]}")
        self._cell_failures, self.stale = [], []
        return "; ".join(found)

    def close(self) -> None:
        """End everything."""
        self._stack.close()

    def __enter__(self) -> "LiveGraph":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def cell_report(self) -> CellReport:
        """What the robot server had to say since the cell was started."""
        with self._cell_lock:
            return self._cell.report()

    def num_lost_cycles(self) -> int:
        """Of the robot's control, since the cell was started."""
        return self.cell_report().num_lost_cycles if self._is_cell_up else 0

    def faults(self) -> str:
        """What session and robot node say to be wrong."""
        told = (status.fault for status in (self.session, self.arm) if status is not None)
        return "; ".join(filter(None, told))

    def _check_cell(self) -> None:
        found = self.cell_report().unenforced
        self._cell_failures += found[self._num_known :]
        self._num_known = len(found)

    def _says(self, attribute: str) -> bool:
        return getattr(self, attribute) is not None

    def _is_at_work(self, episode_id: str) -> bool:
        if self.session.state == "fault":
            raise error_of(f"{episode_id} was given up: {self.session.fault}")
        return bool(self.session.episode_id == episode_id and self.session.num_steps > 0)

    def _is_ready(self) -> bool:
        if self.arm is not None and self.arm.state == "fault":
            self.recover()
        if self.session.state == "fault":
            self.call(topics.CLEAR_FAULT, Trigger.Request())
        return self.session.state == "idle" and self.session.is_ready

    def _finish_session(self) -> None:
        if self.session.state == "running":
            self.call(topics.STOP, srv.StopEpisode.Request(discard=True))
        self.until(lambda: self.session.state in ("idle", "fault"), "the episode to end")

    def _judge(self) -> None:
        with self._cell_lock:
            if not self._is_cell_up:
                return
            stamp_ns = time.monotonic_ns()
            try:
                is_success = self._cell.is_success()
            except SetupError:  # killed between the question and the answer
                return
        self._publish_success(
            msg.SuccessState(stamp_ns=stamp_ns, task=TASK, is_success=bool(is_success))
        )

    def _on_status(self, attribute: str, status: Any) -> None:  # one of the *Status messages
        """Not what a killed node said and what was under way since."""
        stamp_ns = getattr(status, "stamp_ns", None)
        if stamp_ns is None or stamp_ns > self._gone_ns.get(attribute, 0):
            setattr(self, attribute, status)

    def _on_chunk(self, chunk: msg.ActionChunk) -> None:
        lasts_ns = chunk.period_ns * len(chunk.actions) // ACTION_DIM
        self.chunk_ends_ns.append(time.monotonic_ns() + lasts_ns)

    def _on_order(self, order: msg.Setpoint) -> None:
        self._stamps[order.sequence] = order.stamp_ns
        while len(self._stamps) > 500:
            self._stamps.pop(next(iter(self._stamps)))
        is_held = order.source == Source.HOLD
        if is_held and not self._is_held:
            self.holds_ns.append(order.stamp_ns)
        self._is_held = is_held

    def _on_receipt(self, receipt: msg.SetpointReceipt) -> None:
        self.receipts.append(receipt)
        stamp_ns = self._stamps.get(receipt.sequence)
        if stamp_ns is None or receipt.verdict == int(Verdict.REFUSE):
            return
        self.sent.append(Sent(stamp_ns=stamp_ns, sent_ns=receipt.sent_ns))
        age_ns = receipt.sent_ns - stamp_ns
        if age_ns > OLDEST_NS + LONGEST_SEND_NS:
            self.stale.append(f"an order was used {age_ns * 1e-6:.0f} ms after its tick")

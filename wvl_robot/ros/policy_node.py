"""Policy node: answers observations with chunks, and swaps policies while it answers.

Inference has a thread of its own and takes the newest query; a swap loads and tries the candidate
in an executor's thread meanwhile. It hears the camera itself, so that no image is sent twice.
"""

import logging
import math
import threading
import time
from pathlib import Path
from typing import Any

from wvl_interfaces import msg

from wvl_models.contract.action import ActionSpec
from wvl_models.contract.errors import CheckpointError, DataError, WvlError
from wvl_models.contract.observation import CameraFrame, Observation
from wvl_models.registry.policy_host import PolicyHost
from wvl_models.registry.registry import Registry
from wvl_robot.core.health import Health, policy_health
from wvl_robot.rig.calibration import load_calibration
from wvl_robot.ros import convert, topics
from wvl_robot.ros.host import Host
from wvl_robot.ros.managed import Activate
from wvl_robot.ros.params import PolicyParams
from wvl_robot.ros.process import RestartError, run
from wvl_robot.ros.rig import load_rig_of
from wvl_robot.ros.session_ports import Complaints, FrameHearer, Shelf

_LOG = logging.getLogger(__name__)

NUM_FRAMES = 16
"""Half a second of frames: a query names one that is at most that old."""

STATUS_PERIOD_S = 1.0
"""A session that no longer hears the status starts no episode."""

JOIN_INFERENCE_S = 1.0
"""An inference that hangs does not keep the node from ending."""

EXECUTOR_THREADS = 3
"""One may load a candidate while the others hear camera and session."""


class Queries:
    """The newest query, joined with the frame that it names, which may come after it."""

    def __init__(self, host: Host) -> None:
        self._changed = threading.Condition()
        self._frames: Shelf[int, CameraFrame] = Shelf(NUM_FRAMES)
        self._query: Any = None  # PolicyQuery
        self._seen_s = -math.inf
        self._complain = Complaints()
        FrameHearer(host, self._on_frame)
        host.subscribe(topics.POLICY_QUERY, self._on_query)

    def frame_age_s(self) -> float:
        """Since the newest frame was heard; inf before the first."""
        return time.monotonic() - self._seen_s

    def take(self, timeout_s: float) -> Observation | None:
        """The next observation to answer, or None after `timeout_s`."""
        with self._changed:
            if not self._changed.wait_for(self._is_whole, timeout_s):
                return None
            query, self._query = self._query, None
            frame = self._frames.get(query.frame_stamp_ns)
        assert frame is not None
        try:
            return convert.from_query(query, frame)
        except DataError as error:
            self._complain(topics.POLICY_QUERY.name, error)
            return None

    def _is_whole(self) -> bool:
        return self._query is not None and self._frames.get(self._query.frame_stamp_ns) is not None

    def _on_frame(self, frame: CameraFrame) -> None:
        with self._changed:
            self._frames.put(frame.stamp_ns, frame)
            self._seen_s = time.monotonic()
            self._changed.notify()

    def _on_query(self, query: msg.PolicyQuery) -> None:
        with self._changed:
            self._query = query
            self._changed.notify()


class PolicyDesk:
    """Which policy serves; kept while the node is configured."""

    def __init__(self, serving: PolicyHost, registry: Registry) -> None:
        self.serving, self.registry = serving, registry
        self.spec: ActionSpec | None = None
        self._swapping = threading.Lock()

    def begin(self, wanted: str) -> None:
        """Serve the version that the parameters ask for, or the current one, or none yet."""
        version = wanted or self.registry.current("policy")
        if version:
            self.offer(version)
        else:
            _LOG.warning("no policy is current in %s; swap one in", self.registry.root)

    def offer(self, version: str) -> None:
        """Verify, load, try, switch; CheckpointError where the old policy goes on."""
        with self._swapping:
            self.spec = self.serving.offer(version).policy.spec
        _LOG.info("policy %s serves", version)


class PolicyFront:
    """The policy on behalf of ROS, while the node is active."""

    def __init__(self, host: Host, desk: PolicyDesk) -> None:
        self._host, self._desk = host, desk
        self._queries = Queries(host)
        self._publish_chunk = host.publisher(topics.ACTION_CHUNK)
        self._publish_status = host.publisher(topics.POLICY_STATUS)
        self._complain = Complaints()
        self._latency_s = self._answered_s = math.nan
        self._num_answers, self._refused = 0, ""
        self._busy_since_s: float | None = None
        self.report()

    def swap(self, request: Any) -> dict[str, Any]:  # SwapPolicy.Request
        """Verify, load, try, switch; on failure the old policy goes on."""
        registry = self._desk.registry
        version = request.version or registry.current("policy")
        if not version:
            raise CheckpointError(f"no policy is current in {registry.root}; name a version.")
        try:
            self._desk.offer(version)
        except CheckpointError as error:
            self._refused = f"{version}: {error}"
            self.report()
            raise
        self._refused = ""
        self.report()
        return {"message": f"{version} serves", "version": version}

    def work(self) -> None:
        """The thread of inference."""
        serving = self._desk.serving
        while not self._host.stop.is_set():
            seen = self._queries.take(timeout_s=0.2)
            if seen is None or serving.version is None:
                continue
            self._busy_since_s = started_s = time.monotonic()
            try:
                chunk = serving.act(seen)
            except WvlError as error:
                self._complain(topics.POLICY_QUERY.name, error)
                continue
            except (RuntimeError, MemoryError) as error:  # CUDA's errors poison a process for good
                raise RestartError(f"inference failed: {type(error).__name__}: {error}") from error
            finally:
                self._busy_since_s = None
            self._publish_chunk(convert.to_chunk(chunk, self._host.time()))
            self._answered_s = time.monotonic()
            self._latency_s = self._answered_s - started_s
            self._num_answers += 1

    def health(self) -> Health:
        """For /diagnostics."""
        return policy_health(
            self._desk.serving.version or "",
            self._refused,
            latency_s=self._latency_s,
            answer_age_s=time.monotonic() - self._answered_s,
            frame_age_s=self._queries.frame_age_s(),
            num_answers=self._num_answers,
        )

    def look_for_a_hang(self, patience_s: float) -> None:
        """End the node where an inference has been running for longer than that."""
        since_s = self._busy_since_s
        if since_s is not None and time.monotonic() - since_s > patience_s:
            raise RestartError(f"inference has been running for more than {patience_s:g} s.")

    def report(self) -> None:
        """Publish the status."""
        version = self._desk.serving.version or ""
        self._publish_status(
            convert.to_policy_status(
                version,
                self._desk.spec,
                self._refused,
                self._queries.frame_age_s(),
                self._host.time(),
            )
        )


def configure(host: Host, params: PolicyParams) -> Activate:
    """Configured: the policy is loaded. Active: it answers."""
    share, rig = load_rig_of(params)
    camera = load_calibration(share, rig).intrinsics
    registry = Registry(Path(params.registry))
    desk = PolicyDesk(PolicyHost(registry, camera, params.chunk_lifetime_s), registry)
    desk.begin(params.policy)

    def activate(active: Host) -> None:
        front = PolicyFront(active, desk)
        active.serve(topics.SWAP, front.swap)
        active.thread(front.work, "inference", JOIN_INFERENCE_S)
        active.every(STATUS_PERIOD_S, front.report, "status")
        active.every(0.5, lambda: front.look_for_a_hang(params.stuck_after_s), "hang")
        active.diagnose(front.health)

    return activate


def main() -> None:
    """Entry point."""
    run("policy", PolicyParams, configure, num_threads=EXECUTOR_THREADS)


if __name__ == "__main__":
    main()

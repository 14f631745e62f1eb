"""The network between the nodes, as a relay of messages in the trial's process: for row 12.

Three topics lead through it: what the session asks the policy, what the policy answers, and the
metadata without which a camera's frame is nothing. A message is lost, late, doubled or overtaken
here and nowhere below: what DDS itself does about a bad network is not tried.
"""

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wvl_robot.faults.graph_supply import publish_shipped_policy
from wvl_robot.faults.live_graph import LiveGraph
from wvl_robot.ros import topics

FAR = "far/"
"""Before the name of a topic on the other side of the link."""

NODES = ("robot", "camera", "policy", "session")

WORDS: Mapping[str, Sequence[str]] = {
    "policy": (
        *("-r", f"{topics.POLICY_QUERY.name}:={FAR}{topics.POLICY_QUERY.name}"),
        *("-r", f"{topics.ACTION_CHUNK.name}:={FAR}{topics.ACTION_CHUNK.name}"),
    ),
    "camera": ("-r", f"{topics.FRAME_METADATA.name}:={FAR}{topics.FRAME_METADATA.name}"),
}

ROUTES = (
    (topics.POLICY_QUERY.name, FAR + topics.POLICY_QUERY.name, topics.POLICY_QUERY),
    (FAR + topics.ACTION_CHUNK.name, topics.ACTION_CHUNK.name, topics.ACTION_CHUNK),
    (FAR + topics.FRAME_METADATA.name, topics.FRAME_METADATA.name, topics.FRAME_METADATA),
)

CHUNK_LIFETIME_S = 3.0
"""Shorter than the node's 6 s, so that a chunk expires while the session still waits for one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Weather:
    """What the link does to the messages of some topics."""

    topics: tuple[topics.Topic, ...]
    lost: float = 0.0
    """Share of the messages."""
    delay_s: float = 0.0
    doubled_after_s: float = 0.0
    """Every message comes once more, so much later; 0: it does not."""
    overtaken: float = 0.0
    """Share of the messages that wait until the next one has passed."""
    is_held: bool = False
    """Nothing passes; all of it is kept for `LossyLink.held`."""


FAIR = Weather(topics=())


class LossyLink:
    """Passes everything on at once, until it is told otherwise."""

    def __init__(self, graph: LiveGraph) -> None:
        self.num_lost = self.num_doubled = self.num_overtaken = 0
        self.held: list[tuple[topics.Topic, bytes]] = []
        self._weather, self._rng = FAIR, np.random.default_rng(0)
        self._waiting: dict[str, bytes] = {}
        self._order = itertools.count()
        self._due: list[tuple[float, int, str, bytes]] = []
        self._changed = threading.Condition()
        self._publish: dict[str, Callable[[bytes], None]] = {}
        for source, target, topic in ROUTES:
            publisher = graph.host.node.create_publisher(topic.kind, target, topic.qos)
            self._publish[topic.name] = publisher.publish

            def take(data: bytes, topic: topics.Topic = topic) -> None:
                self._take(topic, data)

            graph.host.node.create_subscription(topic.kind, source, take, topic.qos, raw=True)
        graph.host.thread(lambda: self._pass_on(graph.host.stop), "link")

    def strike(self, weather: Weather, rng: np.random.Generator | None = None) -> None:
        """Change the weather; what waits to be overtaken is passed on."""
        with self._changed:
            self._weather = weather
            self._rng = rng or self._rng
            for name in tuple(self._waiting):
                self._release(name)

    def deliver(self, topic: topics.Topic, data: bytes) -> None:
        """Pass this on now, whatever the weather."""
        with self._changed:
            self._post(topic.name, data, 0.0)

    def _take(self, topic: topics.Topic, data: bytes) -> None:
        with self._changed:
            weather = self._weather
            if topic not in weather.topics:
                self._post(topic.name, data, 0.0)
            elif weather.is_held:
                self.held.append((topic, data))
            elif self._rng.random() < weather.lost:
                self.num_lost += 1
            elif topic.name not in self._waiting and self._rng.random() < weather.overtaken:
                self._waiting[topic.name] = data
                self.num_overtaken += 1
            else:
                self._post(topic.name, data, weather.delay_s)
                if weather.doubled_after_s:
                    self._post(topic.name, data, weather.delay_s + weather.doubled_after_s)
                    self.num_doubled += 1
                self._release(topic.name)

    def _release(self, name: str) -> None:
        late = self._waiting.pop(name, None)
        if late is not None:
            self._post(name, late, self._weather.delay_s + 0.15)  # a tick after the other

    def _post(self, name: str, data: bytes, delay_s: float) -> None:
        due_s = time.monotonic() + delay_s
        heapq.heappush(self._due, (due_s, next(self._order), name, data))
        self._changed.notify()

    def _pass_on(self, stop: threading.Event) -> None:
        while not stop.is_set():
            with self._changed:
                left_s = self._due[0][0] - time.monotonic() if self._due else 0.1
                if not self._due or left_s > 0.0:
                    self._changed.wait(min(left_s, 0.1))
                    continue
                _, _, name, data = heapq.heappop(self._due)
            self._publish[name](data)


class FarGraph(LiveGraph):
    """Robot, camera, session, and a policy behind a `LossyLink`."""

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        *,
        nodes: Sequence[str] = NODES,
        modules: Mapping[str, str] | None = None,
    ) -> None:
        """See `LiveGraph`."""
        publish_shipped_policy(folder / "registry")
        super().__init__(
            folder,
            nodes,
            arguments={"registry": str(folder / "registry")},
            parameters={
                "session": {"policy_patience_s": 3.0},
                "policy": {"chunk_lifetime_s": CHUNK_LIFETIME_S},
            },
            environment=environment,
            words=WORDS,
            modules=modules,
        )
        self.link = LossyLink(self)

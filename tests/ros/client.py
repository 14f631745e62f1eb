"""A node in the test's own process, in a context of its own."""

import contextlib
import time
from collections.abc import Callable
from typing import Any

from wvl_robot.faults.spun_node import spun_node
from wvl_robot.ros.topics import Endpoint, Topic

PATIENCE_S = 90.0


class Client:
    """Publishes, hears, calls services; spins in a thread."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self.node = self._stack.enter_context(spun_node()).node

    def hear(self, topic: Topic) -> list[Any]:
        """A list that grows with every message of a node that is there already."""
        heard: list[Any] = []
        self.node.create_subscription(topic.kind, topic.name, heard.append, topic.qos)
        self.until(lambda: self.node.count_publishers(topic.name) > 0)
        return heard

    def publisher(self, topic: Topic) -> Any:
        """A publisher that somebody hears already."""
        publisher = self.node.create_publisher(topic.kind, topic.name, topic.qos)
        self.until(lambda: publisher.get_subscription_count() > 0)
        return publisher

    def call(self, endpoint: Endpoint, **fields: Any) -> Any:
        """The answer of a service."""
        client = self.node.create_client(endpoint.kind, endpoint.name)
        self.until(client.service_is_ready)
        return self.wait(client.call_async(endpoint.kind.Request(**fields)))

    def wait(self, future: Any) -> Any:
        """The result of a future."""
        self.until(future.done)
        return future.result()

    def until(self, is_true: Callable[[], bool]) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + PATIENCE_S
        while not is_true():
            assert time.monotonic() < deadline, "it never was"
            time.sleep(0.02)

    def close(self) -> None:
        """Leave the graph."""
        self._stack.close()

"""The node of a trial's own process."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed: `make setup`")

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from std_msgs.msg import Empty

from wvl_robot.faults.spun_node import spun_node
from wvl_robot.ros.live_lab import free_domain

pytestmark = [pytest.mark.ros]

TOPIC, DEPTH, PATIENCE_S = "topic", 10, 30.0


class HeldUp(MutuallyExclusiveCallbackGroup):
    """Calls `wait` between a message's arrival and its callback."""

    def __init__(self, wait: Callable[[], None]) -> None:
        super().__init__()
        self._wait = wait

    def beginning_execution(self, entity: Any) -> bool:  # as rclpy has it
        """Called by the executor."""
        self._wait()
        return super().beginning_execution(entity)


def test_a_node_that_ends_between_a_message_and_its_callback_ends_without_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raised: list[object] = []
    monkeypatch.setattr(threading, "excepthook", raised.append)
    has_come = threading.Event()
    with spun_node(free_domain()) as host:

        def wait() -> None:
            has_come.set()
            host.stop.wait(PATIENCE_S)
            time.sleep(0.3)  # the executor's shutdown waits for callbacks, and this is none yet

        host.node.create_subscription(
            Empty, TOPIC, lambda _: None, DEPTH, callback_group=HeldUp(wait)
        )
        host.node.create_publisher(Empty, TOPIC, DEPTH).publish(Empty())
        assert has_come.wait(PATIENCE_S)
    assert raised == []


def test_an_error_of_a_callback_comes_out_at_the_end() -> None:
    def fail(_: Empty) -> None:
        raise ValueError("a mistake")

    with pytest.raises(ValueError, match="a mistake"), spun_node(free_domain()) as host:
        executor = next(t for t in threading.enumerate() if t.name == "executor")
        host.node.create_subscription(Empty, TOPIC, fail, DEPTH)
        host.node.create_publisher(Empty, TOPIC, DEPTH).publish(Empty())
        executor.join(PATIENCE_S)

"""Host: what a node has while it is configured, or while it is active; all of it ends together.

A node is set up in two steps (`process.run`): `configure` gets a host for what it keeps (devices,
the store, a loaded policy) and returns `activate`, which gets a second host for what only an active
node does. A host that is closed ends its threads first and then takes everything else down, the
newest first; deactivating and activating again therefore starts from a clean table.
"""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any, TypeVar

from builtin_interfaces.msg import Time
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.client import Client
from rclpy.duration import Duration
from rclpy.exceptions import InvalidHandle
from rclpy.executors import Executor, ExternalShutdownException
from rclpy.node import Node
from rclpy.publisher import Publisher

from wvl_models.contract.errors import SetupError, WvlError
from wvl_robot.core.health import Health
from wvl_robot.ros.topics import Endpoint, Topic

T = TypeVar("T")

_LOG = logging.getLogger(__name__)

JOIN_TIMEOUT_S = 15.0
"""A session commits or aborts its episode within this."""

RETRY_S = 0.5

LAST_WORDS = Duration(seconds=0.5)
"""What was said last (an episode was given up) is lost with its publisher unless it has arrived."""


class Ending:
    """How the process is to end; whoever comes first decides. Calls from any thread."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._failure: BaseException | None = None

    def finish(self) -> None:
        """The work is done: exit code 0."""
        self._ended.set()

    def fail(self, error: BaseException) -> None:
        """End with this error."""
        self._failure = self._failure or error
        self._ended.set()

    def wait(self) -> None:
        """In the main thread: until the end; raises what `fail` was given."""
        while not self._ended.wait(0.2):
            pass
        self.check()

    def check(self) -> None:
        """Raise what `fail` was given, if it was."""
        if self._failure is not None:
            raise self._failure


class Host:
    """What one phase of a node may use; calls from any thread."""

    def __init__(self, node: Node, ending: Ending) -> None:
        self.node = node
        self.stop = threading.Event()
        """Set when the phase is to end; every thread of it looks at it."""
        self.services = ReentrantCallbackGroup()
        """Services beside the topics, where the executor has threads for both."""
        self.reports: list[Callable[[], Health]] = []
        self._ending = ending
        self._threads: list[tuple[threading.Thread, float]] = []
        self._stack = ExitStack()

    def publisher(self, topic: Topic) -> Callable[[Any], None]:
        """A function that publishes a message of that topic."""
        publisher = self._publisher(topic)

        def publish(message: Any) -> None:
            try:
                publisher.publish(message)
            except InvalidHandle:  # a service may be answered while its phase ends
                _LOG.debug("a message on %s came after its time", topic.name)

        return publish

    def on_demand(self, topic: Topic) -> Callable[[Callable[[], Any]], None]:
        """A function that makes a message and publishes it, where somebody listens."""
        publisher = self._publisher(topic)

        def publish(make: Callable[[], Any]) -> None:
            if publisher.get_subscription_count() > 0:
                publisher.publish(make())

        return publish

    def subscribe(self, topic: Topic, callback: Callable[[Any], None]) -> None:
        """Call `callback` with every message, in the executor's thread."""
        hearer = self.node.create_subscription(topic.kind, topic.name, callback, topic.qos)
        self._stack.callback(self.node.destroy_subscription, hearer)

    def client(self, endpoint: Endpoint) -> Client:
        """A client of somebody else's service."""
        client = self.node.create_client(endpoint.kind, endpoint.name)
        self._stack.callback(self.node.destroy_client, client)
        return client

    def serve(self, endpoint: Endpoint, answer: Callable[[Any], dict[str, Any]]) -> None:
        """Answer a service: fields of the response, or a WvlError that becomes its message."""

        def callback(request: Any, response: Any) -> Any:
            try:
                fields = {"success": True, **answer(request)}
            except WvlError as error:
                fields = {"success": False, "message": str(error)}
                _LOG.warning("%s refused: %s", endpoint.name, error)
            for name, value in fields.items():
                setattr(response, name, value)
            return response

        service = self.node.create_service(
            endpoint.kind, endpoint.name, callback, callback_group=self.services
        )
        self._stack.callback(self.node.destroy_service, service)

    def every(self, period_s: float, do: Callable[[], None], name: str) -> None:
        """Call `do` in a thread of its own until the end."""

        def loop() -> None:
            while not self.stop.wait(period_s):
                do()

        self.thread(loop, name)

    def thread(
        self, target: Callable[[], None], name: str, patience_s: float = JOIN_TIMEOUT_S
    ) -> threading.Thread:
        """A thread whose death is the node's; at the end it is given `patience_s`."""

        def guarded() -> None:
            try:
                target()
            except BaseException as error:  # reported by the main thread
                self.fail(error)

        thread = threading.Thread(target=guarded, name=name, daemon=True)
        self._threads.append((thread, patience_s))
        thread.start()
        return thread

    def spin(self, executor: Executor) -> None:
        """Run callbacks in a thread of their own, until the end.

        Set `stop` before the executor is shut down: rclpy takes its guard condition away from a
        thread that may be using it, and what that thread raises then is no failure.
        """

        def spin() -> None:
            while not self.stop.is_set():
                try:
                    executor.spin()
                except ExternalShutdownException:
                    return
                except InvalidHandle as error:  # an answer to a service of a phase that has ended
                    _LOG.debug("an answer came after its time: %s", error)

        self.thread(spin, "executor")

    def insist(self, open_it: Callable[[], T], refusal: type[WvlError], patience_s: float) -> T:
        """What `open_it` opens, tried again while it raises `refusal` and there is patience."""
        deadline_s = time.monotonic() + patience_s
        while not self.stop.is_set():
            try:
                return open_it()
            except refusal:
                if time.monotonic() > deadline_s:
                    raise
            self.stop.wait(RETRY_S)
        raise SetupError("told to end before it was there.")

    def enter(self, resource: AbstractContextManager[T]) -> T:
        """Something that is closed at the end."""
        return self._stack.enter_context(resource)

    def at_end(self, do: Callable[[], object]) -> None:
        """Call `do` at the end, when the threads have ended."""
        self._stack.callback(do)

    def diagnose(self, report: Callable[[], Health]) -> None:
        """Show this on /diagnostics once a second; called in a thread of its own."""
        self.reports.append(report)

    def time(self) -> Time:
        """ROS time, for headers."""
        return self.node.get_clock().now().to_msg()

    def finish(self) -> None:
        """The node's work is done: end with exit code 0."""
        self._ending.finish()

    def fail(self, error: BaseException) -> None:
        """End the node with this error."""
        if not self.stop.is_set():
            self._ending.fail(error)

    def close(self) -> None:
        """End the threads, then take everything down; may be called twice."""
        self.stop.set()
        for thread, patience_s in self._threads:
            if thread is not threading.current_thread():
                thread.join(patience_s)
                if thread.is_alive():
                    _LOG.error("thread '%s' has not ended in %g s", thread.name, patience_s)
        self._stack.close()

    def _publisher(self, topic: Topic) -> Publisher:
        publisher = self.node.create_publisher(topic.kind, topic.name, topic.qos)
        self._stack.callback(self.node.destroy_publisher, publisher)
        self._stack.callback(publisher.wait_for_all_acked, LAST_WORDS)
        return publisher

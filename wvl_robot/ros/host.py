"""Around every node: start, spin, log, and an end without noise however it comes.

`run` never returns. SIGINT and SIGTERM end a node with exit code 0; what a user can mend (WvlError)
ends it with one line and exit code 1; a thread that dies takes the node with it, with a traceback
where it is our fault.
"""

import contextlib
import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from types import FrameType
from typing import Any, NoReturn, TypeVar

import rclpy
from builtin_interfaces.msg import Time
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.executors import (
    Executor,
    ExternalShutdownException,
    MultiThreadedExecutor,
    SingleThreadedExecutor,
)
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import get_rmw_implementation_identifier

from wvl_models.contract.errors import WvlError
from wvl_robot.ros.params import NodeParams, declare
from wvl_robot.ros.profile import check_in_force, put_in_force
from wvl_robot.ros.topics import Endpoint, Topic
from wvl_robot.share import share_folder

ParamsT = TypeVar("ParamsT", bound=NodeParams)

JOIN_TIMEOUT_S = 15.0
"""A session commits or aborts its episode within this."""


class _Stop(BaseException):
    """SIGINT or SIGTERM, in the main thread."""


class Host:
    """What a node's body may use; calls from any thread."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.stop = threading.Event()
        """Set when the node is to end; every thread of the body looks at it."""
        self.services = ReentrantCallbackGroup()
        """Services beside the topics, where the executor has threads for both."""
        self._failure: BaseException | None = None
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []

    def publisher(self, topic: Topic) -> Callable[[Any], None]:
        """A function that publishes a message of that topic."""
        publisher = self.node.create_publisher(topic.kind, topic.name, topic.qos)

        def publish(message: Any) -> None:
            if not self.stop.is_set():
                publisher.publish(message)

        return publish

    def subscribe(self, topic: Topic, callback: Callable[[Any], None]) -> None:
        """Call `callback` with every message, in the executor's thread."""
        self.node.create_subscription(topic.kind, topic.name, callback, topic.qos)

    def serve(self, endpoint: Endpoint, answer: Callable[[Any], dict[str, Any]]) -> None:
        """Answer a service: fields of the response, or a WvlError that becomes its message."""

        def callback(request: Any, response: Any) -> Any:
            try:
                fields = {"success": True, **answer(request)}
            except WvlError as error:
                fields = {"success": False, "message": str(error)}
                logging.getLogger(__name__).warning("%s refused: %s", endpoint.name, error)
            for name, value in fields.items():
                setattr(response, name, value)
            return response

        self.node.create_service(
            endpoint.kind, endpoint.name, callback, callback_group=self.services
        )

    def every(self, period_s: float, do: Callable[[], None], name: str) -> None:
        """Call `do` in a thread of its own until the end."""

        def loop() -> None:
            while not self.stop.wait(period_s):
                do()

        self.thread(loop, name)

    def thread(self, target: Callable[[], None], name: str) -> threading.Thread:
        """A thread whose death is the node's."""

        def guarded() -> None:
            try:
                target()
            except BaseException as error:  # reported by the main thread
                self.fail(error)

        thread = threading.Thread(target=guarded, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def time(self) -> Time:
        """ROS time, for headers."""
        return self.node.get_clock().now().to_msg()

    def finish(self) -> None:
        """The node's work is done: end with exit code 0."""
        self._ended.set()

    def fail(self, error: BaseException) -> None:
        """End the node with this error."""
        if not self.stop.is_set():
            self._failure = self._failure or error
            self._ended.set()

    def wait(self) -> None:
        """In the main thread: until the end; raises what `fail` was given."""
        while not self._ended.wait(0.2):
            pass
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """Ask the threads to end, and wait for them."""
        self.stop.set()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(JOIN_TIMEOUT_S)


def run(
    name: str,
    params: type[ParamsT],
    body: Callable[[Host, ParamsT], AbstractContextManager[None]],
    *,
    num_threads: int = 1,
) -> NoReturn:
    """Be the node `name` until somebody ends it; leaves through SystemExit.

    `body` sets the node up and, as a context manager, takes it down. `num_threads` of the executor:
    more than one only where a service takes long.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _raise_stop)
    code = 0
    try:
        _run(name, params, body, num_threads)
    except _Stop:
        pass
    except WvlError as error:
        print(f"{name}: {error}", file=sys.stderr, flush=True)
        code = 1
    except BaseException:
        traceback.print_exc()
        code = 1
    _ignore_signals()
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads of SDKs (librealsense, libfranka, Fast DDS) may outlive their objects; the work is
    # done and everything of ours is closed, so none of them gets a chance to crash the exit.
    os._exit(code)


def _run(
    name: str,
    params: type[ParamsT],
    body: Callable[[Host, ParamsT], AbstractContextManager[None]],
    num_threads: int,
) -> None:
    put_in_force(share_folder())
    rclpy.init(args=sys.argv, signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node(name)
    host = Host(node)
    with _logging_through(node), contextlib.ExitStack() as stack:
        stack.callback(_ignore_signals)
        check_in_force(get_rmw_implementation_identifier())
        stack.callback(rclpy.try_shutdown)
        stack.callback(host.close)
        stack.enter_context(body(host, declare(node, params)))
        stack.callback(host.close)  # before the body is taken down
        stack.enter_context(_spinning(host, num_threads))
        stack.callback(_ignore_signals)
        host.wait()


@contextlib.contextmanager
def _spinning(host: Host, num_threads: int) -> Iterator[None]:
    """Callbacks run in a thread of their own, so that the main thread can hear signals."""
    executor: Executor = (
        SingleThreadedExecutor() if num_threads == 1 else MultiThreadedExecutor(num_threads)
    )
    executor.add_node(host.node)

    def spin() -> None:
        with contextlib.suppress(ExternalShutdownException):
            executor.spin()

    host.thread(spin, "executor")
    try:
        yield
    finally:
        host.stop.set()
        executor.shutdown(timeout_sec=2.0)


@contextlib.contextmanager
def _logging_through(node: Node) -> Iterator[None]:
    """Python's logging becomes the node's: console, /rosout and log file of ROS."""
    root, bridge = logging.getLogger(), _LogBridge(node)
    root.addHandler(bridge)
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.removeHandler(bridge)


class _LogBridge(logging.Handler):
    """One call per level: rclpy ties a severity to the line that logs."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self._logger = node.get_logger()

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        if record.levelno >= logging.ERROR:
            self._logger.error(text)
        elif record.levelno >= logging.WARNING:
            self._logger.warning(text)
        elif record.levelno >= logging.INFO:
            self._logger.info(text)
        else:
            self._logger.debug(text)


def _raise_stop(number: int, frame: FrameType | None) -> None:
    _ignore_signals()  # a second Ctrl-C must not cut the cleaning up short
    raise _Stop


def _ignore_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)

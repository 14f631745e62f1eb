"""Around every node: start, spin, log, and an end without noise however it comes.

`run` never returns. SIGINT and SIGTERM end a node with exit code 0; what a user can mend (WvlError)
ends it with one line and exit code 1; a thread that dies takes the node with it, with a traceback
and another exit code where it is our fault.
"""

import contextlib
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from types import FrameType
from typing import NoReturn, TypeVar

import rclpy
from rclpy.executors import Executor, MultiThreadedExecutor, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import get_rmw_implementation_identifier

from wvl_models.contract.errors import WvlError
from wvl_robot.orphan import end_with_supervisor
from wvl_robot.respawn import CRASHED
from wvl_robot.ros.diagnostics import PERIOD_S, DiagnosticsFront
from wvl_robot.ros.host import Ending, Host
from wvl_robot.ros.managed import Activate, ManagedNode
from wvl_robot.ros.param_files import read_sources
from wvl_robot.ros.params import NodeParams, declare
from wvl_robot.ros.profile import check_in_force, put_in_force
from wvl_robot.share import share_folder

_LOG = logging.getLogger(__name__)

ParamsT = TypeVar("ParamsT", bound=NodeParams)


class RestartError(WvlError):
    """Only a fresh process can go on; `wvl_robot.respawn` starts it where it guards the node."""


class _Stop(BaseException):
    """SIGINT or SIGTERM, in the main thread."""


def run(
    name: str,
    params: type[ParamsT],
    configure: Callable[[Host, ParamsT], Activate],
    *,
    num_threads: int = 1,
) -> NoReturn:
    """Be the managed node `name` until somebody ends it; leaves through SystemExit.

    `configure` sets up what the node keeps and returns what activates it, see `host`. `num_threads`
    of the executor: more than one only where a service takes long.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _raise_stop)
    end_with_supervisor()
    code = 0
    try:
        _run(name, params, configure, num_threads)
    except _Stop:
        pass
    except WvlError as error:
        print(f"{name}: {error}", file=sys.stderr, flush=True)
        code = CRASHED if isinstance(error, RestartError) else 1
    except BaseException:
        traceback.print_exc()
        code = CRASHED
    _ignore_signals()
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads of SDKs (librealsense, libfranka, Fast DDS) may outlive their objects; the work is
    # done and everything of ours is closed, so none of them gets a chance to crash the exit.
    os._exit(code)


def _run(
    name: str,
    kind: type[ParamsT],
    configure: Callable[[Host, ParamsT], Activate],
    num_threads: int,
) -> None:
    put_in_force(share_folder())
    read_sources(sys.argv, name)  # before ROS reads the files, and says less
    rclpy.init(args=sys.argv, signal_handler_options=SignalHandlerOptions.NO)
    ending = Ending()
    node = ManagedNode(name, ending)
    with _logging_through(node), contextlib.ExitStack() as stack:
        stack.callback(_ignore_signals)
        check_in_force(get_rmw_implementation_identifier())
        params = declare(node, kind, sys.argv)
        node.configure = lambda host: configure(host, params)
        stack.callback(rclpy.try_shutdown)
        whole = Host(node, ending)
        stack.callback(whole.close)
        stack.callback(node.close)
        stack.enter_context(_spinning(whole, node, num_threads))
        stack.callback(_ignore_signals)
        whole.every(PERIOD_S, DiagnosticsFront(whole, node).report, "diagnostics")
        if params.autostart:
            # Not here: a signal would be raised in the middle of an SDK's own start.
            whole.thread(node.start, "autostart")
        ending.wait()


@contextlib.contextmanager
def _spinning(whole: Host, node: ManagedNode, num_threads: int) -> Iterator[None]:
    """Callbacks run in a thread of their own, so that the main thread can hear signals."""
    executor: Executor = (
        SingleThreadedExecutor() if num_threads == 1 else MultiThreadedExecutor(num_threads)
    )
    executor.add_node(node)

    whole.spin(executor)
    try:
        yield
    finally:
        whole.stop.set()
        node.stop()
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

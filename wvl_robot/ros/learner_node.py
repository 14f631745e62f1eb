"""Learner node: the action `learn` runs a stage of the loop as a child process.

Out of memory kills the child and not the node. Cancelling interrupts the stage, which saves its
training state; the same goal continues from there.
"""

import logging
import shlex
import shutil
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rclpy.action import ActionServer, CancelResponse, GoalResponse
from wvl_interfaces.action import Learn

from wvl_models.contract.errors import SetupError
from wvl_robot.core.health import Health, Level
from wvl_robot.ros import topics
from wvl_robot.ros.host import Host
from wvl_robot.ros.managed import Activate
from wvl_robot.ros.params import LearnerParams
from wvl_robot.ros.process import run
from wvl_robot.ros.stage_process import StageProcess

_LOG = logging.getLogger(__name__)

EXECUTOR_THREADS = 3
"""One waits for the child while the others hear goals and cancellations."""


def wvl_command() -> list[str]:
    """`wvl` of this Python."""
    beside = Path(sys.executable).with_name("wvl")
    found = str(beside) if beside.is_file() else shutil.which("wvl")
    return [found] if found else [sys.executable, "-m", "wvl_models.cli.main"]


class Learner:
    """Runs one stage at a time."""

    def __init__(self, host: Host, command: Sequence[str]) -> None:
        self._host, self._command = host, list(command)
        self._lock = threading.Lock()
        self._running: StageProcess | None = None
        self._is_open = False
        self._stage = ""
        self._exit_code: int | None = None

    def open(self) -> None:
        """Stages may be asked for."""
        self._is_open = True

    def accept(self, goal: Any) -> GoalResponse:  # Learn.Goal
        """One stage at a time; the machine has no room for two."""
        if not self._is_open:
            _LOG.warning("stage '%s' refused: the learner is not active", goal.stage)
            return GoalResponse.REJECT
        if self._running is not None or not goal.stage or goal.stage.startswith("-"):
            _LOG.warning("stage '%s' refused: none, or another one is running", goal.stage)
            return GoalResponse.REJECT
        return GoalResponse.ACCEPT

    def cancel(self, handle: Any) -> CancelResponse:  # ServerGoalHandle
        """Interrupt the child; the result follows when it has ended."""
        if self._running is not None:
            self._running.cancel()
        return CancelResponse.ACCEPT

    def learn(self, handle: Any) -> Any:  # ServerGoalHandle -> Learn.Result
        """Run the stage; feedback as it comes."""
        goal = handle.request
        with self._lock:
            self._stage = goal.stage
            arguments = [goal.stage, "--run", goal.run, "--progress", "json"]
            try:
                self._running = StageProcess([*self._command, *arguments])
            except SetupError as error:
                handle.abort()
                return Learn.Result(success=False, exit_code=127, last_lines=[str(error)])
            try:
                return self._follow(handle, self._running)
            finally:
                self._running = None

    def health(self) -> Health:
        """For /diagnostics."""
        said = f"runs {self._stage}" if self._running is not None else "waits for a stage"
        level = Level.WARN if self._exit_code else Level.OK
        values = {"last exit code": "" if self._exit_code is None else self._exit_code}
        return Health(part="learner", level=level, message=said, values=values)

    def close(self) -> None:
        """No more stages; the one that runs is ended, and its goal with it."""
        self._is_open = False
        running = self._running
        if running is not None:
            running.end()
        with self._lock:  # until the goal has its result
            pass

    def _follow(self, handle: Any, child: StageProcess) -> Any:
        for report in child.progress():
            handle.publish_feedback(
                Learn.Feedback(step=report.step, total=report.total, message=report.message)
            )
        code = child.wait()
        self._exit_code = None if handle.is_cancel_requested else code
        if handle.is_cancel_requested:
            handle.canceled()
        elif code == 0:
            handle.succeed()
        else:
            handle.abort()
        _LOG.info("stage '%s' ended with exit code %d", handle.request.stage, code)
        return Learn.Result(success=code == 0, exit_code=code, last_lines=list(child.last_lines))


def configure(host: Host, params: LearnerParams) -> Activate:
    """Configured: the action is there and refuses. Active: it runs stages."""
    command = shlex.split(params.command) or [*wvl_command(), "loop", "stage"]
    learner = Learner(host, command)
    server = ActionServer(
        host.node,
        topics.LEARN.kind,
        topics.LEARN.name,
        execute_callback=learner.learn,
        goal_callback=learner.accept,
        cancel_callback=learner.cancel,
        callback_group=host.services,
    )
    host.at_end(server.destroy)

    def activate(active: Host) -> None:
        learner.open()
        active.diagnose(learner.health)
        active.at_end(learner.close)

    return activate


def main() -> None:
    """Entry point."""
    run("learner", LearnerParams, configure, num_threads=EXECUTOR_THREADS)


if __name__ == "__main__":
    main()

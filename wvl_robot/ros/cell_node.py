"""Cell node: the virtual cell in the place of robot and camera, and what only a cell can tell.

Robot and camera nodes reach the cell through the robot's protocol and the camera's SDK, not through
ROS; here are the reset and the success predicate. The cell itself runs in a child process, because
the robot's protocol needs an interpreter of its own.
"""

import contextlib
import threading
import time
from typing import Any

from wvl_interfaces import msg

from wvl_models.contract.errors import SetupError
from wvl_robot.adapters.system_clock import SystemClock
from wvl_robot.ros import topics
from wvl_robot.ros.host import Host
from wvl_robot.ros.managed import Activate
from wvl_robot.ros.params import CellParams
from wvl_robot.ros.process import run
from wvl_robot.ros.rig import share_of
from wvl_robot.virtual.cell import CellProcess, cell_config

LEAVE_FIRST_S, LEAVE_LAST_S = 0.3, 1.5
"""All nodes are told to end at once; robot and camera leave before the cell that they talk to, or
every end would look like a lost robot. So long it waits at least, and for the robot at most."""

POLL_S = 0.05


class CellFront:
    """Asks the cell on behalf of ROS; one question at a time."""

    def __init__(self, host: Host, cell: CellProcess, task: str) -> None:
        self._cell, self._task, self._clock = cell, task, SystemClock()
        self._lock = threading.Lock()
        self._publish = host.publisher(topics.SUCCESS)

    def reset(self, request: Any) -> dict[str, Any]:  # ResetCell.Request
        """Put the objects where the seed says."""
        with self._lock:
            self._cell.reset(int(request.seed))
        return {"message": f"objects lie as seed {request.seed} says"}

    def judge(self) -> None:
        """Publish whether the current state is a success state."""
        with self._lock:
            self._cell.check()
            stamp_ns, is_success = self._clock.now_ns(), self._cell.is_success()
        self._publish(
            msg.SuccessState(stamp_ns=stamp_ns, task=self._task, is_success=bool(is_success))
        )


def configure(host: Host, params: CellParams) -> Activate:
    """Configured: the cell runs. Active: it can be reset, and is judged."""
    config = cell_config(share_of(params.share), params.task, params.rig, params.host or None)
    cell = host.enter(CellProcess(config))
    host.at_end(lambda: _see_off(cell))

    def activate(active: Host) -> None:
        front = CellFront(active, cell, params.task)
        active.serve(topics.RESET, front.reset)
        active.every(1.0 / params.success_rate_hz, front.judge, "predicate")

    return activate


def _see_off(cell: CellProcess) -> None:
    """Until whoever drives the arm has left."""
    deadline_s = time.monotonic() + LEAVE_LAST_S
    time.sleep(LEAVE_FIRST_S)
    with contextlib.suppress(SetupError):  # it has died
        while cell.has_client() and time.monotonic() < deadline_s:
            time.sleep(POLL_S)


def main() -> None:
    """Entry point."""
    run("cell", CellParams, configure)


if __name__ == "__main__":
    main()

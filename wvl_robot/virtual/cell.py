"""The virtual cell as one object: robot, table and camera of a rig, on this machine.

`VirtualCell` serves from threads of the calling process, which should then do little else (the
robot protocol needs the interpreter every millisecond). `CellProcess` is the same object at arm's
length: it runs the cell in a child process of its own. The ROS node around it is `wvl_robot.ros`.
"""

import contextlib
import gc
import multiprocessing
import signal
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from wvl_models.contract.errors import SetupError, WvlError
from wvl_robot.rig.calibration import load_calibration
from wvl_robot.rig.config import RigConfig, load_rig, rig_view
from wvl_robot.rig.real_time import VIRTUAL_ROBOT_PRIORITY, real_time_birth
from wvl_robot.virtual.lockstep import CellView
from wvl_robot.virtual.motion_trace import MotionTrace
from wvl_robot.virtual.reflex import Reflex
from wvl_robot.virtual.tasks import SceneState, virtual_task

ANSWER_TIMEOUT_S = 30.0

STOP_TIMEOUT_S = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class CellConfig:
    """Which cell."""

    task: str
    rig: RigConfig
    look: CellView
    with_camera: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class CellReport:
    """What the robot server had to say so far."""

    unenforced: tuple[str, ...]
    """Limits that were broken without consequence; must stay empty."""
    violations: tuple[str, ...]
    warnings: tuple[str, ...]
    """Everything of level warning or above, those two included."""
    num_lost_cycles: int
    """Command cycles that the client missed: where there are some, this machine was too busy."""


def cell_config(
    share: Path, task: str, rig_name: str, host: str | None = None, *, with_camera: bool = True
) -> CellConfig:
    """Read rig and calibration below `share`; `host` replaces the rig's address."""
    rig = load_rig(share, rig_name)
    if host is not None:
        rig = rig.model_copy(update={"robot": rig.robot.model_copy(update={"host": host})})
    calibration = load_calibration(share, rig)
    look = CellView(calibration=calibration, view=rig_view(rig, calibration.intrinsics))
    return CellConfig(task=task, rig=rig, look=look, with_camera=with_camera)


class VirtualCell:
    """Serves a rig's robot and camera from this process until closed; a context manager."""

    def __init__(self, config: CellConfig) -> None:
        """Serving when this returns; raises SetupError when a port or OpenGL is missing."""
        from wvl_robot.virtual.camera_feed import CameraFeed
        from wvl_robot.virtual.fci import FciRobot

        self._task = virtual_task(config.task)
        self._robot = FciRobot(self._task, config.rig, config.look, self._publish)
        self._feed: CameraFeed | None = None
        try:
            if config.with_camera:
                self._feed = CameraFeed(
                    config.rig.robot.host, self._robot.scene.model, config.rig.camera.rate_hz
                )
                self._feed.start()
            with real_time_birth(VIRTUAL_ROBOT_PRIORITY):
                self._robot.start()
            if self._feed is not None:
                self._feed.wait_for_frame()
        except BaseException:
            self.close()
            raise
        gc.collect()
        gc.freeze()  # a pass over the whole heap takes longer than a command cycle

    def reset(self, seed: int) -> None:
        """Put the objects where `seed` says, at rest. The arm stays where it is: home it first."""
        self._robot.place_objects(self._task.layout(np.random.default_rng(seed)))

    def is_success(self) -> bool:
        """Whether the current state is a success state of the task."""
        return self._robot.is_success()

    def state(self) -> SceneState:
        """Where everything is."""
        return self._robot.state()

    def has_client(self) -> bool:
        """Whether somebody is connected to the arm."""
        return self._robot.has_client

    def report(self) -> CellReport:
        """What the robot server had to say so far."""
        events = tuple(self._robot.log.events)
        return CellReport(
            unenforced=tuple(e.text for e in events if e.is_unenforced),
            violations=tuple(e.text for e in events if e.is_violation),
            warnings=tuple(e.text for e in events),
            num_lost_cycles=self._robot.num_lost_cycles,
        )

    def provoke_reflex(self, reflex: Reflex = Reflex.CARTESIAN_REFLEX) -> None:
        """Stop the arm, by default as after a collision; for tests of whoever drives it."""
        self._robot.provoke_reflex(reflex)

    def record_motion(self, seconds: float) -> None:
        """Keep what the arm does from now on, for so long at most."""
        self._robot.record_motion(seconds)

    def motion(self) -> MotionTrace:
        """What the arm did since `record_motion`."""
        return self._robot.motion()

    def check(self) -> None:
        """Raise SetupError if the robot or the renderer has died."""
        if not self._robot.is_running:
            raise SetupError("the virtual cell's robot has stopped; its reason stands above.")
        if self._feed is not None:
            self._feed.check()

    def close(self) -> None:
        """Stop serving and remove the shared memory; may be called twice."""
        self._robot.stop()
        if self._feed is not None:
            self._feed.close()
            self._feed = None

    def __enter__(self) -> "VirtualCell":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _publish(self, data: Any) -> None:  # mujoco.MjData
        if self._feed is not None:
            self._feed.publish(data)


class CellProcess:
    """A `VirtualCell` in a child process; the same questions and orders, over a pipe."""

    def __init__(self, config: CellConfig) -> None:
        """Serving when this returns; raises what the cell raised."""
        context = multiprocessing.get_context("spawn")
        self._pipe, far_end = context.Pipe()
        self._child = context.Process(target=_serve, args=(config, far_end), name="virtual-cell")
        self._child.start()
        far_end.close()
        self._take_answer()

    @property
    def pid(self) -> int:
        """Process id of the cell, for tests that kill it."""
        assert self._child.pid is not None
        return self._child.pid

    def reset(self, seed: int) -> None:
        """Put the objects where `seed` says."""
        self._ask("reset", seed)

    def is_success(self) -> bool:
        """Whether the current state is a success state of the task."""
        return self._ask("is_success")

    def state(self) -> SceneState:
        """Where everything is."""
        return self._ask("state")

    def has_client(self) -> bool:
        """Whether somebody is connected to the arm."""
        return self._ask("has_client")

    def report(self) -> CellReport:
        """What the robot server had to say so far."""
        return self._ask("report")

    def provoke_reflex(self, reflex: Reflex = Reflex.CARTESIAN_REFLEX) -> None:
        """Stop the arm, by default as after a collision; for tests of whoever drives it."""
        self._ask("provoke_reflex", reflex)

    def record_motion(self, seconds: float) -> None:
        """Keep what the arm does from now on, for so long at most."""
        self._ask("record_motion", seconds)

    def motion(self) -> MotionTrace:
        """What the arm did since `record_motion`."""
        return self._ask("motion")

    def check(self) -> None:
        """Raise SetupError if the cell has died."""
        self._ask("check")

    def close(self) -> None:
        """Stop the cell; may be called twice."""
        self._pipe.close()  # the child takes the closed pipe for its order to stop
        self._child.join(STOP_TIMEOUT_S)
        if self._child.is_alive():
            self._child.kill()
            self._child.join()

    def __enter__(self) -> "CellProcess":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _ask(self, what: str, *arguments: Any) -> Any:
        try:
            self._pipe.send((what, arguments))
        except OSError as error:
            raise SetupError("the virtual cell's process has died.") from error
        return self._take_answer()

    def _take_answer(self) -> Any:
        try:
            if not self._pipe.poll(ANSWER_TIMEOUT_S):
                raise SetupError(f"the virtual cell does not answer ({ANSWER_TIMEOUT_S:.0f} s).")
            answer = self._pipe.recv()
        except (EOFError, OSError) as error:
            raise SetupError("the virtual cell's process has died.") from error
        if isinstance(answer, WvlError):
            raise answer
        return answer


def _serve(config: CellConfig, pipe: Connection) -> None:
    """Child process: serve a cell and answer until the pipe closes."""
    for number in (signal.SIGINT, signal.SIGTERM):  # reach the parent, too, which closes us
        signal.signal(number, signal.SIG_IGN)
    try:
        with VirtualCell(config) as cell:
            pipe.send(None)
            _answer(cell, pipe)
    except WvlError as error:
        with contextlib.suppress(OSError):  # nobody waits for it any more
            pipe.send(error)
    except (EOFError, OSError):  # the parent has closed its end, or died
        pass


def _answer(cell: VirtualCell, pipe: Connection) -> None:
    while True:
        what, arguments = pipe.recv()
        try:
            pipe.send(getattr(cell, what)(*arguments))
        except WvlError as error:
            pipe.send(error)

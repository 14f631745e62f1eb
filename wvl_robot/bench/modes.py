"""The control modes side by side on the virtual cell: the same motions through the real franky.

A trial drives the scripted operator's lift_cube targets, and then a straight line at 0.25 m/s in
the middle of which the sender's thread stops. In a second part a process of its own drives the
line and is killed. Both enforce flags of the robot server are on; what it objects to is reported.
"""

import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

import numpy as np

from wvl_models.contract.errors import RobotError
from wvl_models.contract.pose import Pose, Setpoint
from wvl_models.contract.rotation import F64
from wvl_robot.adapters.franka import FrankaArm
from wvl_robot.adapters.system_clock import SystemClock
from wvl_robot.bench.motion import (
    BlindMotion,
    Jerk,
    SentTarget,
    Tracking,
    blind_motion,
    jerk,
    tracking,
)
from wvl_robot.rig.config import RigConfig
from wvl_robot.rig.streaming import ControlMode
from wvl_robot.virtual.cell import CellProcess
from wvl_robot.virtual.motion_trace import MotionTrace
from wvl_robot.virtual.operator import Imprecision, Manner, plan_targets
from wvl_robot.virtual.tasks import virtual_task

_LOG = logging.getLogger(__name__)

PERIOD_S = 0.1

LINE_SPEED_MPS = 0.25
"""The rig's speed limit: the fastest that a sender can be when it dies."""

_RAMP_TICKS, _LINE_TICKS = 5, 9
_RUN_UP_M, _RUN_UP_TICKS = 0.18, 14
_RECORD_S = 30.0
_REST_NS = 1_200_000_000
"""After which a blind arm stands still in every mode."""

_CHILD_PATIENCE_S = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ModeTrial:
    """One trial of one mode; None where a reflex ended that part."""

    mode: ControlMode
    seed: int
    task: Tracking | None
    task_jerk: Jerk | None
    line: Tracking | None
    thread_died: BlindMotion | None
    process_died: BlindMotion | None
    num_reflexes: int
    cpu_share: float
    """Of one processor, by the driving process while it drove the task."""
    call_max_ms: float
    """The slowest `send` of the trial."""
    answers: tuple[str, ...] = field(default=())
    """What the robot said when it refused or stopped."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Driven:
    """What was sent."""

    targets: tuple[SentTarget, ...]
    last_sent_ns: int
    """When the last call of `send` returned."""
    cpu_share: float
    call_max_ms: float


def run_trials(
    rig: RigConfig,
    cell: CellProcess,
    modes: Sequence[ControlMode],
    seeds: Sequence[int],
    *,
    jitter_s: float = 0.0,
    task: str = "lift_cube",
) -> Iterator[ModeTrial]:
    """Every mode with every seed; about 20 s each. `jitter_s`: how much too late a send may be."""
    for seed in seeds:
        for mode in modes:
            robot = rig.robot.model_copy(update={"mode": mode})
            mode_rig = rig.model_copy(update={"robot": robot})
            yield _trial(mode_rig, cell, seed, jitter_s, task)


def _trial(rig: RigConfig, cell: CellProcess, seed: int, jitter_s: float, task: str) -> ModeTrial:
    answers: list[str] = []
    drive = Drive(rig, cell, np.random.default_rng([seed, 2]), jitter_s, answers)
    with drive.arm() as arm:
        rows = _task_rows(arm, seed, task)
        cell.reset(seed)
        driven, trace = drive.along(arm, rows)
        done = driven is not None and trace is not None
        found = tracking(trace, driven.targets, PERIOD_S) if done else None
        rough = jerk(trace.since(driven.targets[0].stamp_ns)) if done else None
        cpu, slowest = (driven.cpu_share, driven.call_max_ms) if done else (0.0, 0.0)
    with drive.arm() as arm:
        drive.along(arm, run_up(arm.read().base_T_ee))
        driven, trace = drive.along(arm, line(arm.read().base_T_ee))
        on_line = thread_died = None
        if driven is not None and trace is not None:
            on_line = tracking(trace, driven.targets[_RAMP_TICKS:-1], PERIOD_S)
            thread_died = blind_motion(trace, driven.last_sent_ns)
            slowest = max(slowest, driven.call_max_ms)
    return ModeTrial(
        mode=rig.robot.mode,
        seed=seed,
        task=found,
        task_jerk=rough,
        line=on_line,
        thread_died=thread_died,
        process_died=_process_death(rig, cell, answers),
        num_reflexes=len(answers),
        cpu_share=cpu,
        call_max_ms=slowest,
        answers=tuple(answers),
    )


class Drive:
    """Drives an arm along rows of targets and keeps what it did."""

    def __init__(
        self,
        rig: RigConfig,
        cell: CellProcess,
        rng: np.random.Generator,
        jitter_s: float,
        answers: list[str],
    ) -> None:
        self._rig, self._cell, self._rng, self._jitter_s = rig, cell, rng, jitter_s
        self._answers = answers
        self._clock = SystemClock()

    @contextmanager
    def arm(self) -> Iterator[FrankaArm]:
        """A connected arm at home."""
        with connected(self._rig) as arm:
            yield arm

    def along(self, arm: FrankaArm, rows: F64) -> tuple[Driven, MotionTrace] | tuple[None, None]:
        """Drive, stop sending, wait for the arm to rest; (None, None) where it refused."""
        self._cell.record_motion(_RECORD_S)
        try:
            driven = drive_rows(arm, self._clock, rows, self._lateness)
            self._clock.sleep_until_ns(self._clock.now_ns() + _REST_NS)
            arm.read()
        except RobotError as error:
            self._answers.append(str(error))
            recover(arm)
            return None, None
        return driven, self._cell.motion()

    def _lateness(self) -> int:
        return round(self._rng.uniform(0.0, self._jitter_s) * 1e9) if self._jitter_s else 0


@contextmanager
def connected(rig: RigConfig) -> Iterator[FrankaArm]:
    """An arm at home, recovered where that is needed."""
    arm = FrankaArm(rig.robot, rig.gripper, SystemClock(), PERIOD_S)
    try:
        if not arm.read().mode.is_commandable:
            arm.recover()
        arm.go_home()
        yield arm
    finally:
        arm.close()


def recover(arm: FrankaArm) -> None:
    """Be ready again; the fault may have been a short silence."""
    time.sleep(0.5)
    with suppress(RobotError):
        arm.recover()


def drive_rows(
    arm: FrankaArm, clock: SystemClock, rows: F64, lateness_ns: Callable[[], int]
) -> Driven:
    """Send row by row at 10 Hz; returns at once after the last one."""
    targets, slowest_ns, last_ns = [], 0, 0
    tick_ns, cpu_s, wall_ns = clock.now_ns(), time.process_time(), clock.now_ns()
    for row in rows:
        clock.sleep_until_ns(tick_ns + lateness_ns())
        sent_ns = clock.now_ns()
        arm.send(Setpoint.from_row(row))
        last_ns = clock.now_ns()
        slowest_ns = max(slowest_ns, last_ns - sent_ns)
        targets.append(SentTarget(stamp_ns=sent_ns, position_m=row[:3]))
        tick_ns += round(PERIOD_S * 1e9)
    return Driven(
        targets=tuple(targets),
        last_sent_ns=last_ns,
        cpu_share=(time.process_time() - cpu_s) / max((last_ns - wall_ns) * 1e-9, 1e-3),
        call_max_ms=slowest_ns * 1e-6,
    )


def line(start: Pose) -> F64:
    """Rows [T, 8]: up to 0.25 m/s in half a second, then on at that speed, in +y."""
    speeds = LINE_SPEED_MPS * np.minimum(1.0, np.arange(1, _RAMP_TICKS + _LINE_TICKS + 1) / 5.0)
    return _along_y(start, np.cumsum(speeds) * PERIOD_S)


def run_up(start: Pose) -> F64:
    """Rows [T, 8] to where the line begins, slowly."""
    return _along_y(start, -_RUN_UP_M * np.linspace(0.0, 1.0, _RUN_UP_TICKS + 1)[1:])


def _along_y(start: Pose, way_m: F64) -> F64:
    rows = np.tile(Setpoint(pose=start, gripper_open=True).as_row(), (len(way_m), 1))
    rows[:, 1] += way_m
    return rows


def _task_rows(arm: FrankaArm, seed: int, name: str) -> F64:
    task, rng = virtual_task(name), np.random.default_rng([seed, 1])
    target = Setpoint(pose=arm.read().base_T_ee, gripper_open=True)
    layout = task.layout(np.random.default_rng(seed))
    return plan_targets(task, layout, target, Manner.PRECISE, Imprecision(), rng)


def _process_death(rig: RigConfig, cell: CellProcess, answers: list[str]) -> BlindMotion | None:
    """SIGKILL for a driving process right after a setpoint at full speed."""
    context = multiprocessing.get_context("spawn")
    near, far = context.Pipe()
    cell.record_motion(_RECORD_S)
    child = context.Process(target=_drive_until_killed, args=(rig, far), name="bench driver")
    child.start()
    far.close()
    try:
        if not near.poll(_CHILD_PATIENCE_S):
            answers.append("the driving process did not reach full speed in time")
            return None
        said = near.recv()
        os.kill(child.pid or 0, signal.SIGKILL)
        killed_ns = time.monotonic_ns()
    except EOFError:
        said, killed_ns = "the driving process died by itself", 0
    finally:
        if child.is_alive():
            child.kill()
        child.join()
        near.close()
    if isinstance(said, str):
        answers.append(said)
        return None
    time.sleep(_REST_NS * 1e-9)
    return blind_motion(cell.motion(), killed_ns)


def _drive_until_killed(rig: RigConfig, pipe: Connection) -> None:
    """The child: says so at full speed, right after a setpoint."""
    clock = SystemClock()
    try:
        with connected(rig) as arm:
            drive_rows(arm, clock, run_up(arm.read().base_T_ee), lambda: 0)
            time.sleep(1.0)
            drive_rows(arm, clock, line(arm.read().base_T_ee), lambda: 0)
            pipe.send(None)
            time.sleep(_CHILD_PATIENCE_S)
    except RobotError as error:
        pipe.send(str(error))

"""Lockstep work in several processes: demonstrations, deployments, trials.

Each worker builds one cell for one task and keeps it. Jobs and answers cross between our own
processes through multiprocessing; nothing is ever unpickled from a file.
"""

import logging
import os
import signal
import sys
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Protocol

from wvl_models.contract.episode import EpisodeHeader, Label, Origin, Outcome
from wvl_models.contract.errors import RobotError, SetupError, WvlError
from wvl_models.contract.policy import Policy
from wvl_models.contract.task import TaskConfig
from wvl_models.contract.trial import Trial
from wvl_models.registry.factories import loader
from wvl_models.registry.manifest import read_manifest
from wvl_robot.core.schedule import ScheduleConfig, schedule_of
from wvl_robot.rig.calibration import load_calibration
from wvl_robot.rig.config import RigConfig, load_rig, rig_view
from wvl_robot.virtual.lockstep import CellView, LockstepCell
from wvl_robot.virtual.lockstep_session import LockstepStation, Recorded
from wvl_robot.virtual.operator import Imprecision, Manner, ScriptedOperator
from wvl_robot.virtual.tasks import virtual_task


@dataclass(frozen=True, kw_only=True, slots=True)
class CellPlan:
    """Which cell a worker builds."""

    share: Path
    """Where `config/` and `calibration/` lie."""
    rig: str
    task: TaskConfig
    commit: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Demonstration:
    """One attempt of the scripted operator."""

    seed: int
    near_share: float
    """Probability that the attempt is meant to miss."""
    imprecision: Imprecision

    def episode_id(self, plan: CellPlan) -> str:
        """Unique by task and seed."""
        return f"{plan.task.name}-{Origin.SCRIPTED.value}-{self.seed:07d}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployment:
    """One episode of a published policy."""

    seed: int
    policy_folder: Path
    temperature: float
    """0 for the greedy policy."""

    def episode_id(self, plan: CellPlan) -> str:
        """Unique by task, version, way of acting and seed."""
        version = self.policy_folder.name.removeprefix("policy-")
        manner = "-explore" if self.temperature > 0 else ""
        return f"{plan.task.name}-{Origin.POLICY.value}-{version}{manner}-{self.seed:07d}"


class ExplorablePolicy(Policy, Protocol):
    """A policy that can also draw its actions."""

    def exploring(self, temperature: float, seed: int) -> Policy:
        """The same policy, sampled."""
        ...


class _Worker:
    """What a process keeps between jobs."""

    def __init__(self, plan: CellPlan) -> None:
        rig = load_rig(plan.share, plan.rig)
        calibration = load_calibration(plan.share, rig)
        look = CellView(calibration=calibration, view=rig_view(rig, calibration.intrinsics))
        self.plan, self.rig, self.look = plan, rig, look
        self.task = virtual_task(plan.task.name)
        self.cell = LockstepCell(self.task, rig, look, plan.task.instruction, frames=True)
        self.station = LockstepStation(self.cell, rig)
        self._policies: dict[Path, tuple[str, ExplorablePolicy]] = {}

    def policy(self, folder: Path) -> tuple[str, ExplorablePolicy]:
        """Version and policy of a published folder, loaded once."""
        if folder not in self._policies:
            manifest = read_manifest(folder)
            self._policies[folder] = (
                manifest.version,
                loader("policy", manifest.factory)(folder),
            )
        return self._policies[folder]

    def schedule(self, policy: Policy) -> ScheduleConfig:
        """How the plan's task executes this policy's chunks: as the session node does."""
        return schedule_of(self.plan.task, policy.spec.chunk_steps)

    def header(self, origin: Origin, seed: int, episode_id: str) -> EpisodeHeader:
        """Header of an episode that begins now."""
        plan = self.plan
        return EpisodeHeader(
            episode_id=episode_id,
            task=plan.task.name,
            instruction=plan.task.instruction,
            rig=plan.rig,
            calibration=self.look.calibration_of_view,
            operator="scripted" if origin is Origin.SCRIPTED else "",
            origin=origin,
            rate_hz=10.0,
            created_utc=datetime.now(UTC).isoformat(timespec="milliseconds"),
            commit=plan.commit,
            seed=seed,
        )


_worker: _Worker | None = None
_failure = ""


def _start(plan: CellPlan) -> None:
    """First thing in a worker process; what is above is its only global state.

    An initialiser that raises would break the whole pool and hide the reason, so the reason waits
    for the first job.
    """
    global _worker, _failure
    # A clamp of the gate is in the recorded step; thousands of episodes must not shout it.
    logging.getLogger("wvl_robot").setLevel(logging.ERROR)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends us on Ctrl-C
    warnings.simplefilter("ignore")  # a failing GL warns thrice before it raises
    try:
        _worker = _Worker(plan)
    except WvlError as error:
        _failure = str(error)
        sys.unraisablehook = lambda _: None  # MuJoCo's half-made renderer complains when it goes


def _ready() -> _Worker:
    if _worker is None:
        raise SetupError(_failure)
    return _worker


def _demonstrate(job: Demonstration) -> Recorded:
    worker = _ready()
    operator = ScriptedOperator(worker.task, job.imprecision, job.near_share)
    recorded = worker.station.teleoperate(
        operator,
        worker.header(Origin.SCRIPTED, job.seed, job.episode_id(worker.plan)),
        worker.plan.task.horizon_steps,
    )
    if operator.manner in (Manner.PRECISE, Manner.WANDER):
        return recorded
    return replace(recorded, label=_as_near_success(recorded.label))


def _as_near_success(label: Label | None) -> Label | None:
    """A deliberate near-miss that failed is a near-success, which no predicate can tell."""
    if label is None or label.outcome is not Outcome.FAILURE:
        return label
    return replace(label, outcome=Outcome.NEAR_SUCCESS)


def _deploy(job: Deployment) -> Recorded | None:
    """None where the session gave the episode up, as it may with a policy that explores."""
    worker, (version, policy) = _ready(), _ready().policy(job.policy_folder)
    if job.temperature > 0:
        policy = policy.exploring(job.temperature, job.seed)
    header = worker.header(Origin.POLICY, job.seed, job.episode_id(worker.plan))
    task, schedule = worker.plan.task, worker.schedule(policy)
    try:
        return worker.station.deploy(policy, version, header, task.horizon_steps, schedule)
    except RobotError:
        return None


def _try(job: Deployment) -> Trial:
    worker, (version, policy) = _ready(), _ready().policy(job.policy_folder)
    header = worker.header(Origin.POLICY, job.seed, job.episode_id(worker.plan))
    task, schedule = worker.plan.task, worker.schedule(policy)
    return worker.station.try_out(policy, version, header, task.horizon_steps, schedule)


class LockstepWorkers:
    """A pool of lockstep cells for one task; a context manager."""

    def __init__(self, plan: CellPlan, num_workers: int | None = None) -> None:
        """One worker per processor by default. Errors of a worker surface at the first job."""
        os.environ.setdefault("MUJOCO_GL", "egl")
        # llvmpipe's own threads fight the workers for the processors (2.84 -> 2.45 ms a frame).
        os.environ.setdefault("LP_NUM_THREADS", "0")
        self._pool = ProcessPoolExecutor(
            max_workers=num_workers or min(os.cpu_count() or 1, 8),
            mp_context=get_context("spawn"),
            initializer=_start,
            initargs=(plan,),
        )

    def __enter__(self) -> "LockstepWorkers":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def demonstrate(self, jobs: Iterable[Demonstration]) -> Iterator[Recorded]:
        """Episodes in the order of the jobs."""
        return self._pool.map(_demonstrate, jobs, chunksize=4)

    def deploy(self, jobs: Iterable[Deployment]) -> Iterator[Recorded | None]:
        """Episodes in the order of the jobs; None for those that the session gave up."""
        return self._pool.map(_deploy, jobs, chunksize=4)

    def try_out(self, jobs: Iterable[Deployment]) -> Iterator[Trial]:
        """Trials of the greedy policy, not recorded, in the order of the jobs."""
        return self._pool.map(_try, jobs, chunksize=4)

    def close(self) -> None:
        """End the processes; what was not begun is dropped."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def load_cell_view(share: Path, rig_name: str) -> tuple[RigConfig, CellView]:
    """A rig and what it looks through."""
    rig = load_rig(share, rig_name)
    calibration = load_calibration(share, rig)
    return rig, CellView(calibration=calibration, view=rig_view(rig, calibration.intrinsics))

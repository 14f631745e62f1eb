"""The virtual cell as the circle's lab: many episodes in lockstep, committed one by one.

Implements `wvl_models.loop.lab.Lab`; of the loop it knows that file alone, which is torch-free.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from wvl_models.contract.camera import CameraCalibration
from wvl_models.contract.trial import Trial
from wvl_models.episodes.store import EpisodeStore
from wvl_models.loop.lab import Attempt
from wvl_robot.virtual.lockstep_session import Recorded
from wvl_robot.virtual.operator import Imprecision
from wvl_robot.virtual.workers import (
    CellPlan,
    Demonstration,
    Deployment,
    LockstepWorkers,
    load_cell_view,
)

Job = TypeVar("Job", Demonstration, Deployment)


class VirtualLab:
    """Lockstep cells for one task in worker processes, which start with the first job."""

    def __init__(self, plan: CellPlan, store: EpisodeStore, num_workers: int | None = None) -> None:
        self._plan, self._store, self._num_workers = plan, store, num_workers
        _, look = load_cell_view(plan.share, plan.rig)
        self._camera = look.calibration_of_view
        self._pool: LockstepWorkers | None = None

    @property
    def camera(self) -> CameraCalibration:
        """The models' view of this lab as a camera."""
        return self._camera

    @property
    def instruction(self) -> str:
        """Of the lab's task."""
        return self._plan.task.instruction

    @property
    def horizon_steps(self) -> int:
        """Actions of an episode."""
        return self._plan.task.horizon_steps

    def demonstrate(self, attempts: Sequence[Attempt]) -> Iterator[str]:
        """Ids of the scripted operator's episodes, in order; those in the store are not redone."""
        jobs = [
            Demonstration(
                seed=attempt.seed,
                near_share=attempt.near_share,
                imprecision=Imprecision(
                    aim_sigma_m=attempt.aim_sigma_m, jitter_sigma_m=attempt.jitter_sigma_m
                ),
            )
            for attempt in attempts
        ]
        return self._committed(jobs, lambda missing: self._workers().demonstrate(missing))

    def deploy(
        self, policy: Path, seeds: Sequence[int], temperatures: Sequence[float]
    ) -> Iterator[str]:
        """Ids of recorded episodes of a published policy; those in the store are not redone.

        Episodes that the session gave up (its gate refused five orders in a row) are left out.
        """
        jobs = [
            Deployment(seed=seed, policy_folder=policy, temperature=temperature)
            for seed, temperature in zip(seeds, temperatures, strict=True)
        ]
        return self._committed(jobs, lambda missing: self._workers().deploy(missing))

    def try_out(self, policy: Path, seeds: Sequence[int]) -> Iterator[Trial]:
        """Trials of a published policy, greedy, not recorded."""
        jobs = [Deployment(seed=seed, policy_folder=policy, temperature=0.0) for seed in seeds]
        return self._workers().try_out(jobs)

    def close(self) -> None:
        """End the workers; may be called twice."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _committed(
        self, jobs: Sequence[Job], run: Callable[[Sequence[Job]], Iterator[Recorded | None]]
    ) -> Iterator[str]:
        """Run what is not in the store yet and commit it; ids in the order of the jobs."""
        known = set(self._store.ids())
        ids = [job.episode_id(self._plan) for job in jobs]
        missing = [job for job, name in zip(jobs, ids, strict=True) if name not in known]
        recorded = run(missing) if missing else iter(())
        for name in ids:
            if name not in known:
                episode = next(recorded)
                if episode is None:
                    continue
                self._store.add(episode.header, episode.arrays, episode.label)
            yield name

    def _workers(self) -> LockstepWorkers:
        if self._pool is None:
            self._pool = LockstepWorkers(self._plan, self._num_workers)
        return self._pool

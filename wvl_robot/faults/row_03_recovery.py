"""Row 3, the time it takes: a store of 200 episodes is opened without its index and repaired.

The time is a figure and no pass line, because `make test` times nothing; the aim is 2 s per 1,000
episodes. The page cache is warm: what is measured is our own work.
"""

import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from wvl_models.episodes.store import EpisodeStore
from wvl_robot.faults.failing_disk import FailingDisk
from wvl_robot.faults.promise import judge, promise
from wvl_robot.faults.sample_store import draw_steps, header_of, record
from wvl_robot.faults.trial import FaultRow, RowPlan, Trial

PLAN = RowPlan(
    number=3,
    title="recovery after a power loss",
    pass_line="every episode is listed again, the open one as ABORTED",
    kinds=("without index",),
    per_change=1,
    nightly=20,
)

NUM_EPISODES = 200


class Recovery:
    """Row 3, time of recovery. Trials share a store."""

    plan = PLAN

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="wvl-fault-3-"))
        self._root = self._folder / "store"
        self._num_episodes = 0

    def run(self, kind: str, seed: int, folder: Path) -> Trial:
        """See `FaultRow`."""
        return judge(PLAN, kind, seed, lambda: self._attempt(np.random.default_rng(seed)))

    def close(self) -> None:
        """Remove the store."""
        shutil.rmtree(self._folder)

    def _attempt(self, draw: np.random.Generator) -> Mapping[str, float]:
        with EpisodeStore.create(self._root, FailingDisk()) as store:
            steps = draw_steps(draw, 2)
            for number in range(self._num_episodes, NUM_EPISODES):
                record(store, f"e-{number:04d}", steps)
            self._num_episodes = max(self._num_episodes, NUM_EPISODES)
            name = f"e-{self._num_episodes:04d}"
            store.begin(header_of(name)).append(steps[0])
        (self._root / "index.jsonl").unlink(missing_ok=True)
        start = time.perf_counter()
        with EpisodeStore(self._root) as store:
            store.repair()
            num_listed = len(store.summary())
        recovery_s = time.perf_counter() - start
        self._num_episodes += 1
        promise(num_listed == self._num_episodes, f"{num_listed} of {self._num_episodes} listed")
        return {"recovery_s_per_1000": recovery_s / self._num_episodes * 1000}


def open_row() -> FaultRow:
    """See `rows`."""
    return Recovery()

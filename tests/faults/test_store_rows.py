"""The store's rows of the fault plan, at their per-change counts."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import closing

import pytest

from wvl_robot.faults.campaign import run_row
from wvl_robot.faults.rows import open_row

MODULES = (
    "row_16_concurrency",  # a minute: first, so that no worker waits for it at the end
    "row_01_store_processes",
    "row_02_commit",
    "row_03_power_loss",
    "row_03_recovery",
    "row_10_full_disk",
    "row_13_malformed",
    "row_14_input",
    "row_15_store_model",
)

ON_A_DISK = ("row_01_store_processes", "row_16_concurrency")
"""The others simulate what a disk does."""

MEMORY = "/dev/shm"


@pytest.fixture(autouse=True)
def scratch(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing waits for a disk, unless it is about the disk."""
    if module not in ON_A_DISK and os.access(MEMORY, os.W_OK):
        monkeypatch.setattr(tempfile, "tempdir", MEMORY)


def _trials() -> Iterator[tuple[str, str]]:
    for module in MODULES:
        with closing(open_row(module)) as row:
            yield from ((module, kind) for kind in row.plan.kinds)


@pytest.mark.parametrize(("module", "kind"), list(_trials()))
def test_the_pass_line_holds(module: str, kind: str) -> None:
    with closing(open_row(module)) as row:
        trials = list(run_row(row, range(row.plan.num_in_suite), [kind]))
    assert [f"seed {trial.seed}: {trial.problem}" for trial in trials if not trial.passed] == []
    assert len(trials) == row.plan.num_in_suite

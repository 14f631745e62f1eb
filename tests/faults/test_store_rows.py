"""The store's rows of the fault plan, at their per-change counts."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from wvl_robot.faults.campaign import run_row
from wvl_robot.faults.rows import open_row

MODULES = (
    "row_01_store_processes",
    "row_02_commit",
    "row_03_power_loss",
    "row_03_recovery",
    "row_10_full_disk",
    "row_13_malformed",
    "row_14_input",
    "row_15_store_model",
    "row_16_concurrency",
)


def _trials() -> Iterator[tuple[str, str]]:
    for module in MODULES:
        with closing(open_row(module)) as row:
            yield from ((module, kind) for kind in row.plan.kinds)


@pytest.mark.parametrize(("module", "kind"), list(_trials()))
def test_the_pass_line_holds(module: str, kind: str) -> None:
    with closing(open_row(module)) as row:
        trials = list(run_row(row, range(row.plan.per_change), [kind]))
    assert [f"seed {trial.seed}: {trial.problem}" for trial in trials if not trial.passed] == []
    assert len(trials) == row.plan.per_change

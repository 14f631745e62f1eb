"""The store's rows of the fault plan, at their per-change counts."""

import pytest

from wvl_robot.faults.campaign import run_row
from wvl_robot.faults.rows import open_row

MODULES = ("row_01_store_processes",)
TRIALS = [(module, kind) for module in MODULES for kind in open_row(module).plan.kinds]


@pytest.mark.parametrize(("module", "kind"), TRIALS)
def test_the_pass_line_holds(module: str, kind: str) -> None:
    row = open_row(module)
    trials = list(run_row(row, range(row.plan.per_change), [kind]))
    row.close()
    assert [f"seed {trial.seed}: {trial.problem}" for trial in trials if not trial.passed] == []
    assert len(trials) == row.plan.per_change

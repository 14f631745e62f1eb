"""How a row of the fault plan is tried in the tests."""

from wvl_robot.faults.campaign import run_row
from wvl_robot.faults.trial import FaultRow


def assert_the_pass_line_holds(row: FaultRow, kind: str) -> None:
    """`num_in_suite` trials of a kind, with the seeds from 0 on."""
    trials = list(run_row(row, range(row.plan.num_in_suite), [kind]))
    problems = [f"seed {trial.seed}: {trial.problem}" for trial in trials if not trial.passed]
    assert not problems, "\n".join(problems)

"""Row 15: the store beside a dictionary, under any order of operations (`store_model`).

A trial is a search of 10 examples with up to 50 operations each: per change 100 examples of 50, and
the nightly count has as many operations as 1,000 of 500.
"""

from collections.abc import Mapping
from pathlib import Path

from hypothesis.stateful import run_state_machine_as_test

from wvl_robot.faults.plain_row import PlainRow
from wvl_robot.faults.searching import search_settings, searched, with_seed
from wvl_robot.faults.store_model import StoreMachine
from wvl_robot.faults.trial import FaultRow, RowPlan

PLAN = RowPlan(
    number=15,
    title="the store beside a dictionary",
    pass_line="no divergence",
    kinds=("any order",),
    per_change=10,
    nightly=1000,
)

NUM_EXAMPLES = 10
NUM_OPERATIONS = 50


def _attempt(kind: str, seed: int, folder: Path) -> Mapping[str, float]:
    machine = with_seed(seed, type("SeededMachine", (StoreMachine,), {}))
    run_state_machine_as_test(machine, settings=search_settings(NUM_EXAMPLES, NUM_OPERATIONS))
    return {}


def open_row() -> FaultRow:
    """See `rows`."""
    return PlainRow(PLAN, searched(_attempt))

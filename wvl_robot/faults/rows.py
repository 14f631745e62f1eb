"""Which rows there are; a row's module is imported when the row is run."""

import importlib
from collections.abc import Mapping

from wvl_models.contract.errors import ConfigError
from wvl_robot.faults.trial import FaultRow

MODULES: Mapping[int, str] = {}
"""Number of a row -> its module, which has a function `open_row() -> FaultRow`."""


def open_row(number: int) -> FaultRow:
    """The row, ready to run, to be closed; ConfigError lists the known ones."""
    if number not in MODULES:
        known = ", ".join(map(str, sorted(MODULES)))
        raise ConfigError(f"there is no row {number} in the fault plan. Known rows: {known}.")
    row: FaultRow = importlib.import_module(MODULES[number]).open_row()
    return row

"""Which rows there are; a row's modules are imported when the row is run."""

import importlib
from collections.abc import Mapping

from wvl_models.contract.errors import ConfigError
from wvl_robot.faults.trial import FaultRow

MODULES: Mapping[int, tuple[str, ...]] = {
    1: ("row_01_store_processes", "row_01_robot_processes"),
    2: ("row_02_commit",),
    3: ("row_03_power_loss", "row_03_recovery"),
    4: ("row_04_stopped_processes",),
    5: ("row_05_camera",),
    6: ("row_06_gate", "row_06_arm"),
    7: ("row_07_policy",),
    8: ("row_08_watchdog",),
    10: ("row_10_full_disk",),
    11: ("row_11_wall_clock",),
    12: ("row_12_network",),
    13: ("row_13_malformed",),
    14: ("row_14_input", "row_14_ros_input"),
    15: ("row_15_store_model",),
    16: ("row_16_concurrency",),
    18: ("row_18_reflexes",),
}
"""Number of a row -> modules of this room, each with a function `open_row() -> FaultRow`.

Several where one row's faults strike different things (row 1: processes of store and robot).
"""


def modules_of(number: int) -> tuple[str, ...]:
    """Where the row is; ConfigError lists the known ones."""
    if number not in MODULES:
        known = ", ".join(map(str, sorted(MODULES)))
        raise ConfigError(f"there is no row {number} in the fault plan. Known rows: {known}.")
    return MODULES[number]


def open_row(module: str) -> FaultRow:
    """The row, ready to run, to be closed."""
    row: FaultRow = importlib.import_module(f"wvl_robot.faults.{module}").open_row()
    return row

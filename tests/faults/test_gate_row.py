"""Row 6 of the fault plan at the gate: no robot, no ROS."""

import numpy as np

from tests.cells import SHARE
from tests.faults.rows import assert_the_pass_line_holds
from wvl_robot.faults.order_fuzz import broken_limits
from wvl_robot.faults.row_06_gate import START_ROW, open_row
from wvl_robot.rig.config import load_rig


def test_fuzzed_orders_do_not_get_past_the_gate() -> None:
    assert_the_pass_line_holds(open_row(), "gate")


def test_the_row_would_see_a_setpoint_that_is_out_of_limits() -> None:
    limits = load_rig(SHARE, "virtual").safety
    good = np.array([START_ROW, START_ROW])
    assert broken_limits(good, np.array([0.0, 0.1]), limits) == ""
    for index, value in ((2, 0.0), (0, 0.9), (0, np.nan), (1, 0.03)):
        bad = good.copy()
        bad[1, index] = value
        assert broken_limits(bad, np.array([0.0, 0.1]), limits) != "", (index, value)

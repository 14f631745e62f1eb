"""Row 14 of the fault plan, what comes in through ROS, at its per-change count."""

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed: `make setup`")

from tests.faults.rows import assert_the_pass_line_holds
from wvl_robot.faults.row_14_ros_input import open_row

pytestmark = pytest.mark.ros


@pytest.mark.parametrize("kind", ["node parameters", "service requests"])
def test_input_through_ros_is_refused_or_done(kind: str) -> None:
    assert_the_pass_line_holds(open_row(), kind)

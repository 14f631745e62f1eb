"""Rows 4, 11 and 12 of the fault plan on one running deployment: what comes from outside.

The kinds that are not here run at night: each trial is an episode.
"""

from collections.abc import Iterator

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed: `make setup`")

from tests.faults.rows import assert_the_pass_line_holds
from wvl_robot.faults import row_04_stopped_processes, row_11_wall_clock, row_12_network
from wvl_robot.faults.live_graph import GraphSupply

pytestmark = [pytest.mark.ros, pytest.mark.cell, pytest.mark.slow]


@pytest.fixture(scope="module")
def supply() -> Iterator[GraphSupply]:
    """One graph for all rows: starting it costs more than a trial."""
    supply = GraphSupply(row_11_wall_clock.open_jumping)
    yield supply
    supply.drop()


def test_a_stopped_session_replays_nothing(supply: GraphSupply) -> None:
    row = row_04_stopped_processes.StoppedProcesses(supply)
    assert_the_pass_line_holds(row, "session")


def test_the_arm_waits_for_a_policy_that_cannot_be_reached(supply: GraphSupply) -> None:
    assert_the_pass_line_holds(row_12_network.NetworkRow(supply), "partition")


def test_an_episode_goes_on_when_the_wall_clock_jumps_by_an_hour(supply: GraphSupply) -> None:
    assert_the_pass_line_holds(row_11_wall_clock.WallClockRow(supply), "1 h")

"""Rows 4, 11 and 12 of the fault plan on one running deployment: what comes from outside.

The kinds that are not here run at night: each trial is an episode.
"""

from collections.abc import Iterator

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed: `make setup`")

from tests.faults.rows import assert_the_pass_line_holds
from wvl_robot.faults import row_04_stopped_processes, row_11_wall_clock, row_12_network
from wvl_robot.faults.graph_supply import GraphSupply
from wvl_robot.faults.lossy_link import FarGraph

pytestmark = [pytest.mark.ros, pytest.mark.cell, pytest.mark.slow]


@pytest.fixture(scope="module")
def supply() -> Iterator[GraphSupply[FarGraph]]:
    """One graph for all rows: starting it costs more than a trial."""
    supply = GraphSupply(row_11_wall_clock.open_jumping)
    yield supply
    supply.drop()


def test_a_stopped_session_replays_nothing(supply: GraphSupply[FarGraph]) -> None:
    row = row_04_stopped_processes.open_row(supply)
    assert_the_pass_line_holds(row, "session")


def test_the_arm_waits_for_a_policy_that_cannot_be_reached(supply: GraphSupply[FarGraph]) -> None:
    assert_the_pass_line_holds(row_12_network.open_row(supply), "partition")


def test_an_episode_goes_on_when_the_wall_clock_jumps_by_an_hour(
    supply: GraphSupply[FarGraph],
) -> None:
    assert_the_pass_line_holds(row_11_wall_clock.open_row(supply), "1 h")

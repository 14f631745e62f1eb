"""Rows 1 (the robot's processes), 4, 7, 11 and 12 of the fault plan on one running deployment.

The kinds that are not here, and more trials of those that are: `wvl bench faults`.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed: `make setup`")

from tests.faults.rows import assert_the_pass_line_holds
from wvl_robot.faults import (
    row_01_robot_processes,
    row_04_stopped_processes,
    row_07_policy,
    row_11_wall_clock,
    row_12_network,
)
from wvl_robot.faults.graph_supply import GraphSupply
from wvl_robot.faults.lossy_link import FarGraph

pytestmark = [pytest.mark.ros, pytest.mark.cell, pytest.mark.slow]


def open_graph(folder: Path) -> FarGraph:
    """All nodes, on a clock that jumps, with a policy behind a relay that can be spoiled."""
    environment = {**row_11_wall_clock.jumping_clock(folder), **row_07_policy.fault_file(folder)}
    nodes = row_01_robot_processes.NODES
    return FarGraph(folder, environment, nodes=nodes, modules=row_07_policy.SPOILED)


@pytest.fixture(scope="module")
def supply() -> Iterator[GraphSupply[FarGraph]]:
    """One graph for all rows: starting it costs more than three trials."""
    supply = GraphSupply(open_graph)
    yield supply
    supply.drop()


@pytest.mark.parametrize("kind", row_01_robot_processes.PLAN.kinds)
def test_a_killed_process_costs_no_episode_and_no_restart_of_the_others(
    supply: GraphSupply[FarGraph], kind: str
) -> None:
    assert_the_pass_line_holds(row_01_robot_processes.open_row(supply), kind)


def test_a_stopped_session_replays_nothing(supply: GraphSupply[FarGraph]) -> None:
    assert_the_pass_line_holds(row_04_stopped_processes.open_row(supply), "session")


def test_a_failing_policy_comes_back_by_itself(supply: GraphSupply[FarGraph]) -> None:
    """The other kinds take a minute each: `wvl bench faults --row 7`."""
    assert_the_pass_line_holds(row_07_policy.open_row(supply), "exception")


def test_an_episode_goes_on_when_the_wall_clock_jumps_by_an_hour(
    supply: GraphSupply[FarGraph],
) -> None:
    assert_the_pass_line_holds(row_11_wall_clock.open_row(supply), "1 h")


def test_the_arm_waits_for_a_policy_that_cannot_be_reached(supply: GraphSupply[FarGraph]) -> None:
    assert_the_pass_line_holds(row_12_network.open_row(supply), "partition")

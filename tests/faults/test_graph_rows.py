"""Rows 1 (the robot's processes) and 7 of the fault plan on one running deployment."""

from collections.abc import Iterator

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed: `make setup`")

from tests.faults.rows import assert_the_pass_line_holds
from wvl_robot.faults import row_01_robot_processes, row_07_policy
from wvl_robot.faults.graph_supply import GraphSupply
from wvl_robot.faults.live_graph import LiveGraph

pytestmark = [pytest.mark.ros, pytest.mark.cell, pytest.mark.slow]


@pytest.fixture(scope="module")
def supply() -> Iterator[GraphSupply[LiveGraph]]:
    """One graph for both rows: starting it costs more than three trials."""
    nodes = row_01_robot_processes.NODES
    supply = GraphSupply(lambda folder: row_07_policy.open_spoiled(folder, nodes))
    yield supply
    supply.drop()


@pytest.mark.parametrize("kind", ["learner", "session", "camera", "robot", "policy", "cell"])
def test_a_killed_process_costs_no_episode_and_no_restart_of_the_others(
    supply: GraphSupply[LiveGraph], kind: str
) -> None:
    assert_the_pass_line_holds(row_01_robot_processes.open_row(supply), kind)


def test_a_failing_policy_comes_back_by_itself(supply: GraphSupply[LiveGraph]) -> None:
    """The other kinds take a minute each: `wvl bench faults --row 7`."""
    assert_the_pass_line_holds(row_07_policy.open_row(supply), "exception")

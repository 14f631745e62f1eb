"""Rows 6, 8 and 18 of the fault plan on one arm."""

from collections.abc import Iterator

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed: `make setup`")

from tests.faults.rows import assert_the_pass_line_holds
from wvl_robot.faults import row_06_arm, row_08_watchdog, row_18_reflexes
from wvl_robot.faults.graph_supply import GraphSupply
from wvl_robot.faults.live_graph import LiveGraph

pytestmark = [pytest.mark.ros, pytest.mark.cell, pytest.mark.slow]


@pytest.fixture(scope="module")
def supply() -> Iterator[GraphSupply[LiveGraph]]:
    supply = GraphSupply(row_08_watchdog.open_arm)
    yield supply
    supply.drop()


@pytest.mark.parametrize("kind", row_08_watchdog.PLAN.kinds)
def test_the_watchdog_stops_the_arm(supply: GraphSupply[LiveGraph], kind: str) -> None:
    assert_the_pass_line_holds(row_08_watchdog.open_row(supply), kind)


@pytest.mark.parametrize("kind", row_18_reflexes.PLAN.kinds)
def test_one_action_recovers_from_a_reflex(supply: GraphSupply[LiveGraph], kind: str) -> None:
    assert_the_pass_line_holds(row_18_reflexes.open_row(supply), kind)


def test_fuzzed_orders_do_no_harm_to_the_arm() -> None:
    row = row_06_arm.open_row()
    try:
        assert_the_pass_line_holds(row, "arm")
    finally:
        row.close()

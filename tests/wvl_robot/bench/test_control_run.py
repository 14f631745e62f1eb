"""The whole measurement, short: graph, listener, reference, a stop."""

from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed: `make setup`")

from tests.cells import SHARE, loopback
from wvl_robot.bench.control import ControlPlan, run_control
from wvl_robot.ros.live_lab import free_domain

pytestmark = [pytest.mark.ros, pytest.mark.cell, pytest.mark.slow, pytest.mark.timeout(600)]


def test_graph_and_reference_are_measured_side_by_side(tmp_path: Path) -> None:
    plan = ControlPlan(
        share=SHARE,
        rig="virtual",
        task="lift_cube",
        host=loopback(63),
        domain=free_domain(),
        folder=tmp_path,
        settle_s=2.0,
        alone_s=4.0,
        beside_s=3.0,
        num_stops=1,
    )
    said: list[str] = []
    report = run_control(plan, said.append)
    assert said[:3] == [
        "the graph alone",
        "graph and reference side by side",
        "stops of the session",
    ]
    assert report.beside is not None and report.reference is not None
    for loop in (report.alone.loop, report.beside.loop, report.reference):
        assert loop.tick_lateness is not None and loop.tick_lateness.n > 10
        assert loop.num_images_sent > 30
    assert report.alone.loop.image_hop is not None and report.alone.loop.image_hop.p50 < 1000
    assert report.alone.tick_to_arm is not None and report.alone.tick_to_arm.p50 > 0
    assert {"cell", "robot", "camera", "session"} <= set(report.alone.cpu_share)
    assert all(share > 0 for share in report.alone.cpu_share.values())

"""Which aims a report misses; the measurement is in tests/wvl_robot/bench."""

from dataclasses import replace

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed: `make setup`")

from wvl_robot.bench.control import ControlReport, GraphFigures, LoopFigures
from wvl_robot.bench.timing import Spread
from wvl_robot.cli.bench_control import gain_over_reference, missed_aims


def spread(p50: float, p99: float, worst: float) -> Spread:
    return Spread(n=1000, p50=p50, p99=p99, p999=worst, max=worst)


LOOP = LoopFigures(
    seconds=60.0,
    tick_lateness=spread(0.01, 0.4, 0.9),
    num_missed_ticks=0,
    image_hop=spread(2.5, 5.0, 9.0),
    num_images_sent=1800,
    num_images_lost=0,
)
GRAPH = GraphFigures(
    loop=LOOP,
    tick_to_arm=spread(3.0, 9.0, 12.0),
    frame_to_arm=spread(20.0, 40.0, 44.0),
    num_camera_gaps=0,
    num_refused=0,
    num_episodes=6,
    cpu_share={"session": 0.2},
)
GOOD = ControlReport(
    alone=GRAPH,
    beside=GRAPH,
    reference=replace(LOOP, tick_lateness=spread(1.0, 12.0, 30.0)),
    hold_latency=spread(2.0, 6.0, 7.0),
    num_stops=5,
)


def test_a_good_report_misses_nothing() -> None:
    assert missed_aims(GOOD) == []
    assert gain_over_reference(GOOD) == pytest.approx(30.0)


def test_every_aim_that_is_missed_is_said() -> None:
    bad_loop = replace(
        LOOP,
        tick_lateness=spread(0.1, 1.5, 20.0),
        num_missed_ticks=2,
        image_hop=spread(6.0, 20.0, 30.0),
        num_images_lost=7,
    )
    bad = replace(
        GOOD,
        alone=replace(GRAPH, loop=bad_loop),
        beside=replace(GRAPH, loop=bad_loop),
        reference=replace(LOOP, tick_lateness=spread(0.1, 3.0, 9.0)),
        hold_latency=spread(20.0, 60.0, 70.0),
    )
    said = " ".join(missed_aims(bad))
    for words in (
        "lateness p99 1.50 ms",
        "2 ticks missed",
        "hop p50 6.00 ms",
        "7 of 1800 images lost",
        "2.0 times better",
        "hold latency 70.00 ms",
    ):
        assert words in said


def test_what_was_not_measured_counts_as_missed() -> None:
    silent = replace(GRAPH, loop=replace(LOOP, tick_lateness=None, image_hop=None))
    report = replace(GOOD, alone=silent, beside=None, reference=None, hold_latency=None)
    said = missed_aims(report)
    assert sum("not measured" in line for line in said) == 3


def test_without_stops_no_hold_is_asked_for() -> None:
    assert missed_aims(replace(GOOD, hold_latency=None, num_stops=0)) == []

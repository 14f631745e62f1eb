"""Ticks, and what becomes of those that are missed."""

import numpy as np

from tests.fakes.session_bench import PERIOD_NS, SessionBench
from tests.fakes.teleop import hands_off, push
from tests.wvl_robot.core.session_scripts import brain, forward, take_over
from wvl_models.contract.pose import Setpoint
from wvl_robot.ports.teleop import TeleopCommand, TeleopEvent


def test_the_loop_ticks_on_absolute_deadlines() -> None:
    bench = SessionBench(forward)
    bench.start()
    bench.run_s(3.05)
    stamps = np.array([order.stamp_ns for order in bench.arm.orders])
    assert np.diff(stamps).tolist() == [PERIOD_NS] * (len(stamps) - 1)
    assert bench.session.status.num_missed_ticks == 0


def test_ticks_that_are_missed_are_counted_and_not_caught_up() -> None:
    bench = SessionBench()

    def script(step: int, target: Setpoint) -> TeleopCommand:
        if step == 5:
            bench.clock.sleep_until_ns(bench.clock.now_ns() + 420_000_000)  # somebody hung
        return push()

    bench.teleop.script = script
    bench.start()
    bench.run_s(2.0)
    stamps = np.array([order.stamp_ns for order in bench.arm.orders])
    assert np.diff(stamps).min() >= PERIOD_NS // 2
    assert np.diff(stamps).max() == 4 * PERIOD_NS + 20_000_000
    assert bench.session.status.num_missed_ticks == 3


def test_the_origin_of_the_clock_does_not_matter() -> None:
    def rows(start_ns: int) -> list[list[float]]:
        bench = SessionBench(take_over, brain=brain, inference_ns=130_000_000, start_ns=start_ns)
        bench.start(max_steps=60)
        bench.ticks(63)
        return [step.sent.as_row().tolist() for step in bench.sink.last.steps]

    assert rows(1) == rows(86_400 * 10**9) == rows(10**18)


def test_an_hour_of_episodes() -> None:
    """60 minutes on the clock, one episode a minute: none is lost, no tick missed."""
    idle_ticks = 600

    def script(step: int, target: Setpoint) -> TeleopCommand:
        return hands_off(TeleopEvent.START) if step > idle_ticks else forward(step, target)

    bench = SessionBench(script, config={"max_steps": 20}, watch_ns=50_000_000)
    bench.start()
    bench.run_s(3600)
    assert len(bench.sink.episodes) == 3600 // 60
    assert all(len(episode.steps) == 21 for episode in bench.sink.episodes)
    assert all(episode.is_committed for episode in bench.sink.episodes)
    assert bench.session.status.num_missed_ticks == 0

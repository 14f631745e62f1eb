import time

import numpy as np

from tests.fakes.clock import FakeClock
from wvl_robot.core.gate_benchmark import measure_gate
from wvl_robot.rig.limits import SafetyLimits

LIMITS = SafetyLimits(workspace_low_m=(0.28, -0.3, 0.0), workspace_high_m=(0.68, 0.3, 0.45))


class RealClock:
    """The benchmark's clock; everything else in these tests is on fake time."""

    def now_ns(self) -> int:
        return time.monotonic_ns()

    def sleep_until_ns(self, deadline_ns: int) -> None:
        raise AssertionError("a benchmark does not sleep")


def test_the_mix_holds_orders_that_pass_are_clamped_and_are_refused() -> None:
    timing = measure_gate(LIMITS, FakeClock(), np.random.default_rng(0), 2000)
    assert timing.num_calls == 2000
    assert timing.num_passed > 100 and timing.num_clamped > 100
    assert timing.num_passed + timing.num_clamped < 1950
    assert timing.max_us == 0.0, "time comes from the clock alone"


def test_every_percentile_comes_from_a_real_clock_and_noise_is_told_beside_it() -> None:
    timing = measure_gate(LIMITS, RealClock(), np.random.default_rng(0), 2000)
    assert 0 < timing.p50_us <= timing.p99_us <= timing.p999_us <= timing.max_us
    assert 0 < timing.own_p999_us <= timing.p999_us
    assert timing.noise_p999_us > 0

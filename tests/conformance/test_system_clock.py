import statistics

import pytest

from tests.conformance.clock_suite import ClockSuite
from wvl_robot.adapters.system_clock import SystemClock


class TestSystemClock(ClockSuite):
    @pytest.fixture
    def clock(self) -> SystemClock:
        return SystemClock()

    def test_wakes_up_within_a_millisecond_of_the_deadline(self, clock: SystemClock) -> None:
        late_ns = []
        for _ in range(30):
            deadline_ns = clock.now_ns() + 2_000_000
            clock.sleep_until_ns(deadline_ns)
            late_ns.append(clock.now_ns() - deadline_ns)
        assert statistics.median(late_ns) < 1_000_000

import pytest

from tests.conformance.clock_suite import ClockSuite
from wvl_robot.adapters.system_clock import SystemClock


class TestSystemClock(ClockSuite):
    @pytest.fixture
    def clock(self) -> SystemClock:
        return SystemClock()

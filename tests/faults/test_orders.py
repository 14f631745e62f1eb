from itertools import pairwise

import pytest

from wvl_robot.faults.orders import REACH_M, to_and_fro


@pytest.mark.parametrize("start_m", [-0.26, -0.2, -0.1, 0.0, 0.19, 0.2, 0.26])
def test_an_arm_is_led_to_and_fro_from_wherever_it_has_stopped(start_m: float) -> None:
    """Beyond its reach it once stood still for good, and what row 8 then measured was nothing."""
    way_m = [start_m, *to_and_fro(start_m, 0.25, 60)]
    assert max(way_m) - min(way_m) > 1.8 * REACH_M
    assert max(map(abs, way_m[20:])) <= REACH_M
    steps_m = [abs(b - a) for a, b in pairwise(way_m)]
    assert max(steps_m) <= 0.025 + 1e-9
    assert sum(step == 0.0 for step in steps_m) <= 4, "where it turns"

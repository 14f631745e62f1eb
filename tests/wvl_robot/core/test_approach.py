import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wvl_robot.core.approach import (
    ARRIVAL_MPS,
    DECELERATION_MPS2,
    free_room_m,
    is_slow_enough,
    slowed,
)

LOW_M, HIGH_M, PERIOD_S = 0.0, 1.0, 0.1

inside = st.floats(LOW_M, HIGH_M)


def test_far_from_a_wall_nothing_is_slowed() -> None:
    assert slowed(0.5, 0.525, LOW_M, HIGH_M, PERIOD_S) == 0.525
    assert slowed(0.5, 0.475, LOW_M, HIGH_M, PERIOD_S) == 0.475


def test_away_from_a_wall_nothing_is_slowed() -> None:
    assert slowed(0.0, 0.025, LOW_M, HIGH_M, PERIOD_S) == 0.025
    assert slowed(1.0, 0.975, LOW_M, HIGH_M, PERIOD_S) == 0.975


@pytest.mark.parametrize(("start_m", "wall_m"), [(0.2, LOW_M), (0.8, HIGH_M)])
def test_a_setpoint_comes_to_a_wall_in_time_and_slowly(start_m: float, wall_m: float) -> None:
    way = [start_m]
    for _ in range(20):
        wanted_m = way[-1] + math.copysign(0.025, wall_m - start_m)
        way.append(slowed(way[-1], min(max(wanted_m, LOW_M), HIGH_M), LOW_M, HIGH_M, PERIOD_S))
    assert way[-1] == pytest.approx(wall_m), "it gets there"
    steps = [abs(b - a) for a, b in pairwise(way) if b != a]
    assert steps[0] == pytest.approx(0.025) and steps[-1] <= ARRIVAL_MPS * PERIOD_S + 1e-9
    falls = [(a - b) / PERIOD_S**2 for a, b in pairwise(steps)]
    assert max(falls) <= 1.5 * DECELERATION_MPS2, "a tick is long: half more at the very wall"


@given(inside, inside, st.floats(1e-4, 0.1))
def test_property_what_is_slowed_is_slow_enough_and_on_the_way(
    before_m: float, wanted_m: float, time_s: float
) -> None:
    sent_m = slowed(before_m, wanted_m, LOW_M, HIGH_M, time_s)
    assert min(before_m, wanted_m) <= sent_m <= max(before_m, wanted_m)
    assert is_slow_enough(before_m, sent_m, LOW_M, HIGH_M, time_s)


def test_a_dash_at_a_wall_is_not_slow_enough() -> None:
    assert not is_slow_enough(0.025, LOW_M, LOW_M, HIGH_M, PERIOD_S)
    assert not is_slow_enough(0.975, HIGH_M, LOW_M, HIGH_M, PERIOD_S)


@given(inside, st.floats(0.01, 0.3), st.floats(0.001, 0.1), st.booleans())
def test_property_with_free_room_nothing_is_slowed(
    before_m: float, speed_mps: float, time_s: float, is_up: bool
) -> None:
    """At the longest time between two setpoints and at every shorter one."""
    room_m = free_room_m(speed_mps, 0.1)
    if room_m <= before_m <= HIGH_M - room_m:
        wanted_m = before_m + (speed_mps if is_up else -speed_mps) * time_s
        assert slowed(before_m, wanted_m, LOW_M, HIGH_M, time_s) == wanted_m

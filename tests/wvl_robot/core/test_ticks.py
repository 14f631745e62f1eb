from hypothesis import given
from hypothesis import strategies as st

from wvl_robot.core.ticks import TickGrid


def test_deadlines_are_absolute() -> None:
    grid = TickGrid(1000, 100)
    for k in range(5):
        assert grid.deadline_ns == 1000 + 100 * k
        assert grid.skip_missed(grid.deadline_ns + 49) == 0
        grid.advance()


def test_a_tick_more_than_half_a_period_late_is_skipped() -> None:
    grid = TickGrid(1000, 100)
    assert grid.skip_missed(1050) == 1
    assert grid.deadline_ns == 1100


def test_ticks_of_a_long_pause_are_counted_and_not_caught_up() -> None:
    grid = TickGrid(1000, 100)
    assert grid.skip_missed(6010) == 50
    assert grid.deadline_ns == 6000


@given(st.integers(0, 10**12))
def test_property_the_next_deadline_is_at_most_half_a_period_away(late_ns: int) -> None:
    grid = TickGrid(0, 100)
    num_missed = grid.skip_missed(late_ns)
    assert grid.deadline_ns == 100 * num_missed
    assert -50 <= grid.deadline_ns - late_ns <= 50

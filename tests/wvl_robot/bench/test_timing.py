import numpy as np
import pytest

from wvl_robot.bench.timing import Window, lateness_ns, num_gaps, num_skipped, spread

PERIOD = 100_000_000
MS = 1_000_000


def ticks(*late_ms: float, first_ns: int = 12_345_678_901) -> np.ndarray:
    """One tick per period, each so much too late."""
    return np.array([first_ns + k * PERIOD + round(ms * MS) for k, ms in enumerate(late_ms)])


def test_lateness_is_against_the_grid_of_the_earliest_tick() -> None:
    np.testing.assert_array_equal(
        lateness_ns(ticks(2.0, 0.5, 0.5, 7.5), PERIOD), [1.5 * MS, 0, 0, 7 * MS]
    )


def test_lateness_does_not_care_which_ticks_are_missing() -> None:
    stamps = ticks(0.0, 0.2, 0.1, 0.3, 0.0, 0.4)[[0, 1, 4, 5]]
    np.testing.assert_array_equal(lateness_ns(stamps, PERIOD), [0, 0.2 * MS, 0, 0.4 * MS])


def test_lateness_of_no_ticks_is_nothing() -> None:
    assert len(lateness_ns(np.empty(0, dtype=np.int64), PERIOD)) == 0


def test_skipped_periods_are_counted_and_pauses_are_not() -> None:
    stamps = np.concatenate([ticks(*[0.1] * 12)[[0, 1, 4, 5]], ticks(0, 0, first_ns=10**12)])
    assert num_skipped(stamps, PERIOD, pause_ns=1_000_000_000) == 2


def test_a_late_tick_is_no_skipped_one() -> None:
    assert num_skipped(ticks(0.0, 45.0, 0.0), PERIOD, pause_ns=1_000_000_000) == 0


def test_gaps_of_a_counter_are_the_numbers_between_that_never_came() -> None:
    assert num_gaps(np.array([5, 6, 6, 9, 10])) == 2
    assert num_gaps(np.empty(0, dtype=np.int64)) == 0


def test_a_spread_is_in_milliseconds() -> None:
    found = spread(np.arange(1, 1001) * MS)
    assert found is not None
    assert (found.n, found.p50, found.max) == (1000, pytest.approx(500.5), 1000.0)
    assert found.p99 == pytest.approx(990.01)
    assert spread(np.empty(0)) is None


def test_a_window_holds_its_start_and_not_its_end() -> None:
    window = Window(start_ns=10, end_ns=20)
    assert window.holds(np.array([9, 10, 19, 20])).tolist() == [False, True, True, False]

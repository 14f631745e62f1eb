"""Success rates with their Wilson interval."""

import math

import pytest

from wvl_models.contract.errors import DataError
from wvl_models.evaluation.intervals import rate


def wilson(successes: int, n: int, z: float = 1.959963984540054) -> tuple[float, float]:
    """The formula, written out."""
    share = successes / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return middle - half, middle + half


@pytest.mark.parametrize(("successes", "n"), [(0, 20), (1, 20), (10, 20), (20, 20), (137, 500)])
def test_the_interval_is_wilsons_at_95_percent(successes: int, n: int) -> None:
    found = rate(successes, n)
    low, high = wilson(successes, n)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)
    assert found.value == successes / n


def test_twenty_trials_say_little() -> None:
    """facts/world_model.md section 5: about +-18 to 20 points."""
    found = rate(15, 20)
    assert 0.30 < found.high - found.low < 0.40


def test_a_rate_prints_with_its_uncertainty() -> None:
    assert str(rate(10, 20)) == "50.0 % [29.9, 70.1] (n=20)"


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (-1, 5), (6, 5)])
def test_impossible_counts_are_refused(successes: int, n: int) -> None:
    with pytest.raises(DataError, match=f"got {successes} of {n}"):
        rate(successes, n)

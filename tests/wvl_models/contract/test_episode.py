import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wvl_models.contract.episode import Label, Outcome, intervals_of
from wvl_models.contract.errors import DataError


@given(st.lists(st.sampled_from([0.0, 1.0]), max_size=60))
def test_rewards_and_intervals_are_two_ways_to_say_the_same(rewards: list[float]) -> None:
    label = Label(outcome=Outcome.SUCCESS, success_intervals=intervals_of(np.array(rewards)))
    assert label.rewards(len(rewards)).tolist() == rewards


def test_intervals_are_half_open_and_a_slip_ends_one() -> None:
    assert intervals_of(np.array([0, 1, 1, 0, 1])) == ((1, 3), (4, 5))


@pytest.mark.parametrize(
    "intervals", [((3, 3),), ((3, 2),), ((0, 4), (3, 5)), ((4, 5), (0, 1)), ((-1, 2),)]
)
def test_intervals_increase_do_not_overlap_and_are_not_empty(
    intervals: tuple[tuple[int, int], ...],
) -> None:
    with pytest.raises(DataError, match="success_intervals"):
        Label(outcome=Outcome.SUCCESS, success_intervals=intervals)


def test_intervals_beyond_the_episode_are_refused_when_used() -> None:
    label = Label(outcome=Outcome.SUCCESS, success_intervals=((3, 9),))
    with pytest.raises(DataError, match="reach step 9"):
        label.rewards(8)


@pytest.mark.parametrize("confidence", [-0.1, 1.1, float("nan")])
def test_confidence_is_a_share(confidence: float) -> None:
    with pytest.raises(DataError, match="confidence"):
        Label(outcome=Outcome.FAILURE, confidence=confidence)

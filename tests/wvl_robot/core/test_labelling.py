import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wvl_models.contract.episode import Label, Outcome
from wvl_models.contract.errors import StoreError
from wvl_models.contract.examples import example_header
from wvl_models.episodes.examples import example_arrays
from wvl_models.episodes.store import EpisodeStore
from wvl_robot.core.labelling import (
    REFEREE,
    button_label,
    operator_of,
    referee_label,
    relabel,
    withdraw,
)

HEADER = example_header(np.random.default_rng(0))


@pytest.mark.parametrize(
    ("rewards", "outcome", "intervals"),
    [
        ([0.0, 0.0, 1.0, 1.0], Outcome.SUCCESS, ((2, 4),)),
        ([0.0, 1.0, 1.0, 0.0], Outcome.NEAR_SUCCESS, ((1, 3),)),
        ([1.0, 0.0, 1.0], Outcome.SUCCESS, ((0, 1), (2, 3))),
        ([0.0, 0.0, 0.0], Outcome.FAILURE, ()),
    ],
)
def test_the_predicate_judges_by_the_last_state_and_a_slip_ends_an_interval(
    rewards: list[float], outcome: Outcome, intervals: tuple[tuple[int, int], ...]
) -> None:
    label = referee_label(rewards, HEADER, 0)
    assert label is not None
    assert (label.outcome, label.success_intervals, label.author) == (outcome, intervals, REFEREE)


@pytest.mark.parametrize("rewards", [[], [math.nan], [0.0, math.nan, 1.0]])
def test_what_nobody_could_judge_gets_no_label(rewards: list[float]) -> None:
    assert referee_label(rewards, HEADER, 0) is None


def test_a_success_button_vouches_for_the_last_step() -> None:
    label = button_label(Outcome.SUCCESS, [math.nan] * 5, HEADER, 0)
    assert label.success_intervals == ((4, 5),)


def test_other_buttons_vouch_for_no_step() -> None:
    assert button_label(Outcome.FAILURE, [math.nan] * 5, HEADER, 0).success_intervals == ()


def test_a_button_keeps_the_predicates_intervals() -> None:
    label = button_label(Outcome.NEAR_SUCCESS, [0.0, 1.0, 0.0], HEADER, 0)
    assert label.success_intervals == ((1, 2),)


def test_a_label_is_dated_by_the_episodes_start_and_the_monotonic_clock() -> None:
    label = button_label(Outcome.FAILURE, [0.0], HEADER, 90_500_000_000)
    assert label.stamp_utc == "2026-11-21T09:01:30.500000+00:00"


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[EpisodeStore]:
    """Episode `HEADER` of 4 steps in which the predicate saw success in the middle."""
    reward = np.array([0, 1, 1, 0], np.float32)
    with EpisodeStore.create(tmp_path / "store") as store:
        store.add(HEADER, replace(example_arrays(np.random.default_rng(0), 4), reward=reward))
        yield store


def test_an_outcome_given_later_keeps_where_success_was_seen(recorded: EpisodeStore) -> None:
    relabel(recorded, HEADER.episode_id, Label(outcome=Outcome.NEAR_SUCCESS))
    label = recorded.labels.current(HEADER.episode_id)
    assert label is not None
    assert (label.success_intervals, label.author) == (((1, 3),), operator_of(HEADER))


def test_intervals_that_are_named_count(recorded: EpisodeStore) -> None:
    said = Label(outcome=Outcome.SUCCESS, success_intervals=((2, 4),), author="ann")
    relabel(recorded, HEADER.episode_id, said)
    label = recorded.labels.current(HEADER.episode_id)
    assert label is not None
    assert (label.success_intervals, label.author) == (((2, 4),), "ann")


def test_withdrawing_brings_back_what_was_said_before(recorded: EpisodeStore) -> None:
    relabel(recorded, HEADER.episode_id, Label(outcome=Outcome.FAILURE, author="ann"))
    relabel(recorded, HEADER.episode_id, Label(outcome=Outcome.SUCCESS))
    assert withdraw(recorded, HEADER.episode_id, "") is Outcome.FAILURE
    with pytest.raises(StoreError, match="no label in force"):
        withdraw(recorded, HEADER.episode_id, "")

"""Suggestions: kept like labels, apart from them, and never counted as one."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from wvl_models.contract.episode import EpisodeHeader, Label, Outcome
from wvl_models.contract.errors import DataError, StoreError
from wvl_models.episodes.examples import example_arrays
from wvl_models.episodes.snapshot import EpisodeFilter
from wvl_models.episodes.store import EpisodeStore
from wvl_models.episodes.suggestions import (
    Suggestion,
    judged,
    model_suggestion,
    predicate_suggestion,
)

MakeHeader = Callable[..., EpisodeHeader]

SOURCE = "world_model:v1"
SUCCESS = np.array([0.1, 0.2, 0.9, 0.98])


@pytest.fixture
def one(store: EpisodeStore, header: MakeHeader, rng: np.random.Generator) -> EpisodeStore:
    """Episode `a` of 4 steps, recorded without any success and without a label."""
    store.add(header("a"), replace(example_arrays(rng, 4), reward=np.zeros(4, np.float32)))
    return store


def suggestion(probabilities: np.ndarray = SUCCESS) -> Suggestion:
    return model_suggestion(SOURCE, probabilities, 0.5)


@pytest.mark.parametrize(
    ("success", "outcome", "intervals"),
    [
        ([0, 0, 1, 1], Outcome.SUCCESS, ((2, 4),)),
        ([0, 1, 1, 0], Outcome.NEAR_SUCCESS, ((1, 3),)),
        ([0, 1, 0, 1], Outcome.SUCCESS, ((1, 2), (3, 4))),
        ([0, 0, 0, 0], Outcome.FAILURE, ()),
    ],
)
def test_the_last_state_decides(
    success: list[int], outcome: Outcome, intervals: tuple[tuple[int, int], ...]
) -> None:
    assert judged(np.array(success) > 0) == (outcome, intervals)


def test_a_predicate_that_could_not_judge_every_step_suggests_nothing() -> None:
    assert predicate_suggestion(np.array([0, np.nan, 1], np.float32)) is None


@pytest.mark.parametrize(
    ("probabilities", "outcome", "confidence"),
    [
        ([0.0, 1.0], Outcome.SUCCESS, 1.0),
        ([0.0, 0.6], Outcome.SUCCESS, 0.2),
        ([0.0, 0.4], Outcome.FAILURE, 0.2),
        ([0.9, 0.4], Outcome.NEAR_SUCCESS, 0.2),
        ([0.6, 0.0], Outcome.NEAR_SUCCESS, 0.2),
    ],
)
def test_confidence_is_the_distance_of_the_decisive_step_from_the_threshold(
    probabilities: list[float], outcome: Outcome, confidence: float
) -> None:
    made = model_suggestion(SOURCE, np.array(probabilities), 0.5)
    assert made.outcome is outcome
    assert made.confidence == pytest.approx(confidence)


def test_suggestions_survive_reopening(one: EpisodeStore) -> None:
    one.suggestions.add("a", suggestion())
    (found,) = EpisodeStore(one.root).suggestions.of("a")
    assert replace(found, stamp_utc="") == suggestion()
    assert found.stamp_utc


def test_the_newest_suggestion_of_each_source_counts(one: EpisodeStore) -> None:
    one.suggestions.add("a", suggestion())
    one.suggestions.add("a", replace(suggestion(), source="world_model:v2"))
    one.suggestions.add("a", suggestion(np.zeros(4)))
    found = {made.source: made.outcome for made in one.suggestions.of("a")}
    assert found == {"world_model:v2": Outcome.SUCCESS, SOURCE: Outcome.FAILURE}


def test_a_suggestion_is_no_label(one: EpisodeStore) -> None:
    before = one.snapshot()
    one.suggestions.add("a", suggestion())
    (row,) = one.summary()
    assert row.suggestion is not None
    assert row.label is None
    assert row.authors == ()
    assert one.labels.history("a") == ()
    assert not one.rewards("a").any()
    assert one.summary(EpisodeFilter(outcomes=(Outcome.SUCCESS,))) == ()
    assert one.snapshot() == before


def test_a_suggestion_that_contradicts_a_label_is_no_disagreement(one: EpisodeStore) -> None:
    one.labels.add("a", Label(outcome=Outcome.FAILURE, author="ann"))
    one.suggestions.add("a", suggestion())
    assert not one.summary()[0].is_disputed


def test_a_suggestion_of_another_length_is_refused(one: EpisodeStore) -> None:
    with pytest.raises(StoreError, match="has 5 steps, episode a has 4"):
        one.suggestions.add("a", suggestion(np.zeros(5)))


def test_a_suggestion_for_no_episode_is_refused(one: EpisodeStore) -> None:
    with pytest.raises(StoreError, match="no episode nowhere"):
        one.suggestions.add("nowhere", suggestion())


def test_probabilities_are_kept_in_percent() -> None:
    assert suggestion().success_probabilities == (0.1, 0.2, 0.9, 0.98)


def test_percents_outside_are_refused() -> None:
    with pytest.raises(DataError, match="must lie in 0 to 100"):
        replace(suggestion(), success_percent=bytes([0, 0, 100, 101]))


def test_intervals_outside_are_refused() -> None:
    with pytest.raises(DataError, match="reach step 5 of 4"):
        replace(suggestion(), success_intervals=((2, 5),))


def test_a_damaged_line_is_named_and_repair_gives_up_that_line_alone(one: EpisodeStore) -> None:
    one.suggestions.add("a", suggestion())
    one.suggestions.add("a", replace(suggestion(), source="world_model:v2"))
    one.close()
    path = one.layout.suggestions
    path.write_bytes(path.read_bytes().replace(b"world_model:v1", b"world_model:vX", 1))
    with EpisodeStore(one.root) as later:
        with pytest.raises(StoreError, match=r"suggestions.jsonl is damaged in line 1"):
            later.suggestions.of("a")
        assert "suggestions.jsonl is damaged" in later.log_damages()[0]
        assert later.labels.current("a") is None
        (repair,) = later.repair()
        assert "suggestions.jsonl" in repair.detail
        assert [made.source for made in later.suggestions.of("a")] == ["world_model:v2"]

"""What a list of episodes says, and which ones want a look first."""

from collections.abc import Callable

import numpy as np
import pytest

from wvl_models.contract.episode import EpisodeHeader, Label, Outcome
from wvl_models.episodes.examples import example_arrays
from wvl_models.episodes.overview import Need, in_queue
from wvl_models.episodes.store import EpisodeStore
from wvl_models.episodes.suggestions import model_suggestion

MakeHeader = Callable[..., EpisodeHeader]


def label(author: str, outcome: Outcome = Outcome.SUCCESS, confidence: float = 1.0) -> Label:
    return Label(outcome=outcome, author=author, confidence=confidence)


@pytest.fixture
def fill(
    store: EpisodeStore, header: MakeHeader, rng: np.random.Generator
) -> Callable[..., EpisodeStore]:
    """Adds episodes of two steps by id, each with some labels."""

    def add(**labels: tuple[Label, ...]) -> EpisodeStore:
        for episode_id, given in labels.items():
            store.add(header(episode_id), example_arrays(rng, 2))
            for one in given:
                store.labels.add(episode_id, one)
        return store

    return add


def order(store: EpisodeStore) -> list[str]:
    return [row.facts.episode_id for row in in_queue(store.summary())]


def test_disagreement_first_then_unlabelled_then_low_confidence(
    fill: Callable[..., EpisodeStore],
) -> None:
    store = fill(
        a_sure=(label("ann"),),
        b_unsure=(label("ann", confidence=0.6),),
        c_very_unsure=(label("ann", confidence=0.2),),
        d_unlabelled=(),
        e_disputed=(label("ann"), label("bob", Outcome.FAILURE)),
    )
    assert order(store) == ["e_disputed", "d_unlabelled", "c_very_unsure", "b_unsure", "a_sure"]
    needs = {row.facts.episode_id: row.need for row in store.summary()}
    assert needs == {
        "a_sure": Need.NOTHING,
        "b_unsure": Need.UNSURE,
        "c_very_unsure": Need.UNSURE,
        "d_unlabelled": Need.UNLABELLED,
        "e_disputed": Need.DISPUTED,
    }


def test_among_the_unlabelled_the_least_sure_suggestion_comes_first(
    fill: Callable[..., EpisodeStore],
) -> None:
    store = fill(a=(), b=(), c=())
    store.suggestions.add("a", model_suggestion("m", np.array([0.0, 1.0]), 0.5))
    store.suggestions.add("b", model_suggestion("m", np.array([0.0, 0.6]), 0.5))
    assert order(store) == ["c", "b", "a"]


def test_among_the_settled_a_contradicting_suggestion_comes_first(
    fill: Callable[..., EpisodeStore],
) -> None:
    store = fill(a=(label("ann"),), b=(label("ann"),))
    store.suggestions.add("a", model_suggestion("m", np.array([0.0, 1.0]), 0.5))
    store.suggestions.add("b", model_suggestion("m", np.array([0.0, 0.0]), 0.5))
    assert order(store) == ["b", "a"]


def test_one_row_is_the_same_as_in_the_whole(fill: Callable[..., EpisodeStore]) -> None:
    store = fill(a=(label("ann"), label("bob", Outcome.FAILURE)), b=())
    store.suggestions.add("a", model_suggestion("m", np.array([0.0, 1.0]), 0.5))
    assert store.summary_of("a") == store.summary()[0]


def test_a_disagreement_is_a_sentence(fill: Callable[..., EpisodeStore]) -> None:
    store = fill(a=(label("ann"), label("bob", Outcome.FAILURE)))
    found = store.summary_of("a").disagreement
    assert str(found) == "ann, bob disagree: failure or success"

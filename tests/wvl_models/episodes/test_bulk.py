"""Nothing looks for garbage while a store is listed, and afterwards everything is as before."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from wvl_models.contract.episode import EpisodeHeader, Label, Outcome
from wvl_models.episodes.bulk import no_collections
from wvl_models.episodes.examples import example_arrays
from wvl_models.episodes.store import EpisodeStore


@contextmanager
def eager_collector() -> Iterator[list[str]]:
    """A collector that runs at every tenth object; says when it did."""
    runs: list[str] = []
    before = gc.get_threshold()
    gc.set_threshold(10)
    gc.callbacks.append(lambda phase, info: runs.append(phase))
    try:
        yield runs
    finally:
        gc.callbacks.pop()
        gc.set_threshold(*before)


def test_a_store_is_listed_without_a_collection(
    store: EpisodeStore, header: Callable[..., EpisodeHeader], rng: np.random.Generator
) -> None:
    for number in range(20):
        store.add(header(f"e{number}"), example_arrays(rng, 2))
        store.labels.add(f"e{number}", Label(outcome=Outcome.SUCCESS, author="ann"))
    reader = EpisodeStore(store.root)
    with eager_collector() as runs:
        assert len(reader.overview()[0]) == 20
        assert len(runs) < 10  # a few before and after it; 40 without
    assert gc.isenabled()


def test_the_collector_is_on_again_after_an_error_and_after_the_outer_of_two() -> None:
    with pytest.raises(ValueError, match="no"), no_collections():
        raise ValueError("no")
    assert gc.isenabled()
    with no_collections():
        with no_collections():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with no_collections():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()

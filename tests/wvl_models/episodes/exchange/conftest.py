"""Stores with something to exchange."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wvl_models.contract.episode import Label, Outcome
from wvl_models.contract.examples import example_header
from wvl_models.episodes.examples import example_arrays
from wvl_models.episodes.store import EpisodeStore

MakeStore = Callable[..., EpisodeStore]


@pytest.fixture
def make_store(tmp_path: Path) -> Iterator[MakeStore]:
    """`make_store("name", num_episodes=3, size=16)`: episodes of 5, 6, 7 steps, two instructions.

    The first has two people's labels, the second one, the others none.
    """
    opened: list[EpisodeStore] = []

    def make(name: str = "store", *, num_episodes: int = 3, size: int = 16) -> EpisodeStore:
        rng = np.random.default_rng(0)
        store = EpisodeStore.create(tmp_path / name)
        opened.append(store)
        said = Label(outcome=Outcome.SUCCESS, success_intervals=((3, 5),), author="predicate")
        for number in range(num_episodes):
            header = replace(
                example_header(rng),
                episode_id=f"ep-{number}",
                instruction=("lift the cube", "push the mug")[number % 2],
            )
            arrays = example_arrays(rng, 5 + number, width=size, height=size)
            store.add(header, arrays, said if number < 2 else None)
        if num_episodes:
            store.labels.add("ep-0", Label(outcome=Outcome.NEAR_SUCCESS, author="ann"))
        return store

    yield make
    for store in opened:
        store.close()

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wvl_models.contract.episode import Label, Outcome
from wvl_models.contract.errors import DataError
from wvl_models.contract.examples import example_header
from wvl_models.episodes.examples import example_arrays
from wvl_models.episodes.store import EpisodeStore
from wvl_models.loop.pretrain import FIRST_SANS_SEED, PretrainConfig, select_reels

SUCCESS, FAILURE = Outcome.SUCCESS, Outcome.FAILURE
EPISODES = {
    "careful": ("mug_on_plate", 3, SUCCESS),
    "missed": ("mug_on_plate", 4, FAILURE),
    "sans": ("mug_on_plate", FIRST_SANS_SEED, SUCCESS),
    "held-out": ("lift_cube", 5, SUCCESS),
    "foreign": ("juggle", 6, SUCCESS),
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EpisodeStore]:
    rng = np.random.default_rng(0)
    header = example_header(rng)
    camera = header.calibration.intrinsics
    with EpisodeStore.create(tmp_path / "episodes") as store:
        for name, (task, seed, outcome) in EPISODES.items():
            store.add(
                replace(header, episode_id=name, task=task, seed=seed),
                example_arrays(rng, width=camera.width, height=camera.height),
                Label(outcome=outcome, author="test"),
            )
        yield store


def _names(store: EpisodeStore, *, for_policy: bool) -> set[str]:
    reels = select_reels(store, PretrainConfig(), for_policy=for_policy)
    return {reel.episode_id for reel in reels}


def test_the_world_model_learns_from_every_attempt_at_its_tasks(store: EpisodeStore) -> None:
    assert _names(store, for_policy=False) == {"careful", "missed", "sans", "held-out"}


def test_the_policy_learns_from_careful_successes_of_other_tasks_alone(
    store: EpisodeStore,
) -> None:
    assert _names(store, for_policy=True) == {"careful"}


def test_an_empty_store_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="collect some first"):
        select_reels(EpisodeStore.create(tmp_path / "new"), PretrainConfig(), for_policy=True)


def test_careful_attempts_and_near_successes_have_seeds_of_their_own() -> None:
    attempts = PretrainConfig().attempts()
    assert len({attempt.seed for attempt in attempts}) == len(attempts)
    assert all((a.near_share == 0) == (a.seed < FIRST_SANS_SEED) for a in attempts)

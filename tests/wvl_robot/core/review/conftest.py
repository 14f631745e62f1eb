"""Stores on disk to review, and patience for the threads that read them."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wvl_models.contract.episode import Label, Origin, Outcome
from wvl_models.contract.examples import example_header
from wvl_models.episodes.examples import example_arrays
from wvl_models.episodes.store import EpisodeStore

NUM_STEPS = 6
PATIENCE_S = 30.0

AddEpisode = Callable[..., None]


def wait_for(is_true: Callable[[], bool]) -> None:
    """Until it is; the threads of a busy machine may take long."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_true():
        assert time.monotonic() < deadline, "has not happened"
        time.sleep(0.002)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EpisodeStore]:
    with EpisodeStore.create(tmp_path / "store") as opened:
        yield opened


@pytest.fixture
def add(store: EpisodeStore, rng: np.random.Generator) -> AddEpisode:
    """Adds an episode with the labels of some authors: `add("a", ann=Outcome.SUCCESS)`."""

    def episode(
        episode_id: str,
        *,
        task: str = "lift_cube",
        origin: Origin = Origin.TELEOP,
        created_utc: str = "2026-11-21T09:00:00+00:00",
        rewards: list[float] | None = None,
        **labels: Outcome | Label,
    ) -> None:
        header = replace(
            example_header(rng, origin=origin),
            episode_id=episode_id,
            task=task,
            created_utc=created_utc,
        )
        unknown = np.full(NUM_STEPS, np.nan)
        arrays = replace(
            example_arrays(rng, NUM_STEPS),
            reward=np.array(unknown if rewards is None else rewards, np.float32),
        )
        store.add(header, arrays)
        for author, said in labels.items():
            label = Label(outcome=said) if isinstance(said, Outcome) else said
            store.labels.add(episode_id, replace(label, author=author))

    return episode

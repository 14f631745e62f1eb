"""Stores to test with."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wvl_models.contract.episode import EpisodeHeader
from wvl_models.contract.examples import example_header
from wvl_models.episodes.store import EpisodeStore


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EpisodeStore]:
    with EpisodeStore.create(tmp_path / "store") as opened:
        yield opened


@pytest.fixture
def header(rng: np.random.Generator) -> Callable[..., EpisodeHeader]:
    """Headers by id: `header("a", task="lift")`."""

    def make(episode_id: str, **changes: object) -> EpisodeHeader:
        return replace(example_header(rng), episode_id=episode_id, **changes)

    return make


@pytest.fixture
def copy_of(tmp_path: Path) -> Callable[[EpisodeStore], EpisodeStore]:
    """A copy of a store on the disk, to damage."""
    number = iter(range(1_000_000))

    def copy(original: EpisodeStore) -> EpisodeStore:
        target = tmp_path / f"copy-{next(number)}"
        shutil.copytree(original.root, target, symlinks=True)
        return EpisodeStore(target)

    return copy

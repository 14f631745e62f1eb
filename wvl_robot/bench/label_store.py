"""A large store for the benchmark of the labelling panel: small episodes and a real-size one."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from wvl_models.contract.episode import Label, Outcome
from wvl_models.contract.examples import example_header
from wvl_models.episodes.arrays import EpisodeArrays
from wvl_models.episodes.examples import example_arrays
from wvl_models.episodes.filesystem import FileSystem
from wvl_models.episodes.store import EpisodeStore
from wvl_models.episodes.suggestions import model_suggestion
from wvl_robot.bench.episode_timing import make_steps
from wvl_robot.bench.frames import add_noise, render_frames

NUM_STEPS, NUM_LONG_STEPS, NUM_FRAMES = 40, 150, 30

OUTCOMES = (Outcome.SUCCESS, Outcome.NEAR_SUCCESS, Outcome.FAILURE)


class UnsyncedDisk(FileSystem):
    """Nothing here outlives a power failure, and nobody minds."""

    def sync(self, descriptor: int) -> None:
        """Not now."""

    def sync_folder(self, path: Path) -> None:
        """Not now."""


def make_store(root: Path, num_episodes: int, seed: int, on_episode: Callable[[int], None]) -> None:
    """Episodes of 8x6 pixels, the last one of 640x480.

    Nine of ten are labelled, one of five by two people who may disagree, and all have a suggestion
    with a probability for each step. `on_episode` is told how many there are.
    """
    rng = np.random.default_rng(seed)
    header, small = example_header(rng), example_arrays(rng, NUM_STEPS)
    frames = add_noise(render_frames(NUM_FRAMES, seed), seed)
    large = EpisodeArrays.from_steps(make_steps(frames, NUM_LONG_STEPS, seed))
    with EpisodeStore.create(root, UnsyncedDisk()) as store:
        for number in range(num_episodes):
            name = f"e{number:06d}"
            arrays = small if number < num_episodes - 1 else large
            store.add(replace(header, episode_id=name), arrays)
            _say(store, name, number, rng.random(arrays.num_steps))
            on_episode(number + 1)


def _say(store: EpisodeStore, name: str, number: int, probabilities: np.ndarray) -> None:
    """What people and a model have to say about it."""
    if number % 10:
        confidence = 1.0 if number % 7 else 0.5
        outcome = OUTCOMES[number % len(OUTCOMES)]
        store.labels.add(name, Label(outcome=outcome, author="ann", confidence=confidence))
    if number % 5 == 0:
        store.labels.add(name, Label(outcome=OUTCOMES[number % 2], author="bob"))
    store.suggestions.add(name, model_suggestion("world_model:v1", probabilities, 0.5))

"""The reward head on recorded frames."""

import numpy as np
import pytest

from tests.learning import STEPS, example_reel, small_world
from wvl_models.episodes.reels import Reel
from wvl_models.world_model.scoring import success_probabilities


def cut(reel: Reel, num_steps: int) -> Reel:
    """The beginning of a reel."""
    return Reel(
        episode_id=reel.episode_id,
        task=reel.task,
        instruction=reel.instruction,
        camera=reel.camera,
        frames=reel.frames[:num_steps],
        targets=reel.targets[:num_steps],
        rewards=reel.rewards[:num_steps],
    )


@pytest.fixture
def reel() -> Reel:
    return example_reel(np.random.default_rng(0), num_chunks=3)


@pytest.mark.parametrize("num_steps", [2, STEPS, STEPS + 1, STEPS + 2, 3 * STEPS + 1])
def test_every_step_of_an_episode_of_any_length_is_judged(reel: Reel, num_steps: int) -> None:
    found = success_probabilities(small_world(), cut(reel, num_steps))
    assert found.shape == (num_steps,)
    assert ((found >= 0) & (found <= 1)).all()
    assert found[0] == found[1]


def test_the_same_frames_get_the_same_judgement(reel: Reel) -> None:
    world = small_world()
    assert np.array_equal(success_probabilities(world, reel), success_probabilities(world, reel))


def test_the_frames_are_what_is_judged(reel: Reel) -> None:
    world = small_world()
    found = success_probabilities(world, reel)
    frames = reel.frames.copy()
    frames[1 + STEPS : 1 + 2 * STEPS] = 255 - frames[1 + STEPS : 1 + 2 * STEPS]
    other = Reel(
        episode_id=reel.episode_id,
        task=reel.task,
        instruction=reel.instruction,
        camera=reel.camera,
        frames=frames,
        targets=reel.targets,
        rewards=reel.rewards,
    )
    changed = success_probabilities(world, other)
    assert np.array_equal(found[: 1 + STEPS], changed[: 1 + STEPS]), "an earlier clip"
    assert not np.array_equal(found[1 + STEPS : 1 + 2 * STEPS], changed[1 + STEPS : 1 + 2 * STEPS])

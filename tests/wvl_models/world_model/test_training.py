"""Training of the world model: it learns rewards and frames, resumes to the bit, draws windows."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.learning import STEPS, example_reel, small_world
from wvl_models.contract.errors import DataError
from wvl_models.episodes.reels import Reel
from wvl_models.training.state import StateFolder
from wvl_models.world_model.data import ClipSampler
from wvl_models.world_model.model import CosmosWorldModel
from wvl_models.world_model.training import WorldModelTraining, train_world_model

TINY = WorldModelTraining(num_steps=6, batch_size=4, learning_rate=1e-3, warm_up=2)


def reels(count: int = 4) -> list[Reel]:
    rng = np.random.default_rng(0)
    return [example_reel(rng, is_success=bool(index % 2)) for index in range(count)]


def train(
    model: CosmosWorldModel, config: WorldModelTraining, folder: StateFolder | None = None
) -> list[tuple[float, float]]:
    reports = train_world_model(model, reels(), config, seed=0, folder=folder)
    return [(r.flow_loss, r.reward_loss) for r in reports]


def test_training_reduces_both_losses() -> None:
    config = TINY.model_copy(update={"num_steps": 120, "batch_size": 8, "learning_rate": 3e-3})
    losses = np.array(train(small_world(), config))
    first, last = losses[:10].mean(axis=0), losses[-10:].mean(axis=0)
    assert (last < 0.6 * first).all()


def test_training_ends_ready_to_imagine() -> None:
    model = small_world()
    train(model, TINY)
    assert not model.training


def test_an_interrupted_run_ends_with_the_same_bits(tmp_path: Path) -> None:
    whole = small_world()
    expected = train(whole, TINY)
    folder = StateFolder(path=tmp_path / "state", fingerprint="a")
    run = train_world_model(small_world(), reels(), TINY, seed=0, folder=folder)
    before = [(r.flow_loss, r.reward_loss) for r in (next(run), next(run), next(run))]
    run.close()
    continued = small_world(seed=9)
    assert before + train(continued, TINY, folder) == expected
    for name, value in whole.dit.state_dict().items():
        assert torch.equal(value, continued.dit.state_dict()[name]), name


def test_a_clip_holds_a_window_and_the_rewards_behind_its_actions() -> None:
    """Action k leads to observation k + 1; its reward is that observation's."""
    world, reel = small_world(), reels(2)[1]
    clip = ClipSampler([reel], world).batch([reel], [5])
    video = torch.from_numpy(reel.frames[None, 5 : 5 + STEPS + 1])
    torch.testing.assert_close(clip.latents, world.tokenizer.encode(video))
    assert clip.rewards[0].tolist() == reel.rewards[6 : 6 + STEPS].tolist()
    position = reel.targets[6 : 6 + STEPS, :3]
    centre = np.array([0.45, 0.0, 0.15])
    np.testing.assert_allclose(
        clip.condition.poses[0, :, :3].numpy() * 0.25 + centre, position, atol=1e-6
    )


def test_an_episode_that_ends_inside_a_clip_lasts() -> None:
    world, reel = small_world(), reels(2)[1]
    clip = ClipSampler([reel], world).batch([reel], [len(reel.frames) - 3])
    assert clip.rewards[0].tolist() == [reel.rewards[-2], *[reel.rewards[-1]] * (STEPS - 1)]
    poses = clip.condition.poses[0]
    assert (poses[1:] == poses[1]).all()


def test_clips_begin_at_chunks_more_often_than_not() -> None:
    world, reel = small_world(), reels(1)[0]
    sampler, rng = ClipSampler([reel], world), np.random.default_rng(0)
    starts = np.array([sampler._start(reel, rng) for _ in range(500)])
    assert starts.min() == 0
    assert starts.max() == len(reel.frames) - 1 - STEPS
    expected = 0.7 + 0.3 * 2 / (STEPS + 1)
    assert np.mean(starts % STEPS == 0) == pytest.approx(expected, abs=0.06)


def test_no_episodes_no_training() -> None:
    with pytest.raises(DataError, match="at least one episode"):
        ClipSampler([], small_world())


def test_an_episode_of_another_size_is_refused_by_name() -> None:
    reel = reels(1)[0]
    with pytest.raises(DataError, match=f"episode {reel.episode_id} has frames of"):
        ClipSampler([replace(reel, frames=reel.frames[:, ::2])], small_world())

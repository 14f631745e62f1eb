"""Imagination: what follows from a frame, a chunk of targets and one noise."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.learning import (
    SIDE,
    STEPS,
    example_camera,
    example_reel,
    example_tokenizer,
    small_world,
    small_world_config,
)
from wvl_models.contract.errors import DataError
from wvl_models.contract.pose import Pose
from wvl_models.episodes.reels import Reel
from wvl_models.world_model.config import NoiseConfig, Prediction
from wvl_models.world_model.data import ClipSampler
from wvl_models.world_model.diffusion import CONTEXT_SIGMA
from wvl_models.world_model.model import PLAY_BATCH, CosmosWorldModel

VARIANTS = [
    {},
    {
        "prediction": Prediction.VELOCITY,
        "still_residual": False,
        "noise": NoiseConfig(num_steps=3),
    },
]
"""Our one-step model of x0, and NVIDIA's sampler of velocities."""


@pytest.fixture(params=VARIANTS, ids=["tiny", "nvidia"])
def world(request: pytest.FixtureRequest) -> CosmosWorldModel:
    return small_world(**request.param)


def reel(seed: int = 0) -> Reel:
    return example_reel(np.random.default_rng(seed))


def noise(world: CosmosWorldModel, num_clips: int = 1, seed: int = 0) -> Tensor:
    return world.draw_noise(num_clips, torch.Generator().manual_seed(seed))


def chunk(of: Reel, index: int = 0) -> np.ndarray:
    return of.targets[None, 1 + index * STEPS : 1 + (index + 1) * STEPS]


def test_a_dream_is_one_frame_and_one_reward_per_action(world: CosmosWorldModel) -> None:
    dream = world.imagine(reel().frames[:1], chunk(reel()), noise(world))
    assert dream.frames.shape == (1, STEPS, SIDE, SIDE, 3)
    assert dream.frames.dtype == np.uint8
    assert dream.rewards.shape == (1, STEPS)
    assert torch.isfinite(dream.rewards).all()


def test_the_same_noise_gives_the_same_dream(world: CosmosWorldModel) -> None:
    first, again, other = (
        world.imagine(reel().frames[:1], chunk(reel()), noise(world, seed=seed))
        for seed in (0, 0, 1)
    )
    assert np.array_equal(first.frames, again.frames)
    assert torch.equal(first.rewards, again.rewards)
    assert not np.array_equal(first.frames, other.frames)


def test_actions_frame_and_noise_all_matter(world: CosmosWorldModel) -> None:
    base = world.imagine(reel().frames[:1], chunk(reel()), noise(world)).rewards
    for frames, targets in (
        (reel(1).frames[:1], chunk(reel())),
        (reel().frames[:1], chunk(reel(1))),
    ):
        assert not torch.allclose(base, world.imagine(frames, targets, noise(world)).rewards)


def test_play_is_imagine_without_the_frames_between(world: CosmosWorldModel) -> None:
    dream = world.imagine(reel().frames[:2], chunk(reel()).repeat(2, 0), noise(world))
    end = world.play(reel().frames[:2], chunk(reel()).repeat(2, 0), noise(world))
    assert np.array_equal(end.last_frames, dream.frames[:, -1])
    torch.testing.assert_close(end.rewards, dream.rewards)


def test_play_answers_large_batches_like_single_clips(world: CosmosWorldModel) -> None:
    count = PLAY_BATCH + 3
    frames = np.concatenate([reel(0).frames, reel(1).frames, reel(2).frames])[:count]
    targets = np.concatenate([chunk(reel(seed % 5)) for seed in range(count)])
    many = noise(world, count)
    end = world.play(frames, targets, many)
    assert len(end.last_frames) == len(end.rewards) == count
    for row in (0, PLAY_BATCH - 1, PLAY_BATCH, count - 1):
        one = world.play(frames[row : row + 1], targets[row : row + 1], many[row : row + 1])
        torch.testing.assert_close(one.rewards[0], end.rewards[row], atol=1e-4, rtol=1e-4)
        change = one.last_frames[0].astype(int) - end.last_frames[row]
        assert np.abs(change).max() <= 1


def test_chunks_chain_on_the_imagined_frame(world: CosmosWorldModel) -> None:
    first = world.play(reel().frames[:1], chunk(reel()), noise(world))
    seen: list[Tensor] = []
    handle = world.dit.register_forward_pre_hook(lambda _, args: seen.append(args[0].clone()))
    world.play(first.last_frames, chunk(reel(), 1), noise(world))
    handle.remove()
    expected = world.tokenizer.encode(torch.from_numpy(first.last_frames)[:, None])
    torch.testing.assert_close(seen[0][:, :, :1], expected)


def test_the_context_frame_is_clean_and_said_to_be(world: CosmosWorldModel) -> None:
    """FRAME_REPLACE and t(1e-4) on context frames (facts/world_model.md 1.3)."""
    calls: list[tuple[Tensor, ...]] = []
    handle = world.dit.register_forward_pre_hook(lambda _, args: calls.append(args[:3]))
    world.imagine(reel().frames[:1], chunk(reel()), noise(world))
    handle.remove()
    clean = world.tokenizer.encode(torch.from_numpy(reel().frames[:1])[:, None])
    for x_t, t, is_context in calls:
        torch.testing.assert_close(x_t[:, :, :1], clean)
        assert t[0, 0] == pytest.approx(CONTEXT_SIGMA, rel=1e-3)
        assert (t[0, 1:] == t[0, 1]).all()
        assert is_context.tolist() == [True] + [False] * (STEPS // 4)
    assert calls[0][1][0, 1] == pytest.approx(80 / 81)


def test_the_dream_moves_with_the_calibrated_camera() -> None:
    """Our spatial conditioning: another pose of the camera, another place of the gripper."""
    here = small_world()
    aside = Pose(position_m=np.array([0.05, 0.0, 0.0]), quaternion_xyzw=np.array([0.0, 0, 0, 1]))
    camera = example_camera()
    there = small_world()
    there.camera = replace(camera, base_T_camera=camera.base_T_camera.compose(aside))
    one, other = (
        model.imagine(reel().frames[:1], chunk(reel()), noise(model)).rewards
        for model in (here, there)
    )
    assert (one - other).abs().max() > 1e-3


def test_training_and_imagination_ask_the_network_the_same_question() -> None:
    """At one noise level the loss's network input is the sampler's: context, times, poses."""
    world = small_world(noise=NoiseConfig(sampling="half_max", num_steps=1, clean_pass=False))
    clip = ClipSampler([reel()], world).batch([reel()], [0])
    calls: list[tuple] = []
    handle = world.dit.register_forward_pre_hook(lambda _, args: calls.append(args))
    for seed in range(8):
        world.loss(clip, torch.Generator().manual_seed(seed))
    world.imagine(reel().frames[:1], chunk(reel()), noise(world))
    handle.remove()
    *trained, (_, t, is_context, acted, still) = calls
    same = [call for call in trained if torch.allclose(call[1], t)]
    assert same, "half of the training clips are at the largest noise"
    for x_t, _, context, poses, shown in same:
        assert torch.equal(context, is_context)
        torch.testing.assert_close(poses.poses, acted.poses)
        torch.testing.assert_close(poses.pixels, acted.pixels)
        torch.testing.assert_close(shown, still)
        torch.testing.assert_close(x_t[:, :, :1], still[:, :, :1])


def test_context_noise_is_added_in_training_only() -> None:
    world = small_world()
    clip = ClipSampler([reel()], world).batch([reel()], [0])
    calls: list[Tensor] = []
    handle = world.dit.register_forward_pre_hook(lambda _, args: calls.append(args[0]))
    world.loss(clip, torch.Generator().manual_seed(0))
    world.imagine(reel().frames[:1], chunk(reel()), noise(world))
    handle.remove()
    spread = [(x[:, :, :1] - clip.still[:, :, :1]).abs().max() for x in calls]
    assert spread[0] > 1e-3
    assert spread[1] == 0


def test_the_context_frame_costs_nothing_in_the_loss() -> None:
    """Not even its noise; but it stays in the mean's denominator (facts/world_model.md 1.3)."""
    world = small_world()
    clip = ClipSampler([reel()], world).batch([reel()], [0])
    calls: list[tuple[float, Tensor]] = []
    world.dit.register_forward_hook(
        lambda _, args, output: calls.append((float(args[1][0, -1]), output[0]))
    )
    with torch.no_grad():
        parts = world.loss(clip, torch.Generator().manual_seed(0))
    t, output = calls[0]
    error = (clip.still + output - clip.latents).square()
    error[:, :, 0] = 0.0
    assert float(parts.flow) == pytest.approx(float(error.mean()) / max(t, 0.5) ** 2, rel=1e-4)


@pytest.mark.parametrize("num_steps", [STEPS - 1, STEPS + 1, 2 * STEPS])
def test_another_number_of_steps_is_refused(num_steps: int) -> None:
    world = small_world()
    with pytest.raises(DataError, match=f"imagines {STEPS} steps"):
        world.imagine(reel().frames[:1], np.zeros((1, num_steps, 8)), noise(world))


def test_a_tokenizer_of_other_channels_is_refused() -> None:
    with pytest.raises(DataError, match="has 8 channels"):
        CosmosWorldModel(small_world_config(), example_tokenizer(channels=8), example_camera())

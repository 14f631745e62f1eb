"""What the networks are trained on is what they are given on the arm and in imagination."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.learning import INSTRUCTION, SPEC, STEPS, VIEW, small_agent, small_world
from wvl_models.contract.camera import Intrinsics
from wvl_models.contract.episode import Label, Outcome, Step
from wvl_models.contract.examples import example_header
from wvl_models.episodes.arrays import EpisodeArrays
from wvl_models.episodes.examples import example_steps
from wvl_models.episodes.reels import Reel, read_reels
from wvl_models.episodes.store import EpisodeStore
from wvl_models.policy.agent import PolicyAgent
from wvl_models.policy.augment import AugmentConfig
from wvl_models.policy.sft import ChunkSampler, SFTConfig, train_policy
from wvl_models.rl.config import GRPOConfig
from wvl_models.rl.protocols import StartStates
from wvl_models.rl.rollout import imagine_rollouts
from wvl_models.world_model.data import ClipSampler

CAMERA = Intrinsics(width=160, height=120, fx=150.0, fy=150.0, cx=80.0, cy=60.0)

PREPROCESSING = [
    {},
    {"jpeg_round_trip": True, "centre_crop": 0.9, "image_size": 56, "patch_size": 14},
]
"""As `tiny` does it, and as OpenVLA-OFT does."""

NO_AUGMENTATION = AugmentConfig(crop_area=None, brightness=0, contrast=0, saturation=0)


@contextmanager
def network_inputs(agent: PolicyAgent) -> Iterator[list[tuple[Tensor, Tensor]]]:
    """Images and prompts of every pass of the policy's vision and language."""
    seen: list[tuple[Tensor, Tensor]] = []
    hook = agent.network.register_forward_pre_hook(
        lambda _, args: seen.append((args[0].clone(), args[1].clone()))
    )
    yield seen
    hook.remove()


@pytest.fixture
def episode(tmp_path: Path) -> tuple[list[Step], Reel]:
    """What the session saw, and the reel that the store makes of it."""
    rng = np.random.default_rng(0)
    steps = example_steps(rng, STEPS + 1, width=CAMERA.width, height=CAMERA.height)
    steps = [
        replace(step, observation=replace(step.observation, instruction=INSTRUCTION))
        for step in steps
    ]
    header = example_header(rng)
    header = replace(header, calibration=replace(header.calibration, intrinsics=CAMERA))
    with EpisodeStore.create(tmp_path / "store") as store:
        store.add(
            header, EpisodeArrays.from_steps(steps), Label(outcome=Outcome.SUCCESS, author="ann")
        )
        return steps, next(read_reels(store.view(), [header.episode_id], VIEW))


@pytest.mark.parametrize("changes", PREPROCESSING)
def test_sft_sees_what_the_live_policy_sees(
    episode: tuple[list[Step], Reel], changes: dict[str, object]
) -> None:
    steps, reel = episode
    agent = small_agent(**changes)
    sft = SFTConfig(num_steps=1, batch_size=2, action_ids_only=True, augment=NO_AUGMENTATION)
    with network_inputs(agent) as seen:
        agent.act([steps[0].observation], CAMERA)
        next(train_policy(agent, [reel], sft, seed=0))
    (live, live_prompt), (trained, trained_prompt) = seen
    assert torch.equal(live_prompt, trained_prompt)
    torch.testing.assert_close(live.expand_as(trained), trained, rtol=0, atol=1e-6)
    assert live.std() > 0.02, "the example must show something"


@pytest.mark.parametrize("changes", PREPROCESSING)
def test_imagination_sees_what_the_live_policy_sees(
    episode: tuple[list[Step], Reel], changes: dict[str, object]
) -> None:
    steps, reel = episode
    agent = small_agent(**changes)
    starts = StartStates(
        frames=reel.frames[:1], targets=reel.targets[:1], instruction=reel.instruction
    )
    config = GRPOConfig(num_prompts=1, group_size=2, num_chunks=1)
    with network_inputs(agent) as seen:
        agent.act([steps[0].observation], CAMERA)
        imagine_rollouts(
            agent,
            small_world(),
            starts,
            config,
            np.random.default_rng(0),
            torch.Generator().manual_seed(0),
        )
    (live, live_prompt), (imagined, imagined_prompt) = seen
    assert torch.equal(live_prompt, imagined_prompt)
    assert torch.equal(live, imagined)


def test_every_observation_of_an_episode_is_seen_alike(
    episode: tuple[list[Step], Reel],
) -> None:
    steps, reel = episode
    for step, frame, target in zip(steps, reel.frames, reel.targets, strict=True):
        live = VIEW.through(step.observation.frame.rgb[None], CAMERA)[0]
        assert np.array_equal(live, frame)
        assert target == pytest.approx(step.observation.target.as_row())


def test_the_policy_and_the_world_model_look_through_one_view(
    episode: tuple[list[Step], Reel],
) -> None:
    steps, reel = episode
    agent, world = small_agent(), small_world()
    assert agent.view == world.view
    live = agent.view.through(steps[0].observation.frame.rgb[None], CAMERA)
    context = world.tokenizer.still(torch.from_numpy(live), world.config.num_latents)
    trained = ClipSampler([reel], world).batch([reel], [0])
    torch.testing.assert_close(trained.still, context)
    torch.testing.assert_close(trained.latents[:, :, :1], context[:, :, :1])


def test_the_tokens_of_sft_are_the_actions_between_its_frames(
    episode: tuple[list[Step], Reel],
) -> None:
    """Pair (frame k, actions k .. k+K-1): action k is the one decided at frame k."""
    _, reel = episode
    low, high = np.array([-1.0] * 3 + [-4.0] * 3 + [0.0]), np.array([1.0] * 3 + [4.0] * 3 + [1.0])
    wide = replace(SPEC, low=low, high=high)
    batch = ChunkSampler([reel], wide).draw(1, 1.0, np.random.default_rng(0))
    assert np.array_equal(batch.frames[0], reel.frames[0])
    actions = small_agent(spec=wide).actions(batch.classes)[0]
    taken = wide.differentiate(reel.targets)
    assert np.abs(actions[:, :3] - taken[:, :3]).max() < 2 * 1.0 / 255
    assert np.abs(actions[:, 3:6] - taken[:, 3:6]).max() < 2 * 4.0 / 255
    assert np.array_equal(actions[:, 6], taken[:, 6])

"""Recorded targets to tokens and back: what a policy learns is what the arm will be told."""

from dataclasses import replace

import numpy as np
import torch

from tests.learning import SPEC, STEPS, VIEW, example_reel, small_agent
from wvl_models.contract import rotation
from wvl_models.contract.examples import example_observation
from wvl_models.contract.observation import Observation
from wvl_models.contract.pose import Setpoint
from wvl_models.contract.rotation import F64
from wvl_models.episodes.reels import Reel
from wvl_models.policy.augment import AugmentConfig
from wvl_models.policy.sft import ChunkSampler, SFTConfig, train_policy

BIN_M = 0.02 / 255
BIN_RAD = 0.08 / 255
"""Width of an action token under `SPEC`."""


def errors(targets: F64, recorded: F64) -> tuple[float, float]:
    """Largest distance in metres and largest angle."""
    turn = rotation.multiply(targets[:, 3:7], rotation.conjugate(recorded[:, 3:7]))
    angle = np.linalg.norm(rotation.to_rotvec(turn), axis=-1)
    return float(np.abs(targets[:, :3] - recorded[:, :3]).max()), float(angle.max())


def live(reel: Reel) -> Observation:
    """The first observation of a reel as the session would hand it to the policy."""
    observation = example_observation(np.random.default_rng(0))
    frame = replace(observation.frame, rgb=reel.frames[0])
    return replace(
        observation,
        frame=frame,
        target=Setpoint.from_row(reel.targets[0]),
        instruction=reel.instruction,
    )


def test_tokens_of_sft_integrate_to_the_recorded_poses() -> None:
    agent = small_agent()
    for seed in range(5):
        reel = example_reel(np.random.default_rng(seed), num_chunks=1)
        batch = ChunkSampler([reel], SPEC).draw(1, 1.0, np.random.default_rng(0))
        path = SPEC.integrate(reel.targets[0], agent.actions(batch.classes)[0])
        distance, angle = errors(path, reel.targets[1:])
        assert distance < STEPS * BIN_M
        assert angle < np.sqrt(3) * STEPS * BIN_RAD
        assert np.array_equal(path[:, 7], reel.targets[1:, 7])


def test_a_policy_that_learned_an_episode_repeats_its_poses() -> None:
    """SFT, argmax, bins, ranges and `integrate` in a row, on the live path."""
    reel = example_reel(np.random.default_rng(0), num_chunks=1)
    agent = small_agent()
    config = SFTConfig(
        num_steps=60,
        batch_size=4,
        learning_rate=5e-3,
        action_ids_only=True,
        augment=AugmentConfig(crop_area=None, brightness=0, contrast=0, saturation=0),
    )
    *_, report = train_policy(agent, [reel], config, seed=0)
    assert report.accuracy == 1.0
    chunk = agent.act([live(reel)], VIEW.intrinsics)[0]
    path = agent.spec.integrate(reel.targets[0], chunk)
    distance, angle = errors(path, reel.targets[1:])
    assert distance < STEPS * BIN_M
    assert angle < np.sqrt(3) * STEPS * BIN_RAD
    assert np.array_equal(path[:, 7], reel.targets[1:, 7])


def test_deltas_start_from_the_target_and_not_from_the_achieved_pose() -> None:
    """In imagination no achieved pose exists (facts/world_model.md 2.2)."""
    reel = example_reel(np.random.default_rng(1), num_chunks=1)
    observation = live(reel)
    assert observation.robot.base_T_ee.distance_m(observation.target.pose) > 0.01
    chunk = SPEC.differentiate(reel.targets)
    path = SPEC.integrate(observation.target.as_row(), chunk)
    np.testing.assert_allclose(path, reel.targets[1:], atol=1e-9)


def test_a_constant_dimension_stays_what_it_was() -> None:
    """A spec whose rotation never moved gives rotation zero, whatever the token."""
    still = replace(
        SPEC, low=SPEC.low * [1, 1, 1, 0, 0, 0, 1], high=SPEC.high * [1, 1, 1, 0, 0, 0, 1]
    )
    agent = small_agent(spec=still)
    classes = torch.randint(0, 256, (3, STEPS * 7), generator=torch.Generator().manual_seed(0))
    assert (agent.actions(classes)[..., 3:6] == 0.0).all()

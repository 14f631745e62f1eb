"""The probability that a token was drawn with is the one that the loss weighs it by."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.learning import INSTRUCTION, example_reel, small_agent, small_world
from wvl_models.rl.config import GRPOConfig
from wvl_models.rl.protocols import StartStates
from wvl_models.rl.rollout import imagine_rollouts
from wvl_models.rl.sampling import log_probabilities
from wvl_models.rl.trainer import GRPOTrainer

SAMPLINGS = [(1.0, 0.0), (1.6, 0.0), (1.0, 0.95), (1.6, 0.5)]
"""Temperature and time correlation: SimpleVLA-RL's, ours, and mixtures."""


def starts() -> StartStates:
    rng = np.random.default_rng(0)
    reels = [example_reel(rng) for _ in range(3)]
    return StartStates(
        frames=np.stack([reel.frames[0] for reel in reels]),
        targets=np.stack([reel.targets[0] for reel in reels]),
        instruction=INSTRUCTION,
    )


def config(temperature: float, correlation: float, **changes: object) -> GRPOConfig:
    settings = {
        "num_steps": 1,
        "num_prompts": 3,
        "group_size": 4,
        "num_chunks": 2,
        "num_minibatches": 1,
        "temperature": temperature,
        "time_correlation": correlation,
        "success_threshold": 0.5,
        "keep_low": 0.0,
        "keep_high": 1.0,
    }
    return GRPOConfig.model_validate(settings | changes)


@pytest.mark.parametrize(("temperature", "correlation"), SAMPLINGS)
def test_stored_log_probabilities_are_those_of_a_fresh_pass(
    temperature: float, correlation: float
) -> None:
    agent = small_agent()
    rollouts = imagine_rollouts(
        agent,
        small_world(),
        starts(),
        config(temperature, correlation, success_threshold=1e9),
        np.random.default_rng(0),
        torch.Generator().manual_seed(0),
    )
    assert len(rollouts.decisions) == 2
    for decision in rollouts.decisions:
        for row, frame in enumerate(decision.frame_of):
            logits = agent.token_logits(decision.frames[frame][None], INSTRUCTION)
            classes = decision.classes[row][None]
            fresh = log_probabilities(logits, classes, temperature)[0].detach()
            torch.testing.assert_close(fresh, decision.log_probs[row], rtol=0, atol=2e-6)


@pytest.mark.parametrize(("temperature", "correlation"), SAMPLINGS)
def test_the_ratio_is_one_at_the_first_update(temperature: float, correlation: float) -> None:
    trainer = GRPOTrainer(
        small_agent(), small_world(), starts(), config(temperature, correlation), seed=0
    )
    report = next(trainer.run())
    assert report.kept_groups == 3
    assert 0.0 < report.success < 1.0, "the example must have something to learn from"
    assert report.grad_norm > 0.0
    assert report.ratio_deviation < 2e-6


def test_the_ratio_leaves_one_with_the_second_update() -> None:
    trainer = GRPOTrainer(
        small_agent(),
        small_world(),
        starts(),
        config(1.0, 0.0, num_minibatches=3, learning_rate=1e-3),
        seed=0,
    )
    assert next(trainer.run()).ratio_deviation > 1e-3


def test_what_a_group_shares_is_its_frame_and_the_worlds_noise() -> None:
    """The policy's draw is the only difference inside a group: equal draws, equal dreams."""
    states = starts()
    one = replace(states, frames=states.frames[:1], targets=states.targets[:1])
    rollouts = imagine_rollouts(
        small_agent(),
        small_world(),
        one,
        config(1e-6, 0.0, num_prompts=2, success_threshold=1e9, num_chunks=1),
        np.random.default_rng(0),
        torch.Generator().manual_seed(0),
    )
    rewards = rollouts.max_reward.view(2, 4)
    torch.testing.assert_close(rewards, rewards[:, :1].expand(-1, 4))
    assert abs(rewards[0, 0] - rewards[1, 0]) > 1e-3

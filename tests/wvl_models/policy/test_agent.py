"""The policy as others use it."""

from dataclasses import replace

import numpy as np
import torch

from tests.learning import SPEC, STEPS, VIEW, small_agent
from wvl_models.contract.camera import Intrinsics
from wvl_models.contract.examples import example_observation
from wvl_models.contract.observation import Observation
from wvl_models.policy.agent import PolicyAgent
from wvl_models.policy.prompt import Prompter


def observations(count: int, *, side: int = 32) -> list[Observation]:
    rng = np.random.default_rng(0)
    return [example_observation(rng, width=side, height=side) for _ in range(count)]


def bilingual_agent() -> PolicyAgent:
    agent = small_agent()
    agent.prompter = Prompter.for_instructions(
        ["put the cube on the plate", "lift the mug"], agent.network.config.language
    )
    return agent


def test_answers_keep_the_order_of_mixed_instructions() -> None:
    agent = bilingual_agent()
    asked = observations(4)
    asked[1] = replace(asked[1], instruction="lift the mug")
    asked[3] = replace(asked[3], instruction="lift the mug")
    together = agent.act(asked, VIEW.intrinsics)
    assert together.shape == (4, STEPS, 7)
    for observation, answer in zip(asked, together, strict=True):
        assert np.array_equal(agent.act([observation], VIEW.intrinsics)[0], answer)


def test_the_instruction_decides_too() -> None:
    agent = bilingual_agent()
    seen = observations(1)[0]
    other = replace(seen, instruction="lift the mug")
    a, b = agent.act([seen, other], VIEW.intrinsics)
    assert not np.array_equal(a, b)


def test_answers_lie_in_the_ranges_of_the_spec() -> None:
    actions = small_agent().act(observations(3), VIEW.intrinsics)
    assert ((actions >= SPEC.low) & (actions <= SPEC.high)).all()
    assert set(np.unique(actions[..., 6])) <= {0.0, 1.0}


def test_a_larger_camera_is_seen_through_the_view() -> None:
    large = Intrinsics(width=64, height=64, fx=80.0, fy=80.0, cx=32.0, cy=32.0)
    agent, seen = small_agent(), observations(1, side=64)[0]
    small = VIEW.through(seen.frame.rgb, large)
    direct = replace(seen, frame=replace(seen.frame, rgb=small))
    assert np.array_equal(agent.act([seen], large), agent.act([direct], VIEW.intrinsics))


def test_the_same_seed_explores_the_same_way() -> None:
    agent, seen = small_agent(), observations(2)
    first, again, other = (
        agent.exploring(1.0, seed).act(seen, VIEW.intrinsics) for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_exploring_without_temperature_is_greedy() -> None:
    agent, seen = small_agent(), observations(2)
    drawn = agent.exploring(1e-6, 0).act(seen, VIEW.intrinsics)
    np.testing.assert_allclose(drawn, agent.act(seen, VIEW.intrinsics), atol=1e-4)


def test_acting_leaves_no_gradients() -> None:
    agent = small_agent()
    agent.act(observations(1), VIEW.intrinsics)
    agent.exploring(1.0, 0).act(observations(1), VIEW.intrinsics)
    assert all(parameter.grad is None for parameter in agent.parameters())
    assert agent.token_logits(observations(1)[0].frame.rgb[None], observations(1)[0].instruction)[
        0
    ].requires_grad
    assert torch.is_grad_enabled()

"""GRPO in imagination: it learns, filters, stops, and continues where it stood."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.learning import INSTRUCTION, STEPS, small_agent, small_world
from tests.wvl_models.rl.worlds import WrittenWorld, starts
from wvl_models.contract.errors import DataError
from wvl_models.policy.agent import PolicyAgent
from wvl_models.rl.advantage import group_advantages
from wvl_models.rl.config import GRPOConfig
from wvl_models.rl.rollout import imagine_rollouts
from wvl_models.rl.trainer import GRPOTrainer, StepReport, StopReason
from wvl_models.training.state import StateFolder

CONFIG = GRPOConfig(
    num_steps=4,
    num_prompts=3,
    group_size=6,
    num_chunks=1,
    num_minibatches=2,
    temperature=1.0,
    time_correlation=0.9,
    learning_rate=1e-3,
    keep_low=0.05,
    keep_high=0.95,
)


def trainer(
    agent: PolicyAgent, world: object = None, seed: int = 0, **changes: object
) -> GRPOTrainer:
    config = CONFIG.model_copy(update=changes)
    return GRPOTrainer(agent, world or WrittenWorld(at_the_end), starts(), config, seed)


def at_the_end(targets: np.ndarray, chunk: int) -> np.ndarray:
    """1 at the last step where the hand ended further right than it began."""
    rewards = np.zeros(targets.shape[:2])
    rewards[:, -1] = targets[:, -1, 1] > targets[:, 0, 1]
    return rewards


def weights(agent: PolicyAgent) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in agent.network.state_dict().items()}


def test_practice_makes_the_rewarded_motion_likelier() -> None:
    changes = {"num_steps": 25, "group_size": 32, "num_minibatches": 1, "learning_rate": 3e-3}
    reports = list(trainer(small_agent(), num_prompts=2, **changes).run())
    first, last = (np.mean([r.success for r in part]) for part in (reports[:5], reports[-5:]))
    assert first < 0.6
    assert last > first + 0.15


def test_practice_in_a_world_model_changes_the_policy() -> None:
    agent = small_agent()
    before = weights(agent)
    report = next(trainer(agent, small_world(), success_threshold=0.8).run())
    assert report.kept_groups > 0
    assert any(not torch.equal(value, before[name]) for name, value in weights(agent).items())


@pytest.mark.parametrize("reward", [0.0, 1.0])
def test_groups_that_agree_teach_nothing(reward: float) -> None:
    agent = small_agent()
    before = weights(agent)
    world = WrittenWorld(lambda targets, chunk: np.full(targets.shape[:2], reward))
    report = next(trainer(agent, world).run())
    assert report.kept_groups == 0
    assert report.success == reward
    assert all(torch.equal(value, before[name]) for name, value in weights(agent).items())


def test_the_step_limit_stops() -> None:
    reports = list(trainer(small_agent()).run())
    assert [r.stop for r in reports] == [None, None, None, StopReason.STEPS]
    assert [r.step for r in reports] == [1, 2, 3, 4]


def test_lasting_imagined_success_stops() -> None:
    """Beyond it the policy exploits the model; one lucky step is no reason."""
    world = WrittenWorld(lambda targets, chunk: np.ones(targets.shape[:2]))
    reports = list(trainer(small_agent(), world, num_steps=20, stop_success=0.9).run())
    assert [r.stop for r in reports] == [None] * 4 + [StopReason.SUCCESS]


def test_a_reward_that_cannot_be_true_stops() -> None:
    world = WrittenWorld(lambda targets, chunk: np.full(targets.shape[:2], 1.2))
    reports = list(trainer(small_agent(), world, num_steps=20).run())
    assert [r.stop for r in reports] == [StopReason.REWARD_ALARM]
    assert reports[0].max_reward == pytest.approx(1.2)


def test_an_interrupted_stage_ends_with_the_same_bits(tmp_path: Path) -> None:
    whole = small_agent()
    expected = list(trainer(whole).run())
    folder = StateFolder(path=tmp_path / "state", fingerprint="a")
    run = trainer(small_agent()).run(folder)
    before = [next(run), next(run)]
    run.close()
    continued = small_agent(seed=9)
    after = list(trainer(continued).run(folder))
    assert before + after == expected
    for name, value in weights(whole).items():
        assert torch.equal(value, continued.network.state_dict()[name]), name


def test_an_interrupted_stage_stops_at_the_same_step(tmp_path: Path) -> None:
    """Pinned: the average that stops a stage was forgotten over an interruption."""

    def stage() -> GRPOTrainer:
        world = WrittenWorld(lambda targets, chunk: np.ones(targets.shape[:2]))
        return trainer(small_agent(), world, num_steps=20, stop_success=0.9)

    folder = StateFolder(path=tmp_path / "state", fingerprint="a")
    run = stage().run(folder)
    for _ in range(3):
        next(run)
    run.close()
    assert [r.stop for r in stage().run(folder)] == [None, StopReason.SUCCESS]


def test_more_minibatches_than_groups_are_as_many_as_groups() -> None:
    report: StepReport = next(trainer(small_agent(), num_minibatches=50).run())
    assert 0 < report.kept_groups <= 3
    assert report.grad_norm > 0


def test_without_start_states_there_is_nothing_to_imagine() -> None:
    none = replace(starts(), frames=starts().frames[:0], targets=starts().targets[:0])
    with pytest.raises(DataError, match="at least one start state"):
        GRPOTrainer(small_agent(), WrittenWorld(at_the_end), none, CONFIG, 0)


def third_step_or_never(targets: np.ndarray, chunk: int) -> np.ndarray:
    """Success at step 3 for hands that moved right until then."""
    rewards = np.zeros(targets.shape[:2])
    rewards[:, 2] = targets[:, 2, 1] > targets[:, 0, 1]
    return rewards


def test_the_first_gradient_is_the_policy_gradient() -> None:
    """Advantage times (one-hot minus probability), over T, over valid tokens, over rollouts."""
    agent, temperature = small_agent(), 1.6
    changes = {"temperature": temperature, "keep_low": 0.0, "keep_high": 1.0, "num_minibatches": 1}
    config = CONFIG.model_copy(update=changes)
    world = WrittenWorld(third_step_or_never)
    rollouts = imagine_rollouts(
        agent, world, starts(), config, np.random.default_rng(0), torch.Generator().manual_seed(0)
    )
    decision, finish = rollouts.decisions[0], rollouts.finish_step
    assert set(finish.tolist()) == {3, STEPS}
    advantages = group_advantages(rollouts.success, config).values
    with torch.no_grad():
        logits = agent.token_logits(decision.frames, INSTRUCTION)
    expected = torch.zeros_like(logits)
    for i, row in enumerate(decision.frame_of):
        valid = 7 * int(finish[i])
        hits = torch.nn.functional.one_hot(decision.classes[i], 256)
        push = hits - (logits[row] / temperature).softmax(dim=-1)
        push *= advantages[i] / (temperature * valid * len(finish))
        expected[row, :valid] -= push[:valid]
    seen: list[torch.Tensor] = []

    def keep_gradient(_: object, __: object, output: torch.Tensor) -> None:
        if output.requires_grad:
            output.register_hook(seen.append)

    agent.network.register_forward_hook(keep_gradient)
    next(trainer(agent, WrittenWorld(third_step_or_never), **changes).run())
    torch.testing.assert_close(seen[0], expected, atol=1e-6, rtol=1e-4)

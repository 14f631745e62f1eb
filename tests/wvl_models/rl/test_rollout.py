"""Imagined rollouts: who runs, from where, and for how long."""

import numpy as np
import torch

from tests.learning import STEPS, small_agent
from tests.wvl_models.rl.worlds import WrittenWorld, starts
from wvl_models.contract.rotation import F64
from wvl_models.rl.config import GRPOConfig
from wvl_models.rl.rollout import Rollouts, imagine_rollouts

CONFIG = GRPOConfig(num_prompts=2, group_size=3, num_chunks=3, temperature=1.0)


def imagine(world: WrittenWorld, config: GRPOConfig = CONFIG, seed: int = 0) -> Rollouts:
    return imagine_rollouts(
        small_agent(),
        world,
        starts(),
        config,
        np.random.default_rng(seed),
        torch.Generator().manual_seed(seed),
    )


def never(targets: F64, chunk: int) -> np.ndarray:
    return np.full(targets.shape[:2], 0.9)


def second_at_chunk_one(targets: F64, chunk: int) -> np.ndarray:
    """Rollout 1 succeeds at step 5 of the second chunk, again at step 7; the last one at once."""
    rewards = np.zeros(targets.shape[:2])
    if chunk == 0:
        rewards[5, 0] = 0.95
    if chunk == 1:
        rewards[1, [4, 6]] = 0.91, 1.0
    return rewards


def test_a_rollout_ends_at_its_first_predicted_success() -> None:
    world = WrittenWorld(second_at_chunk_one)
    rollouts = imagine(world)
    assert rollouts.success.tolist() == [0, 1, 0, 0, 0, 1]
    assert rollouts.finish_step.tolist() == [24, STEPS + 5, 24, 24, 24, 1]
    assert [len(frames) for frames, _, _ in world.calls] == [6, 5, 4]
    assert [d.rollout.tolist() for d in rollouts.decisions] == [
        [0, 1, 2, 3, 4, 5],
        [0, 1, 2, 3, 4],
        [0, 2, 3, 4],
    ]
    assert [d.first_step for d in rollouts.decisions] == [0, STEPS, 2 * STEPS]


def test_a_reward_at_the_threshold_is_no_success() -> None:
    rollouts = imagine(WrittenWorld(never))
    assert not rollouts.success.any()
    assert rollouts.finish_step.tolist() == [24] * 6
    assert rollouts.max_reward.tolist() == np.full(6, 0.9, dtype=np.float32).tolist()


def test_imagination_stops_when_everybody_is_done() -> None:
    world = WrittenWorld(lambda targets, chunk: np.ones(targets.shape[:2]))
    rollouts = imagine(world)
    assert len(world.calls) == len(rollouts.decisions) == 1
    assert rollouts.finish_step.tolist() == [1] * 6


def test_a_group_starts_from_one_state() -> None:
    world = WrittenWorld(never)
    rollouts = imagine(world)
    frames, targets, noise = world.calls[0]
    first = rollouts.decisions[0]
    assert len(first.frames) == 2, "a frame is seen once for its whole group"
    assert first.frame_of.tolist() == [0, 0, 0, 1, 1, 1]
    assert (frames[:3] == frames[0]).all()
    assert (frames[3:] == frames[3]).all()
    assert not np.array_equal(frames[0], frames[3])
    assert noise.flatten().unique().numel() == 2
    assert np.ptp(targets[:3, 0, 0]) > 0, "the draws differ inside a group"


def test_a_chunk_begins_where_the_last_one_ended() -> None:
    """On the imagined frame and on the integrated target; only the first frame is real."""
    world = WrittenWorld(second_at_chunk_one)
    rollouts = imagine(world)
    agent = small_agent()
    (before_frames, before, _), (frames, targets, _), _ = world.calls
    assert np.array_equal(frames, before_frames[:5] + 1)
    deltas = agent.actions(rollouts.decisions[1].classes)
    assert np.allclose(targets, agent.spec.integrate(before[:5, -1], deltas))


def test_start_states_are_drawn_without_repetition_where_possible() -> None:
    world = WrittenWorld(never)
    imagine(world, CONFIG.model_copy(update={"num_prompts": 3}))
    assert sorted(set(world.calls[0][0][:, 16, 16, 0].tolist())) == [100, 101, 102]


def test_the_same_generators_give_the_same_rollouts() -> None:
    first, again, other = (imagine(WrittenWorld(never), seed=seed) for seed in (0, 0, 1))
    assert torch.equal(first.decisions[2].classes, again.decisions[2].classes)
    assert not torch.equal(first.decisions[2].classes, other.decisions[2].classes)

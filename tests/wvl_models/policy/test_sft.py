"""Supervised fine-tuning: it learns, it is resumable to the bit, it draws what it says."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.learning import INSTRUCTION, SPEC, STEPS, example_reel, small_agent
from wvl_models.contract.errors import CheckpointError, DataError
from wvl_models.episodes.reels import Reel
from wvl_models.policy.action_tokens import to_classes
from wvl_models.policy.agent import PolicyAgent
from wvl_models.policy.augment import AugmentConfig
from wvl_models.policy.preprocess import to_images
from wvl_models.policy.sft import (
    ChunkSampler,
    SFTConfig,
    SFTReport,
    action_ranges,
    train_policy,
)
from wvl_models.training.state import StateFolder

TINY = SFTConfig(
    num_steps=6,
    batch_size=4,
    learning_rate=3e-3,
    warm_up=2,
    smoothing_bins=2.0,
    action_ids_only=True,
    augment=AugmentConfig(brightness=0.05, noise=0.03),
)
FULL = SFTConfig(num_steps=6, batch_size=4, learning_rate=3e-3)
"""OpenVLA-OFT's loss."""


def reels(count: int = 3) -> list[Reel]:
    rng = np.random.default_rng(0)
    return [example_reel(rng, is_success=True) for _ in range(count)]


def train(agent: PolicyAgent, config: SFTConfig, folder: StateFolder | None = None) -> list[float]:
    return [r.loss for r in train_policy(agent, reels(), config, seed=0, folder=folder)]


@pytest.mark.parametrize("config", [TINY, FULL])
def test_sft_reduces_the_loss(config: SFTConfig) -> None:
    losses = train(small_agent(), config.model_copy(update={"num_steps": 40}))
    assert np.mean(losses[-5:]) < 0.85 * np.mean(losses[:5])


def test_sft_ends_ready_to_act() -> None:
    agent = small_agent()
    train(agent, TINY)
    assert not agent.network.training


def test_same_seed_same_weights() -> None:
    first, second = small_agent(), small_agent()
    assert train(first, TINY) == train(second, TINY)
    other = small_agent()
    list(train_policy(other, reels(), TINY, seed=1))
    assert not torch.equal(other.network.projector.fc1.weight, first.network.projector.fc1.weight)


@pytest.mark.parametrize("config", [TINY, FULL])
def test_an_interrupted_run_ends_with_the_same_bits(config: SFTConfig, tmp_path: Path) -> None:
    whole = small_agent()
    expected = train(whole, config)
    folder = StateFolder(path=tmp_path / "state", fingerprint="a", every=100)
    run = train_policy(small_agent(), reels(), config, seed=0, folder=folder)
    before = [next(run).loss for _ in range(3)]
    run.close()
    continued = small_agent(seed=9)
    after = train(continued, config, folder)
    assert before + after == expected
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, continued.network.state_dict()[name]), name


def test_a_killed_run_continues_from_its_last_save(tmp_path: Path) -> None:
    folder = StateFolder(path=tmp_path / "state", fingerprint="a", every=2)
    expected = train(small_agent(), TINY)
    copies = []
    for report in train_policy(small_agent(), reels(), TINY, seed=0, folder=folder):
        copies.append(report.loss)
        if report.step == 5:
            (tmp_path / "state").rename(tmp_path / "at-4")  # what a kill now would leave
    at_four = StateFolder(path=tmp_path / "at-4", fingerprint="a")
    assert train(small_agent(seed=9), TINY, at_four) == expected[4:]


def test_another_runs_state_is_refused(tmp_path: Path) -> None:
    folder = StateFolder(path=tmp_path / "state", fingerprint="a", every=1)
    next(train_policy(small_agent(), reels(), TINY, seed=0, folder=folder))
    other = replace(folder, fingerprint="b")
    with pytest.raises(CheckpointError, match="other settings or data"):
        next(train_policy(small_agent(), reels(), TINY, seed=0, folder=other))


def report_of(config: SFTConfig, agent: PolicyAgent) -> SFTReport:
    quiet = AugmentConfig(crop_area=None, brightness=0, contrast=0, saturation=0)
    return next(
        train_policy(
            agent, reels(1), config.model_copy(update={"augment": quiet, "batch_size": 1}), seed=3
        )
    )


def pair() -> tuple[torch.Tensor, torch.Tensor]:
    """The images and classes of the batch that `report_of` trains on."""
    batch = ChunkSampler(reels(1), SPEC).draw(1, 0.0, np.random.default_rng(3))
    return to_images(batch.frames, small_agent().network.config), batch.classes


def test_the_full_loss_counts_the_stop_token_and_every_word() -> None:
    """Plain cross-entropy over the vocabulary on A*K actions and the stop token (facts 1.9)."""
    agent = small_agent()
    images, classes = pair()
    language = agent.network.config.language
    labels = torch.cat([classes + language.first_action_id, torch.tensor([[language.eos_id]])], 1)
    with torch.no_grad():
        logits = agent.network.full_logits(images, agent.prompter.ids(INSTRUCTION))
    expected = torch.nn.functional.cross_entropy(logits[0], labels[0])
    assert report_of(FULL, agent).loss == pytest.approx(float(expected), rel=1e-5)


def test_the_restricted_loss_is_over_the_256_ids_of_moving_dimensions() -> None:
    agent = small_agent()
    images, classes = pair()
    with torch.no_grad():
        logits = agent.network(images, agent.prompter.ids(INSTRUCTION))
    expected = torch.nn.functional.cross_entropy(logits[0], classes[0])
    config = FULL.model_copy(update={"action_ids_only": True})
    assert report_of(config, agent).loss == pytest.approx(float(expected), rel=1e-5)


def test_windows_lie_inside_their_episode() -> None:
    """Windows that run past the end are left out (facts 1.9)."""
    reel = example_reel(np.random.default_rng(0), num_chunks=1)
    sampler = ChunkSampler([reel], SPEC)
    for seed in range(20):
        batch = sampler.draw(2, 0.5, np.random.default_rng(seed))
        assert np.array_equal(batch.frames[0], reel.frames[0])


def test_aligned_windows_begin_at_chunks() -> None:
    reel = example_reel(np.random.default_rng(0), num_chunks=3)
    batch = ChunkSampler([reel], SPEC).draw(64, 1.0, np.random.default_rng(0))
    starts = {
        next(i for i, frame in enumerate(reel.frames) if np.array_equal(frame, drawn))
        for drawn in batch.frames
    }
    assert starts == {0, STEPS, 2 * STEPS}


def test_a_batch_holds_one_instruction() -> None:
    """No prompt needs padding (facts/policy_rl.md trap 20)."""
    one, other = reels(2)
    other = replace(other, instruction="lift the cube", frames=255 - other.frames)
    sampler = ChunkSampler([one, other], SPEC)
    drawn = set()
    for seed in range(20):
        batch = sampler.draw(4, 0.5, np.random.default_rng(seed))
        drawn.add(batch.instruction)
        source = one if batch.instruction == one.instruction else other
        known = {frame.tobytes() for frame in source.frames}
        assert all(frame.tobytes() in known for frame in batch.frames)
    assert drawn == {one.instruction, other.instruction}


def test_an_episode_shorter_than_a_chunk_is_refused_by_name() -> None:
    reel = reels(1)[0]
    short = replace(
        reel, frames=reel.frames[:STEPS], targets=reel.targets[:STEPS], rewards=reel.rewards[:STEPS]
    )
    with pytest.raises(DataError, match=f"{reel.episode_id} is shorter than one chunk"):
        ChunkSampler([short], SPEC)


def test_ranges_are_the_quantiles_of_the_deltas() -> None:
    spec = action_ranges(reels(), chunk_steps=STEPS, rate_hz=10.0)
    deltas = np.concatenate([SPEC.differentiate(reel.targets) for reel in reels()])
    assert spec.low[:6] == pytest.approx(np.quantile(deltas, 0.01, axis=0)[:6])
    assert spec.high[:6] == pytest.approx(np.quantile(deltas, 0.99, axis=0)[:6])
    assert (spec.low[6], spec.high[6]) == (0.0, 1.0)


def test_a_rotation_that_only_trembles_is_constant() -> None:
    reel = reels(1)[0]
    targets = reel.targets.copy()
    targets[:, 3:7] = targets[0, 3:7]
    spec = action_ranges([replace(reel, targets=targets)], chunk_steps=STEPS, rate_hz=10.0)
    assert spec.active == (True, True, True, False, False, False, True)
    assert (to_classes(spec.normalise(np.ones((1, 7))))[:, 3:6] == to_classes(np.zeros(1))).all()


def test_no_episodes_no_ranges() -> None:
    with pytest.raises(DataError, match="at least one success episode"):
        action_ranges([], chunk_steps=STEPS, rate_hz=10.0)

"""Imagined outcomes and pictures beside the real ones."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import rankdata
from torch import Tensor

from tests.learning import STEPS, example_reel, small_world
from wvl_models.contract.observation import U8
from wvl_models.contract.rotation import F64
from wvl_models.episodes.reels import Reel
from wvl_models.evaluation.alignment import Alignment, DreamedReel, align, dream
from wvl_models.world_model.model import Imagination


def reel(*, is_success: bool, seed: int = 0) -> Reel:
    return example_reel(np.random.default_rng(seed), is_success=is_success)


def dreamt(score: float, *, is_success: bool, seed: int = 0, error: int = 0) -> DreamedReel:
    """A dream whose largest reward is `score` and whose pixels are `error` off."""
    true = reel(is_success=is_success, seed=seed)
    frames = true.frames[1 : 1 + 2 * STEPS].astype(int) + error
    rewards = np.zeros(2 * STEPS, dtype=np.float32)
    rewards[5] = score
    return DreamedReel(reel=true, frames=frames.astype(np.uint8), rewards=rewards)


def alignment(successes: list[float], failures: list[float]) -> Alignment:
    dreams = [dreamt(score, is_success=True) for score in successes]
    return align(dreams + [dreamt(score, is_success=False) for score in failures], 0.9)


def test_outcomes_are_counted_by_truth_and_by_dream() -> None:
    found = alignment([0.95, 0.99, 0.2], [0.91, 0.1, 0.2, 0.9])
    assert (found.tp, found.fn, found.fp, found.tn) == (2, 1, 1, 3)
    assert found.n == 7
    assert found.accuracy == pytest.approx(5 / 7)


def test_auc_is_the_chance_that_a_success_scores_higher() -> None:
    successes, failures = [0.9, 0.6, 0.5, 0.5], [0.4, 0.5, 0.7]
    ranks = rankdata(successes + failures)[: len(successes)].sum()
    by_hand = (ranks - 4 * 5 / 2) / (4 * 3)
    assert alignment(successes, failures).auc == pytest.approx(by_hand)
    assert alignment([0.8, 0.9], [0.1]).auc == 1.0
    assert alignment([0.1], [0.8, 0.9]).auc == 0.0


def test_auc_needs_both_outcomes() -> None:
    assert math.isnan(alignment([0.9, 0.1], []).auc)
    assert math.isnan(alignment([], [0.3]).auc)


def test_a_picture_that_is_off_by_a_constant_has_its_psnr() -> None:
    found = align([dreamt(0.0, is_success=False, error=4)], 0.9)
    assert found.psnr == pytest.approx(20 * math.log10(255 / 4), abs=0.01)
    assert 0.9 < found.ssim < 1.0


def test_a_perfect_picture_is_perfectly_similar() -> None:
    found = align([dreamt(0.0, is_success=False)], 0.9)
    assert found.ssim == pytest.approx(1.0)
    assert found.psnr > 100


def test_pictures_are_compared_with_the_frames_after_the_actions() -> None:
    """Shifted by one frame the dream is no longer perfect."""
    true = reel(is_success=False)
    late = DreamedReel(
        reel=true, frames=true.frames[: 2 * STEPS], rewards=np.zeros(2 * STEPS, dtype=np.float32)
    )
    assert align([late], 0.9).psnr < 60


class Told:
    """A `Dreamer` that repeats the frame it was given, one shade brighter with every chunk."""

    chunk_steps = STEPS

    def __init__(self) -> None:
        self.calls: list[tuple[U8, F64]] = []

    def draw_noise(self, num_clips: int, generator: torch.Generator) -> Tensor:
        return torch.randn(num_clips, generator=generator)

    def imagine(self, frames: U8, targets: F64, noise: Tensor) -> Imagination:
        self.calls.append((frames, targets))
        rewards = torch.from_numpy(targets[..., 0].astype(np.float32))
        return Imagination(frames=np.repeat(frames[:, None] + 1, STEPS, axis=1), rewards=rewards)


def test_an_episode_is_dreamt_from_its_first_frame_alone() -> None:
    reels = [reel(is_success=True, seed=seed) for seed in range(3)]
    told = Told()
    dreams = dream(told, reels, seed=0, batch=2)
    assert [len(frames) for frames, _ in told.calls] == [2, 2, 1, 1]
    for index, (true, dreamed) in enumerate(zip(reels, dreams, strict=True)):
        assert dreamed.reel is true
        assert np.array_equal(dreamed.frames[0], true.frames[0] + 1)
        assert np.array_equal(dreamed.frames[-1], true.frames[0] + 2), "the dream goes on"
        np.testing.assert_allclose(dreamed.rewards, true.targets[1:, 0], rtol=1e-6)
        assert dreamed.max_reward == pytest.approx(true.targets[1:, 0].max()), index


def test_a_world_model_dreams_the_same_under_one_seed() -> None:
    world, reels = small_world(), [reel(is_success=True), reel(is_success=False, seed=1)]
    first, again, other = (dream(world, reels, seed=seed) for seed in (0, 0, 1))
    assert first[1].frames.shape == (2 * STEPS, 32, 32, 3)
    assert all(np.array_equal(a.rewards, b.rewards) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0].rewards, other[0].rewards)

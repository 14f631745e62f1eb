"""How well a world model's outcomes agree with the truth (paper 4.2), false positives first.

A held-out episode is imagined from its first frame under its own target poses, chunk after
chunk on imagined frames, and called a success when any predicted reward exceeds the threshold.
A false positive is an imagined success that really failed: what a policy under RL will find and
exploit (facts/policy_rl.md trap 18).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from scipy.stats import mannwhitneyu
from skimage.metrics import structural_similarity
from torch import Tensor

from wvl_models.contract.observation import U8
from wvl_models.contract.rotation import F64
from wvl_models.episodes.reels import Reel


class Dream(Protocol):
    """Frames [B, K, H, W, 3] and rewards [B, K]."""

    @property
    def frames(self) -> U8:
        """After each action."""
        ...

    @property
    def rewards(self) -> Tensor:
        """Predicted."""
        ...


class Dreamer(Protocol):
    """A world model."""

    chunk_steps: int

    def draw_noise(self, num_clips: int, generator: torch.Generator) -> Tensor:
        """Noise for `imagine`."""
        ...

    def imagine(self, frames: U8, targets: F64, noise: Tensor) -> Dream:
        """Frames and rewards after each of K target poses."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class DreamedReel:
    """An episode beside its imagination."""

    reel: Reel
    frames: U8
    """uint8 [N, H, W, 3] imagined, N a multiple of the chunk length."""
    rewards: np.ndarray
    """float32 [N]"""

    @property
    def max_reward(self) -> float:
        """Largest predicted reward."""
        return float(self.rewards.max())


@dataclass(frozen=True, kw_only=True, slots=True)
class Alignment:
    """Confusion matrix of outcomes and the quality of the pictures."""

    n: int
    tp: int
    fp: int
    tn: int
    fn: int
    auc: float
    """Probability that a random success is rewarded above a random failure; NaN without both."""
    psnr: float
    """dB over all imagined frames."""
    ssim: float
    threshold: float

    @property
    def accuracy(self) -> float:
        """Share of outcomes that agree: the paper's reward alignment."""
        return (self.tp + self.tn) / self.n


def dream(model: Dreamer, reels: Sequence[Reel], seed: int, batch: int = 64) -> list[DreamedReel]:
    """Imagine every reel from its first frame; reels must have one length."""
    generator = torch.Generator().manual_seed(seed)
    dreamed = []
    for first in range(0, len(reels), batch):
        part = reels[first : first + batch]
        frames = np.stack([reel.frames[0] for reel in part])
        targets = np.stack([reel.targets for reel in part])
        videos, rewards = [], []
        for chunk in range((targets.shape[1] - 1) // model.chunk_steps):
            start = 1 + chunk * model.chunk_steps
            noise = model.draw_noise(1, generator)
            result = model.imagine(frames, targets[:, start : start + model.chunk_steps], noise)
            videos.append(result.frames)
            rewards.append(result.rewards.numpy())
            frames = result.frames[:, -1]
        video, reward = np.concatenate(videos, axis=1), np.concatenate(rewards, axis=1)
        dreamed += [
            DreamedReel(reel=reel, frames=video[i], rewards=reward[i])
            for i, reel in enumerate(part)
        ]
    return dreamed


def align(dreamed: Sequence[DreamedReel], threshold: float) -> Alignment:
    """Compare imagined outcomes and pictures with the real ones."""
    truth = np.array([d.reel.is_success for d in dreamed])
    score = np.array([d.max_reward for d in dreamed])
    said = score > threshold
    return Alignment(
        n=len(dreamed),
        tp=int((said & truth).sum()),
        fp=int((said & ~truth).sum()),
        tn=int((~said & ~truth).sum()),
        fn=int((~said & truth).sum()),
        auc=_auc(score, truth),
        psnr=float(np.mean([_psnr(d) for d in dreamed])),
        ssim=float(np.mean([_ssim(d) for d in dreamed])),
        threshold=threshold,
    )


def _auc(score: np.ndarray, truth: np.ndarray) -> float:
    if truth.all() or not truth.any():
        return float("nan")
    statistic = mannwhitneyu(score[truth], score[~truth]).statistic
    return float(statistic / (truth.sum() * (~truth).sum()))


def _real(dreamed: DreamedReel) -> U8:
    return dreamed.reel.frames[1 : 1 + len(dreamed.frames)]


def _psnr(dreamed: DreamedReel) -> float:
    error = (dreamed.frames.astype(np.float32) - _real(dreamed)) / 255.0
    return float(-10.0 * np.log10(np.mean(np.square(error)) + 1e-12))


def _ssim(dreamed: DreamedReel) -> float:
    """Mean over every fourth frame: SSIM changes slowly and costs a millisecond a frame."""
    pairs = list(zip(dreamed.frames, _real(dreamed), strict=True))[3::4]
    return float(np.mean([structural_similarity(a, b, channel_axis=2) for a, b in pairs]))

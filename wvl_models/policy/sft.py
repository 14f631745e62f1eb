"""Supervised fine-tuning of the policy on success episodes (paper 3.3).

OpenVLA-OFT's discrete loss is plain cross-entropy over the vocabulary on the action tokens and
the stop token (facts/policy_rl.md 1.9). Options of ours: smoothed bins, and the loss restricted
to the 256 action ids, which is what RL uses later.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from wvl_models.contract.action import GRIPPER, ActionSpec
from wvl_models.contract.config import Config
from wvl_models.contract.errors import DataError
from wvl_models.contract.observation import U8
from wvl_models.contract.rotation import F64
from wvl_models.episodes.reels import Reel
from wvl_models.policy.action_tokens import smooth_targets, to_classes
from wvl_models.policy.agent import PolicyAgent
from wvl_models.policy.augment import AugmentConfig, augment
from wvl_models.policy.preprocess import to_images
from wvl_models.training.schedule import set_learning_rate
from wvl_models.training.state import StateFolder, TrainingState, resumable, step_done


class SFTConfig(Config):
    """Optimisation settings of SFT."""

    num_steps: int = Field(default=150_005, ge=1)
    batch_size: int = Field(default=64, ge=1)
    learning_rate: float = Field(default=5e-4, gt=0)
    warm_up: int = 0
    weight_decay: float = 0.01
    max_grad_norm: float = 1.0
    smoothing_bins: float = Field(default=0.0, ge=0)
    """Width of the Gaussian around the true bin; 0 is OpenVLA-OFT."""
    action_ids_only: bool = False
    """Normalise over the 256 action ids instead of the vocabulary (no stop token)."""
    aligned_share: float = Field(default=0.0, ge=0, le=1)
    """Share of windows that begin at a multiple of the chunk length."""
    augment: AugmentConfig = AugmentConfig()

    @classmethod
    def tiny(cls) -> "SFTConfig":
        """Fine-tuning of the small pretrained policy on ten demonstrations, on two cores."""
        return cls(
            num_steps=100,
            batch_size=32,
            learning_rate=5e-4,
            warm_up=10,
            smoothing_bins=2.0,
            action_ids_only=True,
            aligned_share=0.7,
            augment=AugmentConfig(
                crop_area=None, brightness=0.0, contrast=0.0, saturation=0.0, noise=0.03
            ),
        )

    @classmethod
    def tiny_from_nothing(cls) -> "SFTConfig":
        """The small policy from fresh weights: about 20 minutes on two cores."""
        return cls.tiny().model_copy(
            update={
                "num_steps": 2500,
                "learning_rate": 1e-3,
                "warm_up": 100,
                "augment": AugmentConfig(
                    crop_area=None, brightness=0.05, contrast=0.1, saturation=0.1, noise=0.03
                ),
            }
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class SFTReport:
    """One step of SFT."""

    step: int
    loss: float
    accuracy: float
    """Share of moving action tokens whose most likely bin is the true one."""


def action_ranges(reels: Sequence[Reel], chunk_steps: int, rate_hz: float) -> ActionSpec:
    """Ranges q01..q99 of the reels' deltas; the gripper's are 0 and 1.

    Rotation that only trembles (its range below 1 mrad) counts as constant.
    """
    if not reels:
        raise DataError("SFT needs at least one success episode; label some first.")
    bridge = ActionSpec.unnormalised()
    deltas = np.concatenate([bridge.differentiate(reel.targets) for reel in reels])
    low, high = np.quantile(deltas, [0.01, 0.99], axis=0)
    still = high - low < 1e-3 * np.array([0.1, 0.1, 0.1, 1, 1, 1, 0])
    low, high = np.where(still, 0.0, low), np.where(still, 0.0, high)
    low[GRIPPER], high[GRIPPER] = 0.0, 1.0
    return ActionSpec(low=low, high=high, chunk_steps=chunk_steps, rate_hz=rate_hz)


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkBatch:
    """Frames and the action chunks that followed them, all under one instruction."""

    instruction: str
    frames: U8
    """uint8 [B, H, W, 3]"""
    classes: Tensor
    """int64 [B, K*A]"""


class ChunkSampler:
    """Draws (frame, next K actions) pairs; windows that run past an episode's end are left out
    (facts/policy_rl.md 1.9). A batch holds one instruction, so that no prompt needs padding.
    """

    def __init__(self, reels: Sequence[Reel], spec: ActionSpec) -> None:
        short = [r.episode_id for r in reels if len(r.frames) <= spec.chunk_steps]
        if short:
            raise DataError(
                f"episode {short[0]} is shorter than one chunk of {spec.chunk_steps} steps; "
                "leave it out of SFT."
            )
        self._spec, self._reels = spec, reels
        self._classes = [self._tokens(reel.targets) for reel in reels]
        instructions = [reel.instruction for reel in reels]
        self._groups = {
            text: np.array([i for i, other in enumerate(instructions) if other == text])
            for text in dict.fromkeys(instructions)
        }

    def draw(self, batch_size: int, aligned_share: float, rng: np.random.Generator) -> ChunkBatch:
        """Random pairs of the instruction of a random episode."""
        instruction = self._reels[int(rng.integers(0, len(self._reels)))].instruction
        group = self._groups[instruction]
        frames, classes = [], []
        for index in group[rng.integers(0, len(group), batch_size)]:
            start = self._start(len(self._reels[index].frames), aligned_share, rng)
            frames.append(self._reels[index].frames[start])
            classes.append(self._classes[index][start : start + self._spec.chunk_steps].flatten())
        return ChunkBatch(
            instruction=instruction,
            frames=np.stack(frames),
            classes=torch.from_numpy(np.stack(classes)),
        )

    def _start(self, num_frames: int, aligned_share: float, rng: np.random.Generator) -> int:
        steps = self._spec.chunk_steps
        last = num_frames - 1 - steps
        if rng.uniform() < aligned_share:
            return int(steps * rng.integers(0, last // steps + 1))
        return int(rng.integers(0, last + 1))

    def _tokens(self, targets: F64) -> np.ndarray:
        return to_classes(self._spec.normalise(self._spec.differentiate(targets)))


def train_policy(
    agent: PolicyAgent,
    reels: Sequence[Reel],
    config: SFTConfig,
    *,
    seed: int,
    folder: StateFolder | None = None,
) -> Iterator[SFTReport]:
    """SFT in place, one report per step; continues a saved state of the same run.

    Stop iterating to interrupt.
    """
    network, sampler = agent.network, ChunkSampler(reels, agent.spec)
    state = TrainingState(
        module=network,
        optimiser=torch.optim.AdamW(
            network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        ),
        generator=torch.Generator().manual_seed(seed),
        rng=np.random.default_rng(seed),
    )
    network.train()
    with resumable(state, folder):
        while state.step < config.num_steps:
            report = _step(agent, sampler, state, config)
            step_done(state, folder)
            yield report
    network.eval()


def _step(
    agent: PolicyAgent, sampler: ChunkSampler, state: TrainingState, config: SFTConfig
) -> SFTReport:
    network = agent.network
    set_learning_rate(
        state.optimiser, config.learning_rate, state.step, config.warm_up, config.num_steps
    )
    batch = sampler.draw(config.batch_size, config.aligned_share, state.rng)
    images = augment(to_images(batch.frames, network.config), config.augment, state.generator)
    loss, accuracy = _loss(agent, images, batch, config)
    state.optimiser.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), config.max_grad_norm)
    state.optimiser.step()
    return SFTReport(step=state.step + 1, loss=float(loss.detach()), accuracy=accuracy)


def _loss(
    agent: PolicyAgent, images: Tensor, batch: ChunkBatch, config: SFTConfig
) -> tuple[Tensor, float]:
    """Cross-entropy and the accuracy of moving tokens."""
    device = next(agent.network.parameters()).device
    prompt = agent.prompter.ids(batch.instruction).to(device)
    classes = batch.classes.to(device)
    targets = smooth_targets(classes, config.smoothing_bins)
    active = torch.tensor(agent.spec.active, device=device).repeat(agent.spec.chunk_steps)
    if config.action_ids_only:
        logits = agent.network(images.to(device), prompt).log_softmax(dim=-1)
        loss = -(targets * logits).sum(dim=-1)[:, active].mean()
    else:
        language = agent.network.config.language
        full = agent.network.full_logits(images.to(device), prompt).log_softmax(dim=-1)
        first = language.first_action_id
        logits = full[:, :-1, first : first + targets.shape[-1]]
        stop = -full[:, -1:, language.eos_id]
        loss = torch.cat([-(targets * logits).sum(dim=-1), stop], dim=1).mean()
    hits = (logits.argmax(dim=-1) == classes)[:, active]
    return loss, float(hits.float().mean())

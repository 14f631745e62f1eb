"""CosmosWorldModel: frames and rewards that follow from a frame and a chunk of target poses.

One class for both sizes. It owns the tokenizer, the DiT and the camera it looks through.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from wvl_models.contract.camera import CameraCalibration, View
from wvl_models.contract.errors import DataError
from wvl_models.contract.observation import U8
from wvl_models.contract.rotation import F64
from wvl_models.world_model.conditioning import Conditioning, condition
from wvl_models.world_model.config import WorldModelConfig
from wvl_models.world_model.diffusion import (
    CONTEXT_SIGMA,
    LossParts,
    draw_sigma,
    joint_loss,
    sample_clip,
    sigma_to_t,
    to_sample,
)
from wvl_models.world_model.dit import CosmosDiT
from wvl_models.world_model.tokenizer import SPATIAL_FACTOR, VideoTokenizer

PLAY_BATCH = 32
"""Clips per pass of `play`: larger ones leave the caches of a CPU and gain nothing on a GPU,
which is compute-bound from a few clips on (facts/world_model.md 4.2)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Imagination:
    """What the world model says happens, frame by frame."""

    frames: U8
    """uint8 [B, K, H, W, 3]: after each action; the context frame is not repeated
    (facts/world_model.md 1.8: NVIDIA's off-by-one)."""
    rewards: Tensor
    """float32 [B, K], about 0 to 1."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkEnd:
    """What a rollout needs of a chunk: the last frame and the rewards."""

    last_frames: U8
    """uint8 [B, H, W, 3]"""
    rewards: Tensor
    """float32 [B, K]"""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClipBatch:
    """Training clips in latent space."""

    latents: Tensor
    """float32 [B, C, T, H', W'] of 1 + K frames."""
    still: Tensor
    """float32, same shape: the context frame lasting."""
    condition: Conditioning
    rewards: Tensor
    """float32 [B, K]: is the state after action k a success state."""

    def to(self, device: torch.device) -> "ClipBatch":
        """The same on another device."""
        return ClipBatch(
            latents=self.latents.to(device),
            still=self.still.to(device),
            condition=self.condition.to(device),
            rewards=self.rewards.to(device),
        )


class CosmosWorldModel(nn.Module):
    """See the module docstring."""

    def __init__(
        self, config: WorldModelConfig, tokenizer: VideoTokenizer, camera: CameraCalibration
    ) -> None:
        """`camera` is the models' view as a camera (`View.of`); imagination projects with it."""
        super().__init__()
        if tokenizer.latent_channels != config.dit.latent_channels:
            raise DataError(
                f"the tokenizer has {tokenizer.latent_channels} channels, the world model "
                f"expects {config.dit.latent_channels}."
            )
        self.config, self.tokenizer, self.camera = config, tokenizer, camera
        self.dit = CosmosDiT(config)

    @property
    def chunk_steps(self) -> int:
        """Actions per chunk."""
        return self.config.chunk_steps

    @property
    def view(self) -> View:
        """What its frames are."""
        return View(intrinsics=self.camera.intrinsics)

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.dit.parameters()).device

    def loss(self, batch: ClipBatch, generator: torch.Generator) -> LossParts:
        """The paper's joint loss on one batch; randomness comes from `generator` (CPU)."""
        clean = batch.latents
        device, size = clean.device, len(clean)
        sigma = draw_sigma(size, self.config, generator).to(device)
        noise = torch.randn(clean.shape, generator=generator).to(device)
        context = clean[:, :, :1]
        spread = self.config.noise.context_noise
        if spread:
            amount = spread * torch.rand(size, 1, 1, 1, 1, generator=generator)
            context = context + (amount * torch.randn(context.shape, generator=generator)).to(
                device
            )
        t = sigma_to_t(sigma)
        t_wide = t.view(-1, 1, 1, 1, 1)
        x_t = (1 - t_wide) * clean + t_wide * noise
        sample, rewards = self._denoise(x_t, t, context, batch.still, batch.condition)
        sample = torch.cat([clean[:, :, :1], sample[:, :, 1:]], dim=2)
        return joint_loss(sample, clean, rewards, batch.rewards, sigma, self.config)

    @torch.no_grad()
    def imagine(self, frames: U8, targets: F64, noise: Tensor) -> Imagination:
        """Frames and rewards after each of K target poses.

        Args:
            frames: uint8 [B, H, W, 3], the frames before the first action, in this view.
            targets: [B, K, 8] absolute target poses after each action.
            noise: unit Gaussian [B or 1, C, T, H', W'] (`draw_noise`); passing one noise for a
                whole GRPO group leaves the policy's sampling as the only difference inside it
                (facts/world_model.md 2.6).
        """
        sample, rewards = self._sample(frames, targets, noise)
        video = self.tokenizer.decode(sample)[:, 1:]
        return Imagination(frames=video.numpy(), rewards=rewards)

    @torch.no_grad()
    def play(self, frames: U8, targets: F64, noise: Tensor) -> ChunkEnd:
        """As `imagine`, but decodes the last frame only; `rl.protocols.ImaginedWorld`."""
        noise = noise.expand(len(frames), -1, -1, -1, -1)
        ends, rewards = [], []
        for first in range(0, len(frames), PLAY_BATCH):
            rows = slice(first, first + PLAY_BATCH)
            sample, reward = self._sample(frames[rows], targets[rows], noise[rows])
            ends.append(self.tokenizer.decode_last(sample).numpy())
            rewards.append(reward)
        return ChunkEnd(last_frames=np.concatenate(ends), rewards=torch.cat(rewards))

    @torch.no_grad()
    def score(self, batch: ClipBatch, noise: Tensor) -> Tensor:
        """Rewards [B, K] of real clips, read at the smallest noise level; about 0 to 1, CPU.

        `noise` as for `imagine`; at that level it hardly matters.
        """
        sigma = self.config.noise.sigma_min
        t = torch.full((len(batch.latents),), sigma / (1.0 + sigma), device=self.device)
        t_wide = t.view(-1, 1, 1, 1, 1)
        x_t = (1 - t_wide) * batch.latents + t_wide * noise.to(self.device)
        context = batch.latents[:, :, :1]
        _, rewards = self._denoise(x_t, t, context, batch.still, batch.condition)
        return rewards.float().cpu()

    def draw_noise(self, num_clips: int, generator: torch.Generator) -> Tensor:
        """Unit Gaussian noise for `imagine` and `play`."""
        height, width = (side // SPATIAL_FACTOR for side in self.tokenizer.image_size)
        shape = (num_clips, self.config.dit.latent_channels, self.config.num_latents, height, width)
        return torch.randn(shape, generator=generator)

    def _sample(self, frames: U8, targets: F64, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Latents [B, C, T, H', W'] and rewards [B, K], on the CPU."""
        if targets.shape[1] != self.chunk_steps:
            raise DataError(
                f"this world model imagines {self.chunk_steps} steps at a time, got targets "
                f"{targets.shape}."
            )
        conditioning = condition(targets, self.config.action, self.camera).to(self.device)
        still = self.tokenizer.still(torch.from_numpy(frames), self.config.num_latents)
        still = still.to(self.device)

        def network(x_t: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
            return self._denoise(x_t, t, still[:, :, :1], still, conditioning)

        start = noise.to(self.device).expand_as(still)
        sample, rewards = sample_clip(network, start, self.config.noise)
        return sample.float().cpu(), rewards.float().cpu()

    def _denoise(
        self, x_t: Tensor, t: Tensor, context: Tensor, still: Tensor, conditioning: Conditioning
    ) -> tuple[Tensor, Tensor]:
        """x0 estimate with the context frame put in place (FRAME_REPLACE, facts 1.3)."""
        is_context = torch.arange(x_t.shape[2], device=x_t.device) == 0
        x_t = torch.cat([context, x_t[:, :, 1:]], dim=2)
        clean_t = torch.tensor(CONTEXT_SIGMA / (1 + CONTEXT_SIGMA), device=x_t.device)
        t_frames = torch.where(is_context, clean_t, t[:, None])
        output, rewards = self.dit(x_t, t_frames, is_context, conditioning, still)
        residual = still if self.config.still_residual else None
        sample = to_sample(output, x_t, t.view(-1, 1, 1, 1, 1), residual, self.config.prediction)
        return torch.cat([context, sample[:, :, 1:]], dim=2), rewards

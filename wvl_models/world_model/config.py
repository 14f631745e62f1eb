"""Sizes and switches of the world model. `paper()` is NVIDIA's released layout, `tiny()` the same
classes at a size that two CPU cores train.

What the paper leaves open and what we add to it are options here, named as ours; their figures
are in docs/decisions/003-world-model-tiny.md.
"""

from enum import StrEnum
from typing import Literal

from pydantic import Field, model_validator

from wvl_models.contract.config import Config


class Prediction(StrEnum):
    """What the network's output stands for."""

    VELOCITY = "velocity"
    """eps - x0, Cosmos-Predict2 (facts/world_model.md 1.5)."""
    SAMPLE = "sample"
    """x0 itself, ours: learns from scratch in thousands of steps where velocity does not."""


class PoseEncoding(StrEnum):
    """How an absolute target pose becomes numbers."""

    ROTVEC = "rotvec"
    """[7] position, rotation vector, gripper: the width of NVIDIA's action layers."""
    ROT6D = "rot6d"
    """[10] position, first two columns of the rotation matrix, gripper: ours, no wrap at pi."""

    @property
    def width(self) -> int:
        """Numbers per pose."""
        return 7 if self is PoseEncoding.ROTVEC else 10


class RewardWeight(StrEnum):
    """lambda(sigma), which the paper only calls "modulated following EDM"."""

    CONSTANT = "constant"
    LATE = "late"
    """0.3 + 0.7 (1 - t)^2 (facts/toy_loop.md section 2)."""
    EDM = "edm"
    """1 / (1 + sigma^2), EDM's c_skip (facts/world_model.md 2.5)."""


class DiTConfig(Config):
    """The diffusion transformer (facts/world_model.md 1.1)."""

    latent_channels: int = 16
    width: int = 2048
    num_blocks: int = 28
    num_heads: int = 16
    mlp_ratio: int = 4
    adaln_rank: int = 256
    patch: int = 2
    """Spatial patch; time is never patched."""
    rope_ratio_hw: float = 3.0
    rope_ratio_t: float = 1.0

    @model_validator(mode="after")
    def _check_heads(self) -> "DiTConfig":
        head, remainder = divmod(self.width, self.num_heads)
        if remainder or head % 2 or head < 12:
            raise ValueError("width / num_heads must be an even whole number of at least 12")
        return self


class ActionConfig(Config):
    """The action embedder: four target poses per latent frame, added to the timestep embedding."""

    group: int = 4
    """Steps per latent frame: the tokenizer's temporal factor."""
    encoding: PoseEncoding = PoseEncoding.ROT6D
    hidden: int = 8192
    spatial: bool = False
    """Ours: every token is told where the gripper is relative to it, through the known camera.
    facts/toy_loop.md 3.1: from near chance to AUC .87."""
    spatial_frequencies: int = 4


class NoiseConfig(Config):
    """Noise levels seen in training and used in sampling."""

    sampling: Literal["lognormal", "half_max"] = "lognormal"
    """`lognormal`: exp(N(0, 1)) * sqrt(latent frames), NVIDIA. `half_max`: half of the batch at
    the largest sigma, the rest t = sqrt(U), for one-step sampling (ours)."""
    sigma_max: float = 80.0
    sigma_min: float = 0.002
    rho: float = 7.0
    num_steps: int = Field(default=35, ge=1)
    clean_pass: bool = True
    """One extra pass at sigma_min, as NVIDIA's sampler does; the reward is read there."""
    context_noise: float = Field(default=0.0, ge=0)
    """Largest standard deviation of noise on the context latent in training (anti-drift)."""


class RewardConfig(Config):
    """The joint reward head (paper 3.2)."""

    hidden: int = 1024
    weight: float = 1.0
    """lambda_0."""
    form: RewardWeight = RewardWeight.EDM
    threshold: float = 0.9
    """A rollout whose predicted reward exceeds this is a success (paper 4.2)."""


class WorldModelConfig(Config):
    """A whole world model."""

    size: Literal["tiny", "paper"]
    chunk_steps: int = 24
    """Paper 4.1."""
    dit: DiTConfig
    action: ActionConfig
    noise: NoiseConfig
    reward: RewardConfig
    prediction: Prediction = Prediction.VELOCITY
    still_residual: bool = False
    """Ours: predict the difference to a still video of the context frame, and show every token
    that still video."""

    @model_validator(mode="after")
    def _check_chunk(self) -> "WorldModelConfig":
        if self.chunk_steps % self.action.group:
            raise ValueError("chunk_steps must be a multiple of action.group")
        if self.prediction is Prediction.VELOCITY and self.still_residual:
            raise ValueError("still_residual needs prediction: sample")
        return self

    @property
    def num_latents(self) -> int:
        """Latent frames of a chunk: one context frame and chunk_steps / group predicted ones."""
        return 1 + self.chunk_steps // self.action.group

    @classmethod
    def paper(cls) -> "WorldModelConfig":
        """Cosmos-Predict2-2B action-conditioned, chunk 24, reward head added."""
        return cls(
            size="paper",
            dit=DiTConfig(),
            action=ActionConfig(),
            noise=NoiseConfig(),
            reward=RewardConfig(),
        )

    @classmethod
    def tiny(cls) -> "WorldModelConfig":
        """About 1.5 M parameters on linear latents of 64x64 images."""
        return cls(
            size="tiny",
            dit=DiTConfig(latent_channels=48, width=128, num_blocks=4, num_heads=4, adaln_rank=64),
            action=ActionConfig(hidden=256, spatial=True),
            noise=NoiseConfig(
                sampling="half_max", num_steps=1, clean_pass=False, context_noise=0.05
            ),
            reward=RewardConfig(hidden=128, weight=4.0, form=RewardWeight.LATE),
            prediction=Prediction.SAMPLE,
            still_residual=True,
        )

"""What imagined RL needs of a policy and of a world model; it never sees a concrete one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from wvl_models.contract.action import ActionSpec
from wvl_models.contract.observation import U8
from wvl_models.contract.rotation import F64


class TrainablePolicy(Protocol):
    """A policy over 256-way action tokens."""

    spec: ActionSpec

    def token_logits(self, frames: U8, instruction: str) -> Tensor:
        """Logits [B, K*A, 256] for frames uint8 [B, H, W, 3] in the policy's view."""
        ...

    def actions(self, classes: Tensor) -> F64:
        """Denormalised actions [B, K, 7] of class indices [B, K*A]."""
        ...

    def parameters(self) -> Iterator[torch.nn.Parameter]:
        """What the optimiser may change."""
        ...

    @property
    def module(self) -> torch.nn.Module:
        """The network, whose state is saved between steps."""
        ...


class Consequence(Protocol):
    """What follows from one chunk."""

    @property
    def last_frames(self) -> U8:
        """uint8 [B, H, W, 3] after the last action."""
        ...

    @property
    def rewards(self) -> Tensor:
        """float32 [B, K]."""
        ...


class ImaginedWorld(Protocol):
    """A world model that plays chunks."""

    chunk_steps: int

    def draw_noise(self, num_clips: int, generator: torch.Generator) -> Tensor:
        """Noise for `play`; one draw may be shared by a whole group."""
        ...

    def play(self, frames: U8, targets: F64, noise: Tensor) -> Consequence:
        """Play absolute targets [B, K, 8] from frames uint8 [B, H, W, 3]."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class StartStates:
    """Where imagined rollouts may begin: real first frames of one task."""

    frames: U8
    """uint8 [N, H, W, 3] in the models' view."""
    targets: F64
    """[N, 8] setpoint rows in force."""
    instruction: str

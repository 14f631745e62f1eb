"""A world whose rewards a test writes down, instead of a network that learned them."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from tests.learning import INSTRUCTION, SIDE, STEPS, example_targets
from wvl_models.contract.observation import U8
from wvl_models.contract.rotation import F64
from wvl_models.rl.protocols import StartStates


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`rl.protocols.Consequence`."""

    last_frames: U8
    rewards: Tensor


@dataclass
class WrittenWorld:
    """`reward(targets [B, K, 8], chunk)` gives [B, K]; frames count the chunks played."""

    reward: Callable[[F64, int], np.ndarray]
    chunk_steps: int = STEPS
    calls: list[tuple[U8, F64, Tensor]] = field(default_factory=list)

    def draw_noise(self, num_clips: int, generator: torch.Generator) -> Tensor:
        return torch.randn(num_clips, 1, generator=generator)

    def play(self, frames: U8, targets: F64, noise: Tensor) -> Answer:
        self.calls.append((frames, targets, noise))
        chunk = int(frames[0, 0, 0, 0])
        rewards = np.asarray(self.reward(targets, chunk), dtype=np.float32)
        return Answer(last_frames=frames + 1, rewards=torch.from_numpy(rewards))


def starts(count: int = 3) -> StartStates:
    """Black frames with one grey pixel that tells them apart."""
    frames = np.zeros((count, SIDE, SIDE, 3), dtype=np.uint8)
    frames[:, 16, 16] = 100 + np.arange(count)[:, None]
    rng = np.random.default_rng(0)
    targets = np.stack([example_targets(rng)[0] for _ in range(count)])
    return StartStates(frames=frames, targets=targets, instruction=INSTRUCTION)

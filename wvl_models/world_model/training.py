"""Training and fine-tuning of the world model on reels (paper 3.2, A.1)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from pydantic import Field

from wvl_models.contract.config import Config
from wvl_models.episodes.reels import Reel
from wvl_models.training.schedule import set_learning_rate
from wvl_models.training.state import StateFolder, TrainingState, resumable, step_done
from wvl_models.world_model.data import ClipSampler
from wvl_models.world_model.model import CosmosWorldModel


class WorldModelTraining(Config):
    """Optimisation settings; the paper states none (facts/world_model.md section 3)."""

    num_steps: int = Field(default=1000, ge=1)
    batch_size: int = Field(default=16, ge=1)
    learning_rate: float = Field(default=1e-4, gt=0)
    """NVIDIA's action-conditioned recipe at paper size; tiny takes 1.5e-3 from scratch."""
    warm_up: int = 100
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.99)
    max_grad_norm: float = 1.0

    @classmethod
    def tiny(cls) -> "WorldModelTraining":
        """From scratch on two cores (facts/toy_loop.md section 2)."""
        return cls(num_steps=3500, learning_rate=1.5e-3)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingReport:
    """One step of training."""

    step: int
    flow_loss: float
    reward_loss: float
    learning_rate: float


def train_world_model(
    model: CosmosWorldModel,
    reels: Sequence[Reel],
    config: WorldModelTraining,
    *,
    seed: int,
    folder: StateFolder | None = None,
) -> Iterator[TrainingReport]:
    """Train in place, one report per step; continues a saved state of the same run.

    Stop iterating to interrupt: the state of the last saved step remains.
    """
    sampler = ClipSampler(reels, model)
    state = TrainingState(
        module=model.dit,
        optimiser=torch.optim.AdamW(
            model.dit.parameters(),
            lr=config.learning_rate,
            betas=config.betas,
            weight_decay=config.weight_decay,
        ),
        generator=torch.Generator().manual_seed(seed),
        rng=np.random.default_rng(seed),
    )
    model.train()
    with resumable(state, folder):
        while state.step < config.num_steps:
            report = _step(model, sampler, state, config)
            step_done(state, folder)
            yield report
    model.eval()


def _step(
    model: CosmosWorldModel,
    sampler: ClipSampler,
    state: TrainingState,
    config: WorldModelTraining,
) -> TrainingReport:
    rate = set_learning_rate(
        state.optimiser, config.learning_rate, state.step, config.warm_up, config.num_steps
    )
    batch = sampler.draw(config.batch_size, state.rng)
    parts = model.loss(batch.to(model.device), state.generator)
    state.optimiser.zero_grad()
    (parts.flow + model.config.reward.weight * parts.reward).backward()
    torch.nn.utils.clip_grad_norm_(model.dit.parameters(), config.max_grad_norm)
    state.optimiser.step()
    return TrainingReport(
        step=state.step + 1,
        flow_loss=float(parts.flow.detach()),
        reward_loss=float(parts.reward.detach()),
        learning_rate=rate,
    )

"""Pretraining on the virtual cell: the weights of size `tiny` that ship with this package.

The world model learns on successes and near-successes of every task, as the paper's does on its
SANS data; the policy on precise demonstrations of all tasks but one, which stays new to it until
SFT. Reproduce with `wvl pretrain collect`, `wvl pretrain world-model`, `wvl pretrain policy`.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import Field

from wvl_models.contract.camera import View
from wvl_models.contract.config import Config
from wvl_models.contract.errors import DataError
from wvl_models.episodes.reels import Reel, read_reels
from wvl_models.episodes.snapshot import EpisodeFilter
from wvl_models.episodes.store import EpisodeStore
from wvl_models.loop.lab import Attempt
from wvl_models.loop.starts import fresh_policy, fresh_world_model
from wvl_models.policy.agent import PolicyAgent
from wvl_models.policy.sft import SFTConfig, SFTReport, train_policy
from wvl_models.training.state import StateFolder
from wvl_models.world_model.model import CosmosWorldModel
from wvl_models.world_model.training import (
    TrainingReport,
    WorldModelTraining,
    train_world_model,
)

FIRST_SANS_SEED = 100_000


class PretrainConfig(Config):
    """Data and optimisation of pretraining."""

    tasks: tuple[str, ...] = ("lift_cube", "cube_on_plate", "mug_on_plate", "push_to_goal")
    held_out: str = "lift_cube"
    """The policy never sees this task; the world model does."""
    precise: int = Field(default=400, ge=1)
    """Careful demonstrations per task; the policy learns from those that succeed."""
    sans: int = Field(default=900, ge=0)
    """Further attempts per task, most of them near-successes, for the world model."""
    near_share: float = 0.7
    world_model: WorldModelTraining = WorldModelTraining(num_steps=4000, learning_rate=1.5e-3)
    policy: SFTConfig = SFTConfig.tiny_from_nothing()
    seed: int = 0

    def attempts(self) -> list[Attempt]:
        """What is asked for, per task."""
        careful = [careful_attempt(seed) for seed in range(self.precise)]
        return careful + [
            sans_attempt(FIRST_SANS_SEED + index, index, self.near_share)
            for index in range(self.sans)
        ]


def careful_attempt(seed: int) -> Attempt:
    """A demonstration for SFT: meant to succeed, with a steady hand."""
    return Attempt(seed=seed, near_share=0.0, aim_sigma_m=0.004, jitter_sigma_m=0.0006)


def sans_attempt(seed: int, index: int, near_share: float) -> Attempt:
    """An attempt for the world model: every third hand trembles more (facts/toy_loop.md 2)."""
    jitter_m = (0.0012, 0.003, 0.006)[index % 3]
    return Attempt(seed=seed, near_share=near_share, aim_sigma_m=0.008, jitter_sigma_m=jitter_m)


def select_reels(store: EpisodeStore, config: PretrainConfig, *, for_policy: bool) -> list[Reel]:
    """The episodes of pretraining in memory; for the policy the careful successes alone."""
    view = store.view(EpisodeFilter())
    headers = {name: view.header(name) for name in view.ids}
    tasks = set(config.tasks) - ({config.held_out} if for_policy else set())
    ids = [
        name
        for name, header in headers.items()
        if header.task in tasks
        and header.seed is not None
        and (not for_policy or header.seed < FIRST_SANS_SEED)
    ]
    if not ids:
        raise DataError(f"{store.root} has no episodes of {sorted(tasks)}; collect some first.")
    size = View(intrinsics=headers[ids[0]].calibration.intrinsics)
    reels = read_reels(view, ids, size)
    return [reel for reel in reels if reel.is_success or not for_policy]


def pretrain_world_model(
    reels: Sequence[Reel], config: PretrainConfig, state: Path
) -> tuple[CosmosWorldModel, Iterator[TrainingReport]]:
    """A fresh world model and its training, which continues from `state`."""
    model = fresh_world_model(reels, config.seed)
    folder = StateFolder(path=state, fingerprint=config.model_dump_json())
    steps = train_world_model(model, reels, config.world_model, seed=config.seed, folder=folder)
    return model, steps


def pretrain_policy(
    reels: Sequence[Reel], instructions: Sequence[str], config: PretrainConfig, state: Path
) -> tuple[PolicyAgent, Iterator[SFTReport]]:
    """A fresh policy and its training; `instructions` are all that it must know the words of."""
    agent = fresh_policy(reels, instructions, config.seed)
    folder = StateFolder(path=state, fingerprint=config.model_dump_json())
    return agent, train_policy(agent, reels, config.policy, seed=config.seed, folder=folder)

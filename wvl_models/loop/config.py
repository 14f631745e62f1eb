"""Settings of a whole run of the circle: data, training, practice, trials."""

from typing import Literal

from pydantic import Field

from wvl_models.contract.config import Config
from wvl_models.policy.sft import SFTConfig
from wvl_models.rl.config import GRPOConfig
from wvl_models.world_model.training import WorldModelTraining


class DataConfig(Config):
    """How many episodes are collected, and how."""

    demonstrations: int = Field(default=10, ge=1)
    """Careful attempts that SFT learns from (the paper has about 50 a task; the small policy is at
    76 % after 30, see docs/decisions/004-policy-tiny.md)."""
    sans: int = Field(default=250, ge=0)
    """Further scripted episodes for the world model, most of them near-successes."""
    near_share: float = Field(default=0.7, ge=0, le=1)
    rollouts: int = Field(default=100, ge=0)
    """Episodes of the current policy per turn, fed back to the world model (paper 4.3)."""
    explore_temperature: float = Field(default=1.0, ge=0)
    """Every second rollout draws its actions at this temperature: it shows the world model what
    practice will try. 0 for greedy rollouts only."""
    test: int = Field(default=100, ge=1)
    """Scripted episodes held out to score the world model."""
    live: int = Field(default=1, ge=0)
    """Demonstrations recorded through ROS, the robot's protocol and the camera's SDK."""


class TrialConfig(Config):
    """Trials on initial states that nothing was trained on."""

    held_out: int = Field(default=200, ge=1)
    """Before and after every turn; the figures of the report."""
    gate: int = Field(default=100, ge=1)
    """On other initial states: may a candidate replace the current policy?"""
    candidate_every: int = Field(default=10, ge=1)
    """Steps of practice after which a candidate is kept; the gate tries all of a turn's. Ours:
    imagined success goes on rising after true success has begun to fall
    (docs/decisions/007-practice.md)."""
    live: int = Field(default=1, ge=0)
    """Live episodes of the old and of the new policy, around the hot swap."""


class LoopConfig(Config):
    """One run of the circle."""

    task: str = "lift_cube"
    rig: str = "virtual"
    is_operated: bool = False
    """People record and label on a real rig; the counts of `data` and `trials` are then the least
    that a stage needs."""
    store: str = ""
    """Episode store of the run; empty: its own, below its folder."""
    registry: str = ""
    """Model registry, likewise."""
    size: Literal["tiny", "paper"] = "tiny"
    seed: int = 0
    turns: int = Field(default=2, ge=1)
    """Paper 4.3: two. Each turn restarts both models: the world model from its pretraining, the
    policy from SFT."""
    data: DataConfig = DataConfig()
    sft: SFTConfig = SFTConfig.tiny()
    world_model: WorldModelTraining = WorldModelTraining(
        num_steps=200, learning_rate=1e-3, warm_up=20
    )
    """Fine-tuning from pretraining."""
    rl: GRPOConfig = GRPOConfig.tiny()
    trials: TrialConfig = TrialConfig()
    claims_improvement: bool = True
    """False for runs that only show that the circle closes."""

    def without_live(self) -> "LoopConfig":
        """The same run without ROS 2, FCI and camera SDK: lockstep alone."""
        return self.model_copy(
            update={
                "data": self.data.model_copy(update={"live": 0}),
                "trials": self.trials.model_copy(update={"live": 0}),
            }
        )

    @classmethod
    def demo(cls, task: str) -> "LoopConfig":
        """The full demonstration: about a quarter of an hour on two cores."""
        return cls(task=task)

    @classmethod
    def operated(cls, task: str, rig: str) -> "LoopConfig":
        """On a real rig. The paper has about 50 demonstrations a task and 30 trials
        (facts/policy_rl.md); fewer are let through, with the interval they earn. Trainings are as
        long as those of `PretrainConfig`, because the small models start from nothing there.
        """
        return cls(
            task=task,
            rig=rig,
            is_operated=True,
            data=DataConfig(demonstrations=20, sans=0, rollouts=20, live=0),
            sft=SFTConfig.tiny_from_nothing(),
            world_model=WorldModelTraining(num_steps=4000, learning_rate=1.5e-3),
            trials=TrialConfig(held_out=20, gate=20, candidate_every=10**6, live=0),
        )

    @classmethod
    def fast(cls, task: str) -> "LoopConfig":
        """The same circle with every count cut: it closes, and claims nothing."""
        return cls(
            task=task,
            turns=1,
            data=DataConfig(demonstrations=8, sans=24, rollouts=8, test=16, live=1),
            sft=SFTConfig.tiny().model_copy(update={"num_steps": 12, "batch_size": 16}),
            world_model=WorldModelTraining(num_steps=12, learning_rate=1e-3, warm_up=2),
            rl=GRPOConfig.tiny().model_copy(
                update={"num_steps": 2, "num_prompts": 4, "group_size": 4}
            ),
            trials=TrialConfig(held_out=12, gate=6, live=1),
            claims_improvement=False,
        )


class Seeds:
    """Which initial states serve what; the ranges never meet, nor those of pretraining, which are
    below a million.
    """

    def __init__(self, seed: int) -> None:
        self._base = (1 + seed) * 1_000_000

    def live(self, index: int) -> int:
        """Demonstrations recorded live."""
        return self._base + index

    def demonstrations(self, index: int) -> int:
        """Demonstrations for SFT."""
        return self._base + 10_000 + index

    def sans(self, index: int) -> int:
        """Scripted episodes for the world model."""
        return self._base + 100_000 + index

    def rollouts(self, turn: int, index: int) -> int:
        """Episodes of a policy in a turn."""
        return self._base + 200_000 + turn * 10_000 + index

    def deployment(self, turn: int, index: int) -> int:
        """Live episodes of a turn's policies."""
        return self._base + 500_000 + turn * 1_000 + index

    def test(self, index: int) -> int:
        """Episodes that score the world model."""
        return self._base + 600_000 + index

    def gate(self, index: int) -> int:
        """Initial states of the gate."""
        return self._base + 650_000 + index

    def trials(self, index: int) -> int:
        """Initial states of the report's success rates."""
        return self._base + 700_000 + index

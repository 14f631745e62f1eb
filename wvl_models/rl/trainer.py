"""GRPO inside the world model: rollouts, advantages, updates, and when to stop."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import torch
from torch import Tensor

from wvl_models.contract.errors import DataError
from wvl_models.rl.advantage import Advantages, group_advantages
from wvl_models.rl.config import GRPOConfig
from wvl_models.rl.loss import clipped_loss, rollout_weights, token_mask
from wvl_models.rl.protocols import ImaginedWorld, StartStates, TrainablePolicy
from wvl_models.rl.rollout import Rollouts, imagine_rollouts
from wvl_models.rl.sampling import log_probabilities
from wvl_models.training.state import StateFolder, TrainingState, resumable, step_done

STOP_WINDOW = 5
"""Steps over which imagined success is averaged before it may end a stage."""


class StopReason(StrEnum):
    """Why a stage ended."""

    STEPS = "steps"
    SUCCESS = "success"
    REWARD_ALARM = "reward_alarm"


@dataclass(frozen=True, kw_only=True, slots=True)
class StepReport:
    """One optimisation step, for curves and logs."""

    step: int
    success: float
    """Imagined success rate of this step's rollouts."""
    max_reward: float
    """Mean over rollouts of the largest predicted reward."""
    kept_groups: int
    ratio_deviation: float
    """Mean |ratio - 1| over the last minibatch's tokens: how far the update went."""
    grad_norm: float
    stop: StopReason | None
    """Set on the last step."""


class GRPOTrainer:
    """Owns the optimiser; the policy is changed in place."""

    def __init__(
        self,
        policy: TrainablePolicy,
        world: ImaginedWorld,
        starts: StartStates,
        config: GRPOConfig,
        seed: int,
    ) -> None:
        if not len(starts.frames):
            raise DataError("imagined RL needs at least one start state; collect episodes first.")
        self._policy, self._world = policy, world
        self._starts, self._config = starts, config
        optimiser = torch.optim.AdamW(
            policy.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self._state = TrainingState(
            module=policy.module,
            optimiser=optimiser,
            generator=torch.Generator().manual_seed(seed),
            rng=np.random.default_rng(seed),
        )

    def run(self, folder: StateFolder | None = None) -> Iterator[StepReport]:
        """Steps until a stop rule or the last step; stop iterating to interrupt."""
        with resumable(self._state, folder):
            while self._state.step < self._config.num_steps:
                report = self._step()
                step_done(self._state, folder)
                yield report
                if report.stop is not None:
                    return

    def _step(self) -> StepReport:
        rollouts = self._rollouts()
        advantages = group_advantages(rollouts.success, self._config)
        deviation, norm = self._update(rollouts, advantages)
        success, best = float(rollouts.success.mean()), float(rollouts.max_reward.mean())
        self._state.recent = [*self._state.recent, success][-STOP_WINDOW:]
        return StepReport(
            step=self._state.step + 1,
            success=success,
            max_reward=best,
            kept_groups=int(advantages.is_kept.sum()) // self._config.group_size,
            ratio_deviation=deviation,
            grad_norm=norm,
            stop=self._stop(best),
        )

    def _rollouts(self) -> Rollouts:
        return imagine_rollouts(
            self._policy,
            self._world,
            self._starts,
            self._config,
            self._state.rng,
            self._state.generator,
        )

    def _stop(self, best: float) -> StopReason | None:
        recent = self._state.recent
        if len(recent) == STOP_WINDOW and np.mean(recent) >= self._config.stop_success:
            return StopReason.SUCCESS
        if best > self._config.stop_reward:
            return StopReason.REWARD_ALARM
        return StopReason.STEPS if self._state.step + 1 >= self._config.num_steps else None

    def _update(self, rollouts: Rollouts, advantages: Advantages) -> tuple[float, float]:
        """Minibatches of whole groups; returns (mean |ratio - 1|, gradient norm) of the last."""
        kept = advantages.is_kept.nonzero()[:, 0].view(-1, self._config.group_size)
        deviation = norm = 0.0
        if not len(kept):
            return deviation, norm
        order = torch.from_numpy(self._state.rng.permutation(len(kept)))
        for part in kept[order].tensor_split(min(self._config.num_minibatches, len(kept))):
            self._state.optimiser.zero_grad()
            deviation = self._accumulate(rollouts, advantages.values, part.flatten())
            parameters = list(self._policy.parameters())
            norm = float(torch.nn.utils.clip_grad_norm_(parameters, self._config.max_grad_norm))
            self._state.optimiser.step()
        return deviation, norm

    def _accumulate(self, rollouts: Rollouts, advantages: Tensor, chosen: Tensor) -> float:
        """Gradients of the loss over the chosen rollouts, one chunk at a time."""
        weights = torch.zeros(len(rollouts.success))
        weights[chosen] = rollout_weights(rollouts.finish_step[chosen], self._policy.spec)
        deviations = []
        for decision in rollouts.decisions:
            rows = (weights[decision.rollout] > 0).nonzero()[:, 0]
            if not len(rows):
                continue
            seen, frame_of = decision.frame_of[rows].unique(return_inverse=True)
            logits = self._policy.token_logits(decision.frames[seen.numpy()], rollouts.instruction)
            classes = decision.classes[rows].to(logits.device)
            log_probs = log_probabilities(
                logits[frame_of], classes, self._config.temperature
            ).cpu()  # where rollouts are kept; few numbers
            who = decision.rollout[rows]
            old = decision.log_probs[rows]
            mask = token_mask(rollouts.finish_step[who], decision.first_step, self._policy.spec)
            losses = clipped_loss(log_probs, old, advantages[who], self._config)
            (losses * mask * weights[who, None]).sum().backward()
            with torch.no_grad():
                deviations.append(((log_probs - old).exp() - 1).abs()[mask].mean())
        return float(torch.stack(deviations).mean())

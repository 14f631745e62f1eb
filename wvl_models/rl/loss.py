"""The clipped token loss of SimpleVLA-RL (facts/policy_rl.md section 2).

Ratios are per token; a rollout's tokens after its first success are masked; the mean is taken
over a rollout's valid tokens first and over rollouts second, so that a short success weighs as
much as a long failure. No KL term, no entropy bonus.
"""

import torch
from torch import Tensor

from wvl_models.contract.action import ACTION_DIM, ActionSpec
from wvl_models.rl.config import GRPOConfig


def clipped_loss(
    log_probs: Tensor, old_log_probs: Tensor, advantages: Tensor, config: GRPOConfig
) -> Tensor:
    """Loss per token [R, K*A] for rollout advantages [R]."""
    ratio = (log_probs - old_log_probs).exp()
    clipped = ratio.clamp(1.0 - config.clip_low, 1.0 + config.clip_high)
    gain = advantages[:, None]
    return -torch.minimum(ratio * gain, clipped * gain)


def token_mask(finish_step: Tensor, first_step: int, spec: ActionSpec) -> Tensor:
    """bool [R, K*A]: tokens of moving dimensions up to the first success.

    Leaving out dimensions that never move in the data is ours: their tokens carry no motion.
    """
    steps = first_step + torch.arange(spec.chunk_steps)
    valid = steps[None, :] < finish_step[:, None]
    active = torch.tensor(spec.active)
    return (valid[:, :, None] & active).flatten(1)


def valid_tokens(finish_step: Tensor, spec: ActionSpec) -> Tensor:
    """int64 [B]: tokens that count in each rollout."""
    return finish_step * sum(spec.active)


def rollout_weights(finish_step: Tensor, spec: ActionSpec) -> Tensor:
    """float32 [B]: what each token of a rollout weighs, so that rollouts weigh 1 / B each."""
    counts = valid_tokens(finish_step, spec).clamp(min=1).float()
    return 1.0 / (counts * len(finish_step))


assert ACTION_DIM == 7, "token masks assume seven numbers per step"

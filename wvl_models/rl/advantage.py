"""Group-relative advantages (facts/policy_rl.md section 2)."""

from dataclasses import dataclass

from torch import Tensor

from wvl_models.rl.config import GRPOConfig

EPSILON = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True)
class Advantages:
    """One number per rollout, and which groups carry a signal."""

    values: Tensor
    """float32 [B]."""
    is_kept: Tensor
    """bool [B]: the rollout's group has a mean success inside the kept range."""


def group_advantages(success: Tensor, config: GRPOConfig) -> Advantages:
    """(R - mean) / (std + eps) inside each group of `group_size`, std with ddof 1.

    A group of equal rewards gives zeros, not NaN.
    """
    groups = success.view(-1, config.group_size)
    mean = groups.mean(dim=1, keepdim=True)
    values = (groups - mean) / (groups.std(dim=1, keepdim=True) + EPSILON)
    kept = (mean >= config.keep_low) & (mean <= config.keep_high)
    return Advantages(values=values.flatten(), is_kept=kept.expand_as(groups).flatten())

"""Learning rates over a run."""

import math

import torch


def set_learning_rate(
    optimiser: torch.optim.Optimizer, peak: float, step: int, warm_up: int, total: int
) -> float:
    """Linear warm-up, then a cosine to zero; returns the rate that was set."""
    rate = peak * min(1.0, (step + 1) / max(warm_up, 1))
    rate *= 0.5 + 0.5 * math.cos(math.pi * step / max(total, 1))
    for group in optimiser.param_groups:
        group["lr"] = rate
    return rate

"""Drawing action tokens and weighing them: the same functions at sampling and in the loss.

SimpleVLA-RL draws every token on its own (facts/policy_rl.md 1.12). Ours draws through a Gaussian
copula that is AR(1) over the steps of a chunk: each token keeps exactly its own distribution, but
neighbouring steps lean the same way, which explores whole motions instead of jitter
(facts/toy_loop.md pitfall 3: independent tokens gained nothing). Log-probabilities stay those of
the single tokens, so ratios are SimpleVLA-RL's.
"""

import math

import torch
from torch import Tensor

from wvl_models.contract.action import ACTION_DIM


def draw_uniforms(
    batch: int, num_steps: int, correlation: float, generator: torch.Generator
) -> Tensor:
    """Uniforms [B, K*A] whose normal scores are AR(1) along the steps of each dimension."""
    normal = torch.randn(batch, num_steps, ACTION_DIM, generator=generator)
    scores = [normal[:, 0]]
    innovation = math.sqrt(1.0 - correlation**2)
    for step in range(1, num_steps):
        scores.append(correlation * scores[-1] + innovation * normal[:, step])
    return torch.special.ndtr(torch.stack(scores, dim=1)).flatten(1)


def sample_classes(logits: Tensor, uniforms: Tensor, temperature: float) -> Tensor:
    """Class indices [B, K*A] by inverting each token's own cumulative distribution."""
    cumulative = (logits.double() / temperature).softmax(dim=-1).cumsum(dim=-1)
    cumulative = cumulative / cumulative[..., -1:]
    drawn = uniforms.to(logits.device).double()[..., None]
    return torch.searchsorted(cumulative, drawn)[..., 0].clamp(max=logits.shape[-1] - 1)


def log_probabilities(logits: Tensor, classes: Tensor, temperature: float) -> Tensor:
    """Log-probability [B, K*A] of the drawn classes under `temperature`."""
    scaled = (logits / temperature).log_softmax(dim=-1)
    return scaled.gather(-1, classes[..., None])[..., 0]

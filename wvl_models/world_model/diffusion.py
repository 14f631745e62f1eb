"""Noise levels, preconditioning, the joint loss and the sampler.

EDM notation with sigma_data 1; t = sigma / (1 + sigma), so that the network's input
x0 * (1 - t) + eps * t is rectified flow (facts/world_model.md 1.5). The network is a function
`(x_t, t, ...) -> output, rewards`; this file knows nothing of its inside.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from wvl_models.world_model.config import NoiseConfig, Prediction, RewardWeight, WorldModelConfig

CONTEXT_SIGMA = 1e-4
"""Noise level that NVIDIA tells the network for clean context frames (facts 1.3)."""

MIN_T = 0.5
"""Sample prediction: the loss weight 1 / t^2 stops growing here (facts/toy_loop.md section 2)."""

Network = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""(x_t [B, C, T, H, W], t [B]) to (x0 estimate, rewards [B, K])."""


def sigma_to_t(sigma: Tensor) -> Tensor:
    """Flow time of a noise level."""
    return sigma / (1.0 + sigma)


def draw_sigma(batch: int, config: WorldModelConfig, generator: torch.Generator) -> Tensor:
    """[B] training noise levels, one per clip."""
    noise = config.noise
    if noise.sampling == "lognormal":
        normal = torch.randn(batch, generator=generator)
        return normal.exp() * config.num_latents**0.5
    t_max = noise.sigma_max / (1.0 + noise.sigma_max)
    t = torch.rand(batch, generator=generator).sqrt().clamp(max=t_max)
    t = torch.where(torch.rand(batch, generator=generator) < 0.5, t_max, t)
    return t / (1.0 - t)


def to_sample(
    output: Tensor, x_t: Tensor, t: Tensor, still: Tensor | None, prediction: Prediction
) -> Tensor:
    """x0 estimate from the network's output; t broadcasts over [B, 1, 1, 1, 1]."""
    if prediction is Prediction.VELOCITY:
        return x_t - t * output
    return output if still is None else still + output


@dataclass(frozen=True, kw_only=True, slots=True)
class LossParts:
    """The two terms of the paper's objective, each a scalar, before weighting by lambda_0."""

    flow: Tensor
    reward: Tensor


def joint_loss(
    sample: Tensor,
    clean: Tensor,
    rewards: Tensor,
    true_rewards: Tensor,
    sigma: Tensor,
    config: WorldModelConfig,
) -> LossParts:
    """L_flow and sum_t |r_hat - r|^2 weighted by lambda(sigma) (paper 3.2).

    The squared error of x0 over t^2 is the velocity's squared error. Context frames have zero
    error but stay in the mean's denominator, as in NVIDIA's code. The sum over steps is taken as
    a mean, so that lambda_0 does not depend on the chunk length.
    """
    t = sigma_to_t(sigma)
    floor = MIN_T if config.prediction is Prediction.SAMPLE else 1e-3
    per_clip = (sample - clean).square().flatten(1).mean(dim=1)
    flow = (per_clip / t.clamp(min=floor).square()).mean()
    error = (rewards - true_rewards).square().mean(dim=1)
    return LossParts(flow=flow, reward=(reward_weight(sigma, config.reward.form) * error).mean())


def reward_weight(sigma: Tensor, form: RewardWeight) -> Tensor:
    """lambda(sigma) / lambda_0."""
    if form is RewardWeight.CONSTANT:
        return torch.ones_like(sigma)
    if form is RewardWeight.EDM:
        return 1.0 / (1.0 + sigma.square())
    return 0.3 + 0.7 * (1.0 - sigma_to_t(sigma)).square()


def karras_sigmas(config: NoiseConfig) -> Tensor:
    """[num_steps + 1] levels from sigma_max to sigma_min, float64 (facts 1.6)."""
    ramp = torch.linspace(0, 1, config.num_steps + 1, dtype=torch.float64)
    high, low = config.sigma_max ** (1 / config.rho), config.sigma_min ** (1 / config.rho)
    return (high + ramp * (low - high)) ** config.rho


def sample_clip(network: Network, noise: Tensor, config: NoiseConfig) -> tuple[Tensor, Tensor]:
    """Denoise unit noise [B, C, T, H, W]; returns x0 and the rewards of the last pass.

    Second-order Adams-Bashforth in log sigma on the x0 estimate, first step Euler, with
    NVIDIA's Karras levels. With one step this is a single evaluation at sigma_max.
    """
    sigmas = karras_sigmas(config)
    x = noise * float(sigmas[0])
    earlier: tuple[Tensor, float] | None = None
    sample, rewards = noise, noise.new_zeros(0)
    for now, after in zip(sigmas[:-1].tolist(), sigmas[1:].tolist(), strict=True):
        sample, rewards = _denoise(network, x, now)
        x, step = _advance(x, sample, earlier, now, after)
        earlier = (sample, step)
    if config.clean_pass:
        return _denoise(network, x, config.sigma_min)
    return sample, rewards


def _denoise(network: Network, x: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
    t = sigma / (1.0 + sigma)
    return network(x * (1.0 - t), torch.full((len(x),), t, device=x.device))


def _advance(
    x: Tensor, sample: Tensor, earlier: tuple[Tensor, float] | None, now: float, after: float
) -> tuple[Tensor, float]:
    """x at the next level and the step in log sigma."""
    step = float(torch.log(torch.tensor(now / after, dtype=torch.float64)))
    ratio = after / now
    if earlier is None:
        return ratio * x + (1.0 - ratio) * sample, step
    before, step_before = earlier
    slope = (sample - before) / step_before
    # Integral of exp(-(s_end - s)) * (sample + slope * s) over one step in log sigma.
    return ratio * x + (1.0 - ratio) * sample + (step - (1.0 - ratio)) * slope, step

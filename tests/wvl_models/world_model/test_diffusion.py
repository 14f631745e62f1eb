"""Noise levels, the joint loss and the sampler, against closed forms."""

import math

import pytest
import torch
from torch import Tensor

from tests.learning import small_world_config
from wvl_models.world_model.config import NoiseConfig, Prediction, RewardWeight
from wvl_models.world_model.diffusion import (
    draw_sigma,
    joint_loss,
    karras_sigmas,
    reward_weight,
    sample_clip,
    sigma_to_t,
    to_sample,
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_karras_levels_are_nvidias() -> None:
    """80 to 0.002 with rho 7 in 36 levels (facts/world_model.md 1.6)."""
    sigmas = karras_sigmas(NoiseConfig())
    assert len(sigmas) == 36
    assert sigmas[0] == pytest.approx(80.0)
    assert sigmas[-1] == pytest.approx(0.002)
    middle = ((80 ** (1 / 7) + 0.002 ** (1 / 7)) / 2) ** 7
    assert karras_sigmas(NoiseConfig(num_steps=2))[1] == pytest.approx(middle)


def test_training_levels_are_lognormal_times_the_root_of_the_latents() -> None:
    """Quantiles of facts/world_model.md 1.5 scale with sqrt(latent frames)."""
    config = small_world_config(noise=NoiseConfig())
    logs = draw_sigma(20_000, config, generator()).log()
    assert logs.mean() == pytest.approx(0.5 * math.log(config.num_latents), abs=0.03)
    assert logs.std() == pytest.approx(1.0, abs=0.03)


def test_half_of_the_batch_sees_the_largest_level() -> None:
    config = small_world_config()
    sigma = draw_sigma(20_000, config, generator())
    assert sigma.max() == pytest.approx(80.0, rel=1e-3)
    assert (sigma > 79.9).float().mean() == pytest.approx(0.5, abs=0.03)
    t = sigma_to_t(sigma[sigma < 79.9])
    assert (t**2).mean() == pytest.approx(0.5, abs=0.03), "t is the root of a uniform number"


def test_a_velocity_is_noise_minus_sample() -> None:
    x0, eps = torch.randn(2, 3, generator=generator()), torch.randn(2, 3, generator=generator(1))
    t = torch.tensor([[0.3], [0.9]])
    x_t = (1 - t) * x0 + t * eps
    torch.testing.assert_close(to_sample(eps - x0, x_t, t, None, Prediction.VELOCITY), x0)


def test_a_residual_is_added_to_the_still() -> None:
    still, out = torch.ones(2, 3), torch.full((2, 3), 0.5)
    sample = to_sample(out, still, torch.tensor(0.5), still, Prediction.SAMPLE)
    assert (sample == 1.5).all()


@pytest.mark.parametrize("t", [0.2, 0.6])
def test_the_flow_loss_of_a_velocity_is_the_velocitys_squared_error(t: float) -> None:
    config = small_world_config(prediction=Prediction.VELOCITY, still_residual=False)
    x0 = torch.randn(1, 2, 3, 2, 2, generator=generator())
    velocity, wrong = (torch.randn(x0.shape, generator=generator(s)) for s in (1, 2))
    x_t = x0 + t * velocity
    sample = to_sample(wrong, x_t, torch.tensor(t), None, Prediction.VELOCITY)
    parts = joint_loss(
        sample, x0, torch.zeros(1, 8), torch.zeros(1, 8), torch.tensor([t / (1 - t)]), config
    )
    torch.testing.assert_close(parts.flow, (wrong - velocity).square().mean(), rtol=1e-4, atol=0)
    assert parts.reward == 0.0


def test_the_reward_loss_is_weighted_by_the_noise_level() -> None:
    config = small_world_config()
    zero = torch.zeros(2, 2, 3, 2, 2)
    predicted = torch.tensor([0.5, 0.0])[:, None].expand(2, 8)
    parts = joint_loss(zero, zero, predicted, torch.zeros(2, 8), torch.tensor([1.0, 3.0]), config)
    assert parts.reward == pytest.approx(0.5 * (0.3 + 0.7 * 0.25) * 0.25)


def test_reward_weights_fall_with_the_noise() -> None:
    sigma = torch.tensor([0.0, 1.0, 80.0])
    assert reward_weight(sigma, RewardWeight.CONSTANT).tolist() == [1.0, 1.0, 1.0]
    assert reward_weight(sigma, RewardWeight.EDM).tolist() == pytest.approx([1, 0.5, 1 / 6401])
    late = reward_weight(sigma, RewardWeight.LATE)
    assert late.tolist() == pytest.approx([1.0, 0.475, 0.3], abs=1e-3)


def test_a_perfect_network_is_sampled_exactly() -> None:
    clean = torch.randn(1, 2, 3, 2, 2, generator=generator())
    noise = torch.randn(clean.shape, generator=generator(1))
    config = NoiseConfig(num_steps=5, clean_pass=False)
    sample, rewards = sample_clip(lambda x, t: (clean, t[:, None]), noise, config)
    torch.testing.assert_close(sample, clean)
    last = karras_sigmas(config)[-2]
    assert rewards == pytest.approx(float(last / (1 + last))), "the last step before sigma_min"


def test_the_sampler_converges_at_second_order() -> None:
    """On data N(0, 0.25), whose x0 estimate is known, the end is x_T * s / sqrt(s^2 + 80^2)."""
    spread = 0.5
    noise = torch.randn(4, 1, 1, 1, 1, generator=generator()).double()

    def network(x_t: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        sigma = t.double().view(-1, 1, 1, 1, 1) / (1 - t.double().view(-1, 1, 1, 1, 1))
        x = x_t * (1 + sigma)
        return x * spread**2 / (spread**2 + sigma**2), t

    def error(num_steps: int) -> float:
        sample, _ = sample_clip(network, noise, NoiseConfig(num_steps=num_steps))
        end = noise * 80 * spread / math.sqrt(spread**2 + 80**2)
        return float((sample - end).abs().max())

    assert error(35) < 3e-2
    assert error(70) < error(35) / 2.5


def test_the_clean_pass_reads_at_the_smallest_level() -> None:
    seen: list[float] = []

    def network(x_t: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        seen.append(float(t[0] / (1 - t[0])))
        return x_t, t

    sample_clip(network, torch.zeros(1, 1, 1, 1, 1), NoiseConfig(num_steps=3))
    assert len(seen) == 4
    assert seen[0] == pytest.approx(80.0, rel=1e-3)
    assert seen[-1] == pytest.approx(0.002, rel=1e-3)


def test_one_step_is_one_pass() -> None:
    passes: list[int] = []

    def network(x_t: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        passes.append(1)
        return x_t, t

    config = NoiseConfig(num_steps=1, clean_pass=False)
    sample_clip(network, torch.zeros(1, 1, 1, 1, 1), config)
    assert len(passes) == 1

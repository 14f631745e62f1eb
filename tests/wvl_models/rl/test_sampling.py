"""Drawing tokens: correlated in time, exact in every token's own distribution."""

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from wvl_models.rl.sampling import draw_uniforms, log_probabilities, sample_classes

NUM_CLASSES, NUM_STEPS, NUM_DRAWS = 8, 4, 20_000


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def logits() -> torch.Tensor:
    return 1.5 * torch.randn(1, 7 * NUM_STEPS, NUM_CLASSES, generator=generator(5))


@pytest.mark.parametrize(("temperature", "correlation"), [(1.0, 0.0), (1.0, 0.95), (1.6, 0.95)])
def test_every_token_keeps_its_own_distribution(temperature: float, correlation: float) -> None:
    """Chi-square over 20,000 draws of each of 28 tokens; the seed makes it the same every time."""
    uniforms = draw_uniforms(NUM_DRAWS, NUM_STEPS, correlation, generator())
    classes = sample_classes(logits().expand(NUM_DRAWS, -1, -1), uniforms, temperature)
    expected = (logits()[0] / temperature).softmax(dim=-1) * NUM_DRAWS
    for token in range(7 * NUM_STEPS):
        counts = np.bincount(classes[:, token], minlength=NUM_CLASSES)
        share = expected[token].double().numpy()
        assert chisquare(counts, share * counts.sum() / share.sum()).pvalue > 1e-4


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.95])
def test_neighbouring_steps_lean_the_same_way(correlation: float) -> None:
    uniforms = draw_uniforms(NUM_DRAWS, NUM_STEPS, correlation, generator())
    scores = torch.special.ndtri(uniforms.double()).view(NUM_DRAWS, NUM_STEPS, 7)
    found = torch.corrcoef(scores[:, :, 2].T)
    steps = torch.arange(NUM_STEPS)
    expected = correlation ** (steps[:, None] - steps).abs().double()
    torch.testing.assert_close(found, expected, atol=0.03, rtol=0)


def test_dimensions_lean_on_their_own() -> None:
    uniforms = draw_uniforms(NUM_DRAWS, NUM_STEPS, 0.95, generator())
    found = torch.corrcoef(uniforms.view(NUM_DRAWS, NUM_STEPS, 7)[:, 1].T)
    torch.testing.assert_close(found, torch.eye(7), atol=0.03, rtol=0)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_the_ends_of_the_unit_interval_are_classes(value: float) -> None:
    drawn = sample_classes(logits(), torch.full((1, 7 * NUM_STEPS), value), 1.0)
    assert ((drawn >= 0) & (drawn < NUM_CLASSES)).all()


def test_a_class_without_probability_is_never_drawn() -> None:
    """The way `rl` masks ids outside the action range in other frameworks."""
    masked = torch.zeros(1, 7, 256)
    masked[..., 10:250] = -torch.inf
    uniforms = torch.linspace(0.001, 0.999, 7)[None]
    drawn = sample_classes(masked, uniforms, 1.0)
    assert ((drawn < 10) | (drawn >= 250)).all()


def test_log_probabilities_are_those_of_the_tempered_distribution() -> None:
    classes = torch.arange(7 * NUM_STEPS)[None] % NUM_CLASSES
    found = log_probabilities(logits(), classes, 1.6)
    expected = torch.log((logits() / 1.6).softmax(dim=-1))[0, torch.arange(28), classes[0]]
    torch.testing.assert_close(found[0], expected)


def test_the_same_generator_draws_the_same() -> None:
    first, again = (draw_uniforms(3, NUM_STEPS, 0.9, generator(1)) for _ in range(2))
    assert torch.equal(first, again)

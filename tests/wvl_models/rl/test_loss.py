"""The clipped token loss, against numbers worked out by hand."""

import math
from dataclasses import replace

import pytest
import torch

from tests.learning import SPEC
from wvl_models.rl.config import GRPOConfig
from wvl_models.rl.loss import clipped_loss, rollout_weights, token_mask

CONFIG = GRPOConfig()
"""Clips at 0.8 and 1.28."""


@pytest.mark.parametrize(
    ("ratio", "advantage", "loss", "is_clipped"),
    [
        (1.0, 2.0, -2.0, False),
        (1.2, 1.0, -1.2, False),
        (1.27, 1.0, -1.27, False),  # clip-higher: 0.2 would have cut here
        (1.5, 1.0, -1.28, True),
        (0.5, 1.0, -0.5, False),
        (0.9, -1.0, 0.9, False),
        (0.5, -1.0, 0.8, True),
        (1.5, -1.0, 1.5, False),
    ],
)
def test_the_loss_of_a_token(ratio: float, advantage: float, loss: float, is_clipped: bool) -> None:
    old = torch.tensor([[-2.0]])
    new = (old + math.log(ratio)).requires_grad_()
    found = clipped_loss(new, old, torch.tensor([advantage]), CONFIG)
    assert float(found.detach()) == pytest.approx(loss, abs=1e-6)
    found.sum().backward()
    assert new.grad is not None
    assert float(new.grad) == pytest.approx(0.0 if is_clipped else -ratio * advantage, abs=1e-6)


def test_tokens_count_up_to_the_first_success() -> None:
    mask = token_mask(torch.tensor([3, 8, 11]), 0, SPEC).view(3, SPEC.chunk_steps, 7)
    assert mask.all(dim=2).sum(dim=1).tolist() == [3, 8, 8]
    later = token_mask(torch.tensor([3, 8, 11]), 8, SPEC).view(3, SPEC.chunk_steps, 7)
    assert later.any(dim=2).sum(dim=1).tolist() == [0, 0, 3]


def test_tokens_of_a_dimension_that_never_moves_are_left_out() -> None:
    still = replace(
        SPEC, low=SPEC.low * [1, 1, 1, 0, 0, 0, 1], high=SPEC.high * [1, 1, 1, 0, 0, 0, 1]
    )
    mask = token_mask(torch.tensor([8]), 0, still).view(SPEC.chunk_steps, 7)
    assert mask.all(dim=0).tolist() == [True, True, True, False, False, False, True]


def test_a_short_success_weighs_as_much_as_a_long_failure() -> None:
    """Token mean inside a rollout first, rollout mean second."""
    finish = torch.tensor([3, 16, 9, 16])
    mask = torch.cat([token_mask(finish, first, SPEC) for first in (0, 8)], dim=1)
    weights = rollout_weights(finish, SPEC)
    assert (mask.sum(dim=1) * weights).tolist() == pytest.approx([0.25] * 4)

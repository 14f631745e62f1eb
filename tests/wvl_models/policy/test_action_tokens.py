"""Bins and ids against the golden values of facts/policy_rl.md 1.9."""

import numpy as np
import pytest
import torch

from wvl_models.policy.action_tokens import from_classes, smooth_targets, to_classes
from wvl_models.policy.config import PolicyConfig

FIRST_ID = PolicyConfig.paper().language.first_action_id


@pytest.mark.parametrize(
    ("value", "token", "centre"),
    [
        (-1.0, 31999, -0.996078),
        (-0.5, 31936, -0.501961),
        (0.0, 31872, 0.0),
        (0.25, 31840, 0.250980),
        (0.9999, 31745, 0.996078),
        (1.0, 31744, 0.996078),
        (-7.0, 31999, -0.996078),
        (7.0, 31744, 0.996078),
    ],
)
def test_tokens_are_the_released_ones(value: float, token: int, centre: float) -> None:
    classes = to_classes(np.array([value]))
    assert classes[0] + FIRST_ID == token
    assert from_classes(classes)[0] == pytest.approx(centre, abs=1e-6)


def test_all_256_classes_decode_into_the_range_in_falling_order() -> None:
    centres = from_classes(np.arange(256))
    assert (np.diff(centres[1:]) < 0).all()
    assert centres[0] == centres[1]
    assert np.abs(centres).max() < 1.0


def test_a_round_trip_is_off_by_half_a_bin_at_most() -> None:
    values = np.random.default_rng(0).uniform(-1, 1, 10_000)
    assert np.abs(from_classes(to_classes(values)) - values).max() <= 1 / 255 + 1e-12


def test_the_gripper_survives_the_tokens() -> None:
    """0 and 1 are not normalised; 0.5 parts them again (`ActionSpec.denormalise`)."""
    decoded = from_classes(to_classes(np.array([0.0, 1.0])))
    assert decoded[0] < 0.5 <= decoded[1]


def test_no_smoothing_is_one_hot() -> None:
    targets = smooth_targets(torch.tensor([[0, 255]]), 0.0)
    assert targets.sum(dim=-1).tolist() == [[1.0, 1.0]]
    assert targets.argmax(dim=-1).tolist() == [[0, 255]]


def test_smoothing_falls_off_around_the_true_bin() -> None:
    targets = smooth_targets(torch.tensor([100]), 2.0)[0]
    assert targets.sum() == pytest.approx(1.0)
    assert targets.argmax() == 100
    assert targets[102] / targets[100] == pytest.approx(np.exp(-0.5), abs=1e-6)

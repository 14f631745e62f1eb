"""Group-relative advantages."""

import pytest
import torch

from wvl_models.rl.advantage import group_advantages
from wvl_models.rl.config import GRPOConfig

CONFIG = GRPOConfig(group_size=4)


def test_a_group_is_measured_against_itself() -> None:
    """Mean 0.25 and standard deviation 0.5 with ddof 1 (facts/policy_rl.md trap 9)."""
    found = group_advantages(torch.tensor([1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0]), CONFIG)
    expected = [1.5, -0.5, -0.5, -0.5, 0.5, 0.5, 0.5, -1.5]
    assert found.values.tolist() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_uniform_group_has_no_advantage(value: float) -> None:
    found = group_advantages(torch.full((8,), value), CONFIG)
    assert found.values.tolist() == [0.0] * 8
    assert not found.is_kept.any()


def test_groups_without_a_signal_are_dropped_whole() -> None:
    """Dynamic sampling keeps mean successes from 0.1 to 0.9."""
    config = GRPOConfig(group_size=20)
    groups = torch.zeros(4, 20)
    groups[0, :1] = groups[1, :2] = groups[2, :18] = groups[3, :19] = 1.0
    kept = group_advantages(groups.flatten(), config).is_kept.view(4, 20)
    assert kept.all(dim=1).tolist() == [False, True, True, False]
    assert kept.any(dim=1).tolist() == [False, True, True, False]

"""Learning rates over a run."""

import pytest
import torch

from wvl_models.training.schedule import set_learning_rate


def rates(*, warm_up: int, total: int) -> list[float]:
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=9.0)
    found = []
    for step in range(total):
        found.append(set_learning_rate(optimiser, 2.0, step, warm_up, total))
        assert optimiser.param_groups[0]["lr"] == found[-1]
    return found


def test_the_rate_is_a_cosine_from_the_peak_to_zero() -> None:
    found = rates(warm_up=0, total=100)
    assert found[0] == pytest.approx(2.0)
    assert found[50] == pytest.approx(1.0)
    assert found[25] == pytest.approx(1 + 0.5**0.5)
    assert 0.0 < found[-1] < 0.001


def test_the_rate_warms_up_linearly() -> None:
    found = rates(warm_up=10, total=10_000)
    assert found[0] == pytest.approx(0.2)
    assert found[4] == pytest.approx(1.0, rel=1e-4)
    assert found[9] == pytest.approx(2.0, rel=1e-4)
    assert max(found) == found[9]

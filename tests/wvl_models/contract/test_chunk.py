from dataclasses import replace

import numpy as np
import pytest

from wvl_models.contract.errors import DataError
from wvl_models.contract.examples import example_chunk

CHUNK = example_chunk(np.random.default_rng(0))


def test_actions_are_due_one_period_apart_from_the_observation_on() -> None:
    assert CHUNK.due_ns(0) == CHUNK.observation_stamp_ns
    assert CHUNK.due_ns(5) - CHUNK.due_ns(4) == CHUNK.period_ns


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"actions": np.empty((0, 7))}, "at least one action"),
        ({"actions": np.zeros((24, 6))}, "shape"),
        ({"actions": np.full((24, 7), np.nan)}, "finite"),
        ({"actions": np.full((24, 7), np.inf)}, "finite"),
        ({"period_ns": 0}, "expire after"),
        ({"expires_ns": CHUNK.observation_stamp_ns}, "expire after"),
    ],
)
def test_what_is_no_chunk_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        replace(CHUNK, **changes)  # type: ignore[arg-type]


def test_the_actions_are_a_copy_and_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        CHUNK.actions[0, 0] = 1.0

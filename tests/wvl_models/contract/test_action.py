import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from wvl_models.contract.action import GRIPPER, ActionSpec
from wvl_models.contract.errors import DataError
from wvl_models.contract.examples import example_action_spec, example_actions, example_setpoint
from wvl_models.contract.rotation import F64

SPEC = example_action_spec()
rngs = st.integers(0, 2**32 - 1).map(np.random.default_rng)


def starts_and_actions(
    rng: np.random.Generator, batch: tuple[int, ...], num_steps: int
) -> tuple[F64, F64]:
    number = int(np.prod(batch))
    starts = np.stack([example_setpoint(rng).as_row() for _ in range(number)])
    actions = np.stack([example_actions(rng, num_steps) for _ in range(number)])
    return starts.reshape(*batch, 8), actions.reshape(*batch, num_steps, 7)


@pytest.mark.parametrize("batch", [(), (1,), (5,), (2, 3)])
@given(rng=rngs)
def test_differentiating_undoes_integrating(
    rng: np.random.Generator, batch: tuple[int, ...]
) -> None:
    start, actions = starts_and_actions(rng, batch, 24)
    targets = np.concatenate([start[..., None, :], SPEC.integrate(start, actions)], axis=-2)
    assert targets.shape == (*batch, 25, 8)
    np.testing.assert_allclose(SPEC.differentiate(targets), actions, atol=1e-12)


@given(rng=rngs)
def test_a_batch_is_its_members(rng: np.random.Generator) -> None:
    starts, actions = starts_and_actions(rng, (4,), 6)
    together = SPEC.integrate(starts, actions)
    for k in range(4):
        np.testing.assert_allclose(together[k], SPEC.integrate(starts[k], actions[k]), atol=1e-14)


def test_one_start_serves_many_chunks() -> None:
    start, actions = starts_and_actions(np.random.default_rng(0), (4,), 6)
    together = SPEC.integrate(start[0], actions)
    np.testing.assert_allclose(together[2], SPEC.integrate(start[0], actions[2]), atol=1e-14)


@given(rng=rngs)
def test_rotations_are_applied_from_the_left_in_the_base_frame(rng: np.random.Generator) -> None:
    start, actions = starts_and_actions(rng, (), 3)
    expected = Rotation.from_quat(start[3:7])
    for action in actions:
        expected = Rotation.from_rotvec(action[3:6]) * expected
    row = SPEC.integrate(start, actions)[-1]
    np.testing.assert_allclose(row[3:7], expected.as_quat(canonical=True), atol=1e-12)


def test_translations_add_up_and_the_gripper_is_copied() -> None:
    actions = np.zeros((3, 7))
    actions[:, 0], actions[:, GRIPPER] = [0.01, 0.02, 0.03], [1.0, 0.0, 1.0]
    start = example_setpoint(np.random.default_rng(0)).as_row()
    rows = SPEC.integrate(start, actions)
    np.testing.assert_allclose(rows[:, 0] - start[0], [0.01, 0.03, 0.06])
    np.testing.assert_array_equal(rows[:, 7], [1.0, 0.0, 1.0])


@given(rng=rngs)
def test_normalising_and_back_is_the_same_action(rng: np.random.Generator) -> None:
    actions = rng.uniform(SPEC.low, SPEC.high, (5, 7))
    actions[:, GRIPPER] = rng.integers(0, 2, 5)
    normalised = SPEC.normalise(actions)
    assert np.abs(normalised).max() <= 1.0
    np.testing.assert_allclose(SPEC.denormalise(normalised), actions, atol=1e-7)


def test_the_range_is_minus_one_to_one_and_what_lies_outside_is_cut() -> None:
    actions = np.stack([SPEC.low, SPEC.high, 2 * SPEC.high])
    normalised = SPEC.normalise(actions)
    np.testing.assert_allclose(normalised[:, 0], [-1.0, 1.0, 1.0], atol=1e-6)


def test_the_gripper_is_not_normalised_and_comes_back_as_zero_or_one() -> None:
    actions = np.zeros((2, 7))
    actions[:, GRIPPER] = [0.0, 1.0]
    np.testing.assert_array_equal(SPEC.normalise(actions)[:, GRIPPER], [0.0, 1.0])
    normalised = np.zeros((3, 7))
    normalised[:, GRIPPER] = [0.49, 0.5, 7.0]
    np.testing.assert_array_equal(SPEC.denormalise(normalised)[:, GRIPPER], [0.0, 1.0, 1.0])


def test_a_dimension_that_never_moved_is_constant() -> None:
    low, high = SPEC.low.copy(), SPEC.high.copy()
    low[4] = high[4] = 0.02
    spec = ActionSpec(low=low, high=high)
    assert spec.active == (True, True, True, True, False, True, True)
    assert spec.normalise(np.ones((2, 7)))[:, 4].tolist() == [0.0, 0.0]
    assert spec.denormalise(np.ones((2, 7)))[:, 4].tolist() == [0.02, 0.02]


def test_the_period_of_ten_hertz() -> None:
    assert SPEC.period_ns == 100_000_000


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"low": np.ones(7), "high": np.zeros(7)}, "must not lie below"),
        ({"low": np.zeros(6), "high": np.ones(7)}, "shape"),
        ({"low": np.zeros(7), "high": np.full(7, np.nan)}, "finite"),
        ({"low": np.zeros(7), "high": np.ones(7), "chunk_steps": 0}, "chunk_steps"),
        ({"low": np.zeros(7), "high": np.ones(7), "rate_hz": 0.0}, "rate_hz"),
    ],
)
def test_what_is_no_spec_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        ActionSpec(**changes)  # type: ignore[arg-type]


def test_rows_of_another_width_are_refused() -> None:
    with pytest.raises(DataError, match="actions must end in a dimension of 7"):
        SPEC.integrate(np.zeros(8), np.zeros((3, 6)))
    with pytest.raises(DataError, match="start must end in a dimension of 8"):
        SPEC.integrate(np.zeros(7), np.zeros((3, 7)))
    with pytest.raises(DataError, match="targets must end in a dimension of 8"):
        SPEC.differentiate(np.zeros((3, 7)))

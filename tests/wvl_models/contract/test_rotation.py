"""Every function is held against scipy, on single values and on batches."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation, Slerp

from wvl_models.contract import rotation
from wvl_models.contract.rotation import F64

seeds = st.integers(0, 2**32 - 1)
BATCHES = [(), (1,), (7,), (3, 4)]


def random_quaternions(seed: int, batch: tuple[int, ...]) -> F64:
    q = np.random.default_rng(seed).normal(size=(*batch, 4))
    return q / np.linalg.norm(q, axis=-1, keepdims=True)


def scipy_of(q: F64) -> Rotation:
    return Rotation.from_quat(q.reshape(-1, 4))


def assert_same_rotation(a: F64, b: F64) -> None:
    assert rotation.to_matrix(a) == pytest.approx(rotation.to_matrix(b), abs=1e-12)


@pytest.mark.parametrize("batch", BATCHES)
@given(seed=seeds)
def test_to_matrix(seed: int, batch: tuple[int, ...]) -> None:
    q = random_quaternions(seed, batch)
    expected = scipy_of(q).as_matrix().reshape(*batch, 3, 3)
    np.testing.assert_allclose(rotation.to_matrix(q), expected, atol=1e-12)


@pytest.mark.parametrize("batch", BATCHES)
@given(seed=seeds)
def test_from_matrix(seed: int, batch: tuple[int, ...]) -> None:
    q = random_quaternions(seed, batch)
    matrix = scipy_of(q).as_matrix().reshape(*batch, 3, 3)
    expected = scipy_of(q).as_quat(canonical=True).reshape(*batch, 4)
    np.testing.assert_allclose(rotation.from_matrix(matrix), expected, atol=1e-9)


@pytest.mark.parametrize("axis", range(3))
def test_from_matrix_of_half_turns(axis: int) -> None:
    q = np.zeros(4)
    q[axis] = 1.0
    back = rotation.from_matrix(rotation.to_matrix(q))
    np.testing.assert_allclose(np.abs(back), np.abs(q), atol=1e-12)


@pytest.mark.parametrize("batch", BATCHES)
@given(seed=seeds)
def test_multiply(seed: int, batch: tuple[int, ...]) -> None:
    a, b = random_quaternions(seed, batch), random_quaternions(seed + 1, batch)
    expected = (scipy_of(a) * scipy_of(b)).as_quat().reshape(*batch, 4)
    assert_same_rotation(rotation.multiply(a, b), expected)


@given(seed=seeds)
def test_conjugate_undoes(seed: int) -> None:
    q = random_quaternions(seed, (5,))
    unit = rotation.normalise_quaternion(rotation.multiply(q, rotation.conjugate(q)))
    np.testing.assert_allclose(unit, np.tile([0.0, 0.0, 0.0, 1.0], (5, 1)), atol=1e-12)


@pytest.mark.parametrize("batch", BATCHES)
@given(seed=seeds, scale=st.sampled_from([1e-12, 1e-9, 1e-4, 1.0, 3.0]))
def test_rotation_vectors(seed: int, scale: float, batch: tuple[int, ...]) -> None:
    rotvec = np.random.default_rng(seed).uniform(-1, 1, (*batch, 3)) * scale
    rotvec = rotvec / max(1.0, float(np.abs(rotvec).max()))
    q = rotation.from_rotvec(rotvec)
    expected = Rotation.from_rotvec(rotvec.reshape(-1, 3)).as_quat(canonical=True)
    np.testing.assert_allclose(q, expected.reshape(*batch, 4), atol=1e-12)
    np.testing.assert_allclose(rotation.to_rotvec(q), rotvec, atol=1e-12)


@given(seed=seeds)
def test_the_rotation_vector_is_the_shorter_way_round(seed: int) -> None:
    q = random_quaternions(seed, (6,))
    rotvec = rotation.to_rotvec(q)
    assert (np.linalg.norm(rotvec, axis=-1) <= np.pi + 1e-12).all()
    np.testing.assert_allclose(rotvec, scipy_of(q).as_rotvec(), atol=1e-7)


@pytest.mark.parametrize("batch", BATCHES)
@given(seed=seeds)
def test_rotate(seed: int, batch: tuple[int, ...]) -> None:
    q = random_quaternions(seed, batch)
    v = np.random.default_rng(seed).normal(size=(*batch, 3))
    expected = scipy_of(q).apply(v.reshape(-1, 3)).reshape(*batch, 3)
    np.testing.assert_allclose(rotation.rotate(q, v), expected, atol=1e-12)


def test_one_quaternion_rotates_many_points() -> None:
    q, points = random_quaternions(1, ()), np.random.default_rng(1).normal(size=(5, 3))
    np.testing.assert_allclose(rotation.rotate(q, points), scipy_of(q).apply(points), atol=1e-12)


@given(seed=seeds, fraction=st.floats(0.0, 1.0))
def test_slerp(seed: int, fraction: float) -> None:
    a, b = random_quaternions(seed, ()), random_quaternions(seed + 1, ())
    expected = Slerp([0.0, 1.0], Rotation.from_quat(np.stack([a, b])))([fraction]).as_matrix()[0]
    np.testing.assert_allclose(
        rotation.to_matrix(rotation.slerp(a, b, fraction)), expected, atol=1e-6
    )


@given(seed=seeds)
def test_one_rotation_has_one_representation(seed: int) -> None:
    q = random_quaternions(seed, (9,))
    np.testing.assert_array_equal(
        rotation.normalise_quaternion(q), rotation.normalise_quaternion(-q)
    )
    assert (rotation.normalise_quaternion(q)[..., 3] >= 0).all()

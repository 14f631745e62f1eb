import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from wvl_models.contract import rotation
from wvl_robot.core import quaternion
from wvl_robot.core.quaternion import Quaternion

part = st.floats(-1.0, 1.0)
units = (
    st.tuples(part, part, part, part)
    .filter(lambda q: sum(v * v for v in q) > 0.01)
    .map(quaternion.normalise)
)


def as_matrix(q: Quaternion) -> np.ndarray:
    return rotation.to_matrix(np.array(q))


@given(units, units)
def test_product_is_the_contracts(a: Quaternion, b: Quaternion) -> None:
    expected = rotation.multiply(np.array(a), np.array(b))
    assert quaternion.multiply(a, b) == pytest.approx(expected, abs=1e-12)


@given(units, units)
def test_angle_is_the_contracts(a: Quaternion, b: Quaternion) -> None:
    between = rotation.multiply(np.array(b), rotation.conjugate(np.array(a)))
    expected = np.linalg.norm(rotation.to_rotvec(between))
    assert quaternion.angle_between(a, b) == pytest.approx(expected, abs=1e-9)


@given(units, units, st.floats(0.0, 1.0))
def test_turning_part_of_the_way_is_slerp(a: Quaternion, b: Quaternion, fraction: float) -> None:
    angle_rad = quaternion.angle_between(a, b)
    assume(1e-6 < angle_rad < 3.14)
    turned = quaternion.turn_towards(a, b, fraction * angle_rad)
    expected = rotation.slerp(np.array(a), np.array(b), fraction)
    assert as_matrix(turned) == pytest.approx(rotation.to_matrix(expected), abs=1e-7)


@given(units)
def test_tilt_is_the_angle_of_the_tool_axis_to_straight_down(q: Quaternion) -> None:
    tool = as_matrix(q)[:, 2]
    assert np.cos(quaternion.tilt(q)) == pytest.approx(-tool[2], abs=1e-9)


@given(units, st.floats(0.0, 1.5))
def test_upright_brings_the_tool_to_the_tilt_and_no_further(q: Quaternion, limit: float) -> None:
    tilt_rad = quaternion.tilt(q)
    assume(tilt_rad > limit)
    turned = quaternion.upright(q, limit)
    assert quaternion.tilt(turned) == pytest.approx(limit, abs=1e-7)
    assert quaternion.angle_between(q, turned) == pytest.approx(tilt_rad - limit, abs=1e-7)


def test_upright_finds_a_way_down_from_straight_up() -> None:
    assert quaternion.tilt(quaternion.upright((0.0, 0.0, 0.0, 1.0), 0.5)) == pytest.approx(0.5)

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wvl_models.contract.errors import DataError
from wvl_models.contract.examples import example_pose, example_setpoint
from wvl_models.contract.pose import Pose, Setpoint

DOWN = np.array([1.0, 0.0, 0.0, 0.0])
rngs = st.integers(0, 2**32 - 1).map(np.random.default_rng)


@pytest.mark.parametrize(
    ("position", "quaternion", "message"),
    [
        ([0.0, 0.0], DOWN, "shape"),
        ([0.0, 0.0, np.nan], DOWN, "finite"),
        ([0.0, 0.0, 0.0], [0.0, 0.0, 1.0], "shape"),
        ([0.0, 0.0, 0.0], [np.inf, 0.0, 0.0, 0.0], "finite"),
        ([0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.1], "norm 1"),
        ([0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], "norm 1"),
    ],
)
def test_what_is_no_pose_is_refused(position: object, quaternion: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Pose(position_m=position, quaternion_xyzw=quaternion)  # type: ignore[arg-type]


def test_a_pose_cannot_be_changed_from_outside() -> None:
    position = np.array([0.5, 0.0, 0.2])
    pose = Pose(position_m=position, quaternion_xyzw=DOWN)
    position[0] = 9.0
    assert pose.position_m[0] == 0.5
    with pytest.raises(ValueError, match="read-only"):
        pose.position_m[0] = 9.0
    with pytest.raises(ValueError, match="read-only"):
        pose.quaternion_xyzw[0] = 9.0


@given(rngs)
def test_compose_and_inverse_are_those_of_matrices(rng: np.random.Generator) -> None:
    a, b = example_pose(rng), example_pose(rng)
    np.testing.assert_allclose(a.compose(b).matrix(), a.matrix() @ b.matrix(), atol=1e-12)
    np.testing.assert_allclose(a.inverse().matrix(), np.linalg.inv(a.matrix()), atol=1e-12)
    np.testing.assert_allclose(a.compose(a.inverse()).matrix(), np.eye(4), atol=1e-12)


@given(rngs)
def test_a_matrix_and_back_is_the_same_pose(rng: np.random.Generator) -> None:
    pose = example_pose(rng)
    back = Pose.from_matrix(pose.matrix())
    assert back.distance_m(pose) < 1e-12 and back.angle_rad(pose) < 1e-7


def test_the_identity_changes_nothing() -> None:
    pose = example_pose(np.random.default_rng(0))
    np.testing.assert_allclose(Pose.identity().compose(pose).matrix(), pose.matrix())


def test_distance_and_angle_have_their_units() -> None:
    half_turn = Pose(position_m=np.array([3.0, 4.0, 0.0]), quaternion_xyzw=DOWN)
    assert Pose.identity().distance_m(half_turn) == pytest.approx(5.0)
    assert Pose.identity().angle_rad(half_turn) == pytest.approx(np.pi)


@given(rngs)
def test_a_setpoints_row_and_back_is_the_same_setpoint(rng: np.random.Generator) -> None:
    setpoint = example_setpoint(rng)
    back = Setpoint.from_row(setpoint.as_row())
    np.testing.assert_allclose(back.as_row(), setpoint.as_row(), atol=1e-15)


@pytest.mark.parametrize(("gripper", "is_open"), [(0.0, False), (0.49, False), (0.5, True)])
def test_half_open_is_open(gripper: float, is_open: bool) -> None:
    row = np.array([0.5, 0.0, 0.2, *DOWN, gripper])
    assert Setpoint.from_row(row).gripper_open is is_open


@pytest.mark.parametrize("shape", [(7,), (9,), (1, 8)])
def test_a_row_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match="shape"):
        Setpoint.from_row(np.zeros(shape))

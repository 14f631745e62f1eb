import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wvl_models.contract import rotation
from wvl_models.contract.examples import example_pose
from wvl_models.contract.pose import Pose
from wvl_robot.rig.streaming import StreamConfig, stream_twist

CONFIG = StreamConfig()
DOWN = np.array([1.0, 0.0, 0.0, 0.0])


def pose(x_m: float = 0.5, turn_rad: float = 0.0) -> Pose:
    turn = rotation.from_rotvec(np.array([0.0, 0.0, turn_rad]))
    return Pose(position_m=np.array([x_m, 0.0, 0.2]), quaternion_xyzw=rotation.multiply(turn, DOWN))


def test_an_arm_on_its_path_gets_the_speed_of_the_path() -> None:
    twist = stream_twist(pose(0.51, 0.05), pose(0.5), pose(0.5), 0.1, CONFIG)
    assert twist.linear_mps == pytest.approx([0.1, 0.0, 0.0])
    assert twist.angular_radps == pytest.approx([0.0, 0.0, 0.5])


def test_an_arm_that_lags_is_pulled_to_where_it_should_be() -> None:
    twist = stream_twist(pose(0.5), pose(0.5), pose(0.49, -0.02), 0.1, CONFIG)
    assert twist.linear_mps == pytest.approx([0.01 * CONFIG.gain_per_s, 0.0, 0.0])
    assert twist.angular_radps == pytest.approx([0.0, 0.0, 0.02 * CONFIG.gain_per_s])


@given(st.integers(0, 2**32 - 1))
def test_property_no_twist_is_faster_than_configured(seed: int) -> None:
    rng = np.random.default_rng(seed)
    target, previous, measured = (example_pose(rng) for _ in range(3))
    twist = stream_twist(target, previous, measured, 0.1, CONFIG)
    assert np.linalg.norm(twist.linear_mps) <= CONFIG.max_linear_mps + 1e-12
    assert np.linalg.norm(twist.angular_radps) <= CONFIG.max_angular_radps + 1e-12


def test_a_cut_keeps_the_direction() -> None:
    target = Pose(position_m=np.array([0.8, 0.4, 0.2]), quaternion_xyzw=DOWN)
    twist = stream_twist(target, pose(), pose(), 0.1, CONFIG)
    assert twist.linear_mps == pytest.approx(np.array([0.6, 0.8, 0.0]) * CONFIG.max_linear_mps)

from dataclasses import replace

import numpy as np
import pytest

from wvl_models.contract.errors import DataError
from wvl_models.contract.examples import example_frame, example_robot_state
from wvl_models.contract.observation import RobotMode

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    "rgb",
    [
        np.zeros((4, 4, 3), dtype=np.float32),
        np.zeros((4, 4), dtype=np.uint8),
        np.zeros((4, 4, 4), dtype=np.uint8),
        np.zeros((1, 4, 4, 3), dtype=np.uint8),
    ],
)
def test_an_image_is_uint8_height_width_3(rgb: np.ndarray) -> None:
    with pytest.raises(DataError, match=r"uint8 \[H, W, 3\]"):
        replace(example_frame(RNG), rgb=rgb)


@pytest.mark.parametrize("name", ["joint_positions_rad", "joint_velocities_radps", "wrench"])
def test_a_state_has_seven_joints_and_a_wrench_of_six(name: str) -> None:
    with pytest.raises(DataError, match=name):
        replace(example_robot_state(RNG), **{name: np.zeros(5)})


def test_only_idle_and_move_may_be_commanded() -> None:
    commandable = {mode for mode in RobotMode if mode.is_commandable}
    assert commandable == {RobotMode.IDLE, RobotMode.MOVE}

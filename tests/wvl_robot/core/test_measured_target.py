from dataclasses import replace

import numpy as np
import pytest

from wvl_models.contract.examples import example_robot_state
from wvl_robot.core.measured_target import measured_target


@pytest.mark.parametrize(
    ("width_m", "is_grasped", "is_open"),
    [(0.065, False, True), (0.033, False, True), (0.032, False, False), (0.045, True, False)],
)
def test_the_gripper_counts_as_open_from_half_its_opening_unless_it_holds_something(
    width_m: float, is_grasped: bool, is_open: bool
) -> None:
    state = replace(
        example_robot_state(np.random.default_rng(0)),
        gripper_width_m=width_m,
        gripper_is_grasped=is_grasped,
    )
    target = measured_target(state, 0.065)
    assert target.gripper_open is is_open
    assert target.pose is state.base_T_ee

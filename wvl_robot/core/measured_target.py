"""The setpoint that an arm at rest already fulfils: where every new motion starts from."""

from wvl_models.contract.observation import RobotState
from wvl_models.contract.pose import Setpoint


def measured_target(state: RobotState, open_width_m: float) -> Setpoint:
    """The measured pose; the gripper counts as open from half of the rig's opening on.

    A grasped object keeps it closed, however wide the object is.
    """
    is_open = not state.gripper_is_grasped and state.gripper_width_m >= 0.5 * open_width_m
    return Setpoint(pose=state.base_T_ee, gripper_open=is_open)

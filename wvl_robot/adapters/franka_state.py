"""What franky's robot state says, in our words; nothing here talks to a robot."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wvl_models.contract.observation import RobotMode
from wvl_models.contract.pose import Pose
from wvl_robot.adapters.franka_connect import import_franky

if TYPE_CHECKING:
    import franky

SILENCE_S = 0.1
"""A running motion updates the state each millisecond. So much robot time missing between two
readings, and more than half of it, means that the robot is gone: after 20 ms it stops by itself
(FCI rule). A busy machine was seen to delay the virtual robot by 50 ms."""

OPERATOR_MUST = {
    RobotMode.USER_STOPPED: "release the user stop (or the emergency stop), then recover",
    RobotMode.GUIDING: "let go of the guiding button, then recover",
    RobotMode.OTHER: "look at the robot's state in Desk (brakes locked? self-test due?)",
    RobotMode.AUTOMATIC_ERROR_RECOVERY: "wait until the running recovery has ended",
}
"""What ends the modes that no recovery can end."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far the robot's clock had come at a reading."""

    robot_ms: int
    host_ns: int
    is_in_control: bool

    def misses_time_since(self, before: "Progress") -> bool:
        """While a motion runs, the state of the running motion has stopped to advance."""
        host_s = (self.host_ns - before.host_ns) * 1e-9
        robot_s = (self.robot_ms - before.robot_ms) * 1e-3
        was_in_control = self.is_in_control and before.is_in_control
        return was_in_control and host_s - robot_s > SILENCE_S and robot_s < 0.5 * host_s

    def with_grace(self) -> "Progress":
        """As if it had come late: should the robot speak again, 200 ms of it will tell."""
        return replace(self, host_ns=self.host_ns - round(2e9 * SILENCE_S))


def mode_of(raw: "franky.RobotState") -> RobotMode:
    """The mode; anything unknown is OTHER, which forbids motion."""
    franky = import_franky()
    names = {
        franky.RobotMode.Idle: RobotMode.IDLE,
        franky.RobotMode.Move: RobotMode.MOVE,
        franky.RobotMode.Guiding: RobotMode.GUIDING,
        franky.RobotMode.Reflex: RobotMode.REFLEX,
        franky.RobotMode.UserStopped: RobotMode.USER_STOPPED,
        franky.RobotMode.AutomaticErrorRecovery: RobotMode.AUTOMATIC_ERROR_RECOVERY,
    }
    return names.get(raw.robot_mode, RobotMode.OTHER)


def pose_of(raw: "franky.RobotState") -> Pose:
    """Measured `base_T_ee`."""
    return Pose(position_m=raw.O_T_EE.translation, quaternion_xyzw=raw.O_T_EE.quaternion)


def describe(mode: RobotMode, raw: "franky.RobotState") -> str:
    """Why the arm may not move, for the operator."""
    errors = str(raw.last_motion_errors if mode is RobotMode.REFLEX else raw.current_errors)
    detail = OPERATOR_MUST.get(mode, errors)
    return f"robot mode {mode}: {detail}"

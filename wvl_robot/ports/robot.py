"""Robot: an arm with a gripper that is led by one setpoint per tick."""

from typing import Protocol

from wvl_models.contract.observation import RobotState
from wvl_models.contract.pose import Setpoint


class Robot(Protocol):
    """What the robot node needs of an arm. Calls come from one thread and return within a tick,
    except `recover` and `go_home`, which block until the arm is at rest.
    """

    @property
    def fault(self) -> str | None:
        """The latched fault in the arm's own words, or None; for the operator."""
        ...

    def read(self) -> RobotState:
        """The newest state; raises RobotError when the arm is silent."""
        ...

    def send(self, setpoint: Setpoint) -> None:
        """Lead the arm towards `setpoint`, to arrive one period from now.

        The motion ends by itself when no further setpoint follows. Raises RobotError, and sends
        nothing, in every state that forbids motion; a latched fault stays latched.
        """
        ...

    def hold(self) -> None:
        """Stop as fast as the arm may and stand still; always allowed, never raises."""
        ...

    def recover(self) -> RobotState:
        """Clear a latched fault on the operator's word and return the pose to resume from.

        Raises RobotError where nothing needs recovery: a recovery sent without need confirms
        the *next* reflex at once (facts/robot_peers.md section 0.8).
        """
        ...

    def go_home(self) -> None:
        """Move to the rig's home pose and open the gripper; raises RobotError on a fault."""
        ...

    def close(self) -> None:
        """Stop and disconnect; may be called twice."""
        ...

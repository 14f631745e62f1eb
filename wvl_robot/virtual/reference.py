"""The jerk-limited velocity profile that franky flies between two commands.

franky plans every Cartesian velocity motion with Ruckig inside the robot's limits times the
relative dynamics factors. The lockstep environment plans the same profile with the same library,
so that an action sequence ends at the same place with and without the network protocol
(`tests/parity/test_lockstep_is_real_time.py`).
"""

import numpy as np
import ruckig

from wvl_models.contract.errors import RobotError
from wvl_models.contract.rotation import F64
from wvl_robot.rig.streaming import StreamConfig, Twist

ACCELERATION_LIMITS = np.array([13.0] * 3 + [25.0] * 3)
JERK_LIMITS = np.array([6500.0] * 3 + [12500.0] * 3)
"""franky 2.0.0 defaults for the FR3, read back from `Robot.*_limit` (m, rad, s)."""


class VelocityProfile:
    """Commanded twist over time; owns the commanded velocity and acceleration."""

    def __init__(self, config: StreamConfig) -> None:
        self._planner = ruckig.Ruckig(6)
        self._acceleration = ACCELERATION_LIMITS * config.acceleration_factor
        self._jerk = JERK_LIMITS * config.jerk_factor
        self._hold_s = config.hold_s
        self.reset()

    def reset(self) -> None:
        """Commanded to stand still."""
        self._velocity = np.zeros(6)
        self._acceleration_now = np.zeros(6)

    def plan(self, twist: Twist, times_s: F64, period_s: float) -> F64:
        """Commanded twists [T, 6] at `times_s` after now; advances the state by `period_s`.

        Raises RobotError where no profile exists (a non-finite target).
        """
        request = ruckig.InputParameter(6)
        request.control_interface = ruckig.ControlInterface.Velocity
        request.current_position = [0.0] * 6
        request.current_velocity = self._velocity.tolist()
        request.current_acceleration = self._acceleration_now.tolist()
        request.target_velocity = [*twist.linear_mps.tolist(), *twist.angular_radps.tolist()]
        request.target_acceleration = [0.0] * 6
        request.max_acceleration = self._acceleration.tolist()
        request.max_jerk = self._jerk.tolist()
        trajectory = ruckig.Trajectory(6)
        if self._planner.calculate(request, trajectory) not in (
            ruckig.Result.Working,
            ruckig.Result.Finished,
        ):
            raise RobotError(f"no velocity profile reaches {twist}.")
        twists = np.array([trajectory.at_time(float(t))[1] for t in times_s])
        _, velocity, acceleration = trajectory.at_time(period_s)[:3]
        self._velocity = np.array(velocity)
        self._acceleration_now = np.array(acceleration)
        return twists

"""How setpoints become motion on a Franka: one strategy per way of streaming.

Whatever the mode, at most the next tick is ever handed over: a chunk given to franky keeps running
for 2.8 s after its sender has died (facts/robot_peers.md section 0.1). `wvl bench modes` measures
them side by side; docs/decisions/011-control-modes.md has the figures.
"""

from typing import TYPE_CHECKING, Protocol

import numpy as np

from wvl_models.contract import rotation
from wvl_models.contract.errors import RobotError
from wvl_models.contract.pose import Pose
from wvl_robot.adapters.franka_connect import import_franky
from wvl_robot.adapters.franka_impedance import ImpedanceTracker
from wvl_robot.rig.config import RobotConfig
from wvl_robot.rig.streaming import (
    ControlMode,
    StreamConfig,
    Twist,
    WaypointConfig,
    stream_twist,
)

if TYPE_CHECKING:
    import franky

BRAKE_ACCELERATION_FACTOR, BRAKE_JERK_FACTOR = 0.13, 0.1
"""Braking is harder than tracking, yet no harder than the joints may: at 1 m/s^2 of the tool the
busiest joint needs up to 5.3 rad/s^2 in 95 % of a 0.36 x 0.56 x 0.38 m table space (7.0 at its far
upper corners), and an FR3 refuses 10. Factor 0.3 (3.9 m/s^2) ended in a reflex on the virtual cell.
"""

_SETTLE_MS = 50
"""How long franky goes on commanding zero before it ends the motion (its own default)."""


class ArmMode(Protocol):
    """A way to lead the arm; owned and called by one `FrankaArm`."""

    def lead(
        self, robot: "franky.Robot", target: Pose, previous_target: Pose, measured: Pose
    ) -> None:
        """Let the arm reach `target` one period from now and stop by itself soon after."""
        ...

    def stop(self, robot: "franky.Robot") -> None:
        """Brake at once; called only while a motion of this mode runs."""
        ...


def make_mode(config: RobotConfig, period_s: float) -> ArmMode:
    """The mode that a rig asks for; `period_s` is the time between two setpoints."""
    match config.mode:
        case ControlMode.VELOCITY_STREAM:
            return VelocityStream(config.stream, period_s)
        case ControlMode.WAYPOINT_TAIL:
            return WaypointTail(config.waypoints, config.stream, period_s)
        case ControlMode.IMPEDANCE:
            return ImpedanceTracker(config.impedance, period_s)


class VelocityStream:
    """A twist per tick, held for `StreamConfig.hold_s` and then braked to zero by the robot."""

    def __init__(self, config: StreamConfig, period_s: float) -> None:
        self._config, self._period_s = config, period_s

    def lead(
        self, robot: "franky.Robot", target: Pose, previous_target: Pose, measured: Pose
    ) -> None:
        """Preempt the running twist with the one that leads to `target`."""
        franky = import_franky()
        twist = _finite(
            stream_twist(target, previous_target, measured, self._period_s, self._config), target
        )
        hold = franky.Duration(round(self._config.hold_s * 1e3))
        track = franky.RelativeDynamicsFactor(
            self._config.velocity_factor,
            self._config.acceleration_factor,
            self._config.jerk_factor,
        )
        robot.move(
            franky.CartesianVelocityWaypointMotion(
                [
                    franky.CartesianVelocityWaypoint(
                        franky.Twist(twist.linear_mps, twist.angular_radps),
                        relative_dynamics_factor=track,
                        hold_target_duration=hold,
                        max_total_duration=hold,
                    ),
                    _standstill(),
                ]
            ),
            asynchronous=True,
        )

    def stop(self, robot: "franky.Robot") -> None:
        """Preempt the running twist with none."""
        franky = import_franky()
        robot.move(franky.CartesianVelocityWaypointMotion([_standstill()]), asynchronous=True)


class WaypointTail:
    """The target with the speed to pass it, and behind it the place where the arm may stop."""

    def __init__(self, config: WaypointConfig, limits: StreamConfig, period_s: float) -> None:
        """`limits`: its speeds cut the speed at the target, its gain is not used."""
        self._config, self._limits, self._period_s = config, limits, period_s

    def lead(
        self, robot: "franky.Robot", target: Pose, previous_target: Pose, measured: Pose
    ) -> None:
        """Preempt the running path with one through `target` in a period, and to rest after it."""
        franky = import_franky()
        twist = _finite(
            stream_twist(target, previous_target, previous_target, self._period_s, self._limits),
            target,
        )
        half_s = 0.5 * self._config.tail_s
        rest = Pose(
            position_m=target.position_m + twist.linear_mps * half_s,
            quaternion_xyzw=rotation.multiply(
                rotation.from_rotvec(twist.angular_radps * half_s), target.quaternion_xyzw
            ),
        )
        passing = franky.RobotVelocity(franky.Twist(twist.linear_mps, twist.angular_radps))
        factor = franky.RelativeDynamicsFactor(
            self._config.velocity_factor,
            self._config.acceleration_factor,
            self._config.jerk_factor,
        )
        robot.move(
            franky.CartesianWaypointMotion(
                [
                    franky.CartesianWaypoint(
                        franky.CartesianState(_robot_pose(target), passing),
                        relative_dynamics_factor=factor,
                        minimum_time=franky.Duration(round(self._period_s * 1e3)),
                    ),
                    franky.CartesianWaypoint(
                        franky.CartesianState(_robot_pose(rest)), relative_dynamics_factor=factor
                    ),
                ]
            ),
            asynchronous=True,
        )

    def stop(self, robot: "franky.Robot") -> None:
        """Preempt the running path with franky's own stop."""
        franky = import_franky()
        brake = franky.RelativeDynamicsFactor(1.0, BRAKE_ACCELERATION_FACTOR, BRAKE_JERK_FACTOR)
        robot.move(franky.CartesianStopMotion(brake), asynchronous=True)


def _finite(twist: Twist, target: Pose) -> Twist:
    """The twist; RobotError where there is none, for franky's loop dies of it."""
    if not (np.isfinite(twist.linear_mps).all() and np.isfinite(twist.angular_radps).all()):
        raise RobotError(f"no finite twist leads to {target}; nothing sent.")
    return twist


def _robot_pose(pose: Pose) -> "franky.RobotPose":
    franky = import_franky()
    return franky.RobotPose(franky.Affine(pose.position_m, pose.quaternion_xyzw))


def _standstill() -> "franky.CartesianVelocityWaypoint":
    franky = import_franky()
    return franky.CartesianVelocityWaypoint(
        franky.Twist(),
        relative_dynamics_factor=franky.RelativeDynamicsFactor(
            1.0, BRAKE_ACCELERATION_FACTOR, BRAKE_JERK_FACTOR
        ),
        hold_target_duration=franky.Duration(_SETTLE_MS),
    )

"""The law of the velocity stream: which twist carries the arm from one target to the next.

Feed-forward of the commanded motion plus a proportional pull towards the previous target,
recomputed every tick. Sent with an expiry, so that silence stops the arm by itself
(facts/robot_peers.md 3.3: the pattern that survived every enforcing-simulator run).
The franky adapter and the lockstep environment both call this function.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from pydantic import Field

from wvl_models.contract import rotation
from wvl_models.contract.config import Config
from wvl_models.contract.pose import Pose
from wvl_models.contract.rotation import F64


class ControlMode(StrEnum):
    """The ways in which a Franka can be led at 10 Hz."""

    VELOCITY_STREAM = "velocity_stream"
    WAYPOINT_TAIL = "waypoint_tail"
    IMPEDANCE = "impedance"


class StreamConfig(Config):
    """Gains and limits of the velocity stream."""

    gain_per_s: float = 5.0
    """Pull towards the previous target. With the dynamics below it tracked 0.2 m/s to 4 mm rms
    on the virtual cell; gain 5 with acceleration factor 0.05 oscillated
    (docs/decisions/002-streaming.md)."""
    hold_s: float = Field(default=0.13, gt=0.1, le=0.5)
    """How long a twist is held after the last one was sent. 0.13 s bridges a setpoint that comes
    30 ms late, and from 0.25 m/s the arm goes on for 53 mm when the sender dies; with 0.15 s it
    was 59 mm (docs/decisions/011-control-modes.md)."""
    velocity_factor: float = 0.3
    acceleration_factor: float = 0.1
    jerk_factor: float = 0.05
    """Relative dynamics factors of every streamed motion (franky multiplies its limits)."""
    max_linear_mps: float = 0.25
    max_angular_radps: float = 1.0


class WaypointConfig(Config):
    """The waypoint tail: the next target at the speed of the motion, then a place to stop."""

    tail_s: float = Field(default=0.2, gt=0, le=0.5)
    """From the target's speed to standstill; the way is half of speed times this."""
    velocity_factor: float = 0.3
    acceleration_factor: float = 0.1
    jerk_factor: float = 0.05
    """As in `StreamConfig`."""


class ImpedanceConfig(Config):
    """The impedance tracker: a spring between the tool and a reference that we lead."""

    translational_stiffness: float = Field(default=800.0, gt=0, le=3000.0)
    """N/m; critically damped (facts/robot_peers.md 3.3 tried 800 and 3000)."""
    rotational_stiffness: float = Field(default=50.0, gt=0, le=300.0)
    """Nm/rad, franky's default."""
    rate_hz: float = Field(default=100.0, ge=20.0, le=500.0)
    """franky does not interpolate references, so a thread of ours leads them at this rate."""
    hold_s: float = Field(default=0.15, gt=0.1, le=0.5)
    """After so long without a setpoint the control loop is ended; the reference has stopped at the
    last target long before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Twist:
    """Velocity of the tool centre point in the base frame."""

    linear_mps: F64
    angular_radps: F64


def stream_twist(
    target: Pose, previous_target: Pose, measured: Pose, period_s: float, config: StreamConfig
) -> Twist:
    """Twist that reaches `target` one period from now.

    `measured` is where the arm is at this tick; it should be at `previous_target`. Magnitudes
    are cut to the configured speeds, directions are kept.
    """
    linear = (target.position_m - previous_target.position_m) / period_s + config.gain_per_s * (
        previous_target.position_m - measured.position_m
    )
    angular = _turn(target, previous_target) / period_s + config.gain_per_s * _turn(
        previous_target, measured
    )
    return Twist(
        linear_mps=_cut(linear, config.max_linear_mps),
        angular_radps=_cut(angular, config.max_angular_radps),
    )


def _turn(after: Pose, before: Pose) -> F64:
    """Rotation vector that carries `before` to `after`, in the base frame."""
    return rotation.to_rotvec(
        rotation.multiply(after.quaternion_xyzw, rotation.conjugate(before.quaternion_xyzw))
    )


def _cut(vector: F64, limit: float) -> F64:
    length = float(np.linalg.norm(vector))
    return vector if length <= limit else vector * (limit / length)

"""The law of the velocity stream: which twist carries the arm from one target to the next.

Feed-forward of the commanded motion plus a proportional pull towards the previous target,
recomputed every tick. Sent with an expiry, so that silence stops the arm by itself
(facts/robot_peers.md 3.3: the pattern that survived every enforcing-simulator run).
The franky adapter and the lockstep environment both call this function.
"""

from dataclasses import dataclass

import numpy as np

from wvl_models.contract import rotation
from wvl_models.contract.config import Config
from wvl_models.contract.pose import Pose
from wvl_models.contract.rotation import F64


class StreamConfig(Config):
    """Gains and limits of the velocity stream."""

    gain_per_s: float = 5.0
    """Pull towards the previous target. With the dynamics below it tracked 0.2 m/s to 4 mm rms
    on the virtual cell; gain 5 with acceleration factor 0.05 oscillated
    (docs/decisions/002-streaming.md)."""
    hold_s: float = 0.15
    """How long a twist is held after the last one was sent (facts/robot_peers.md section 0.2)."""
    velocity_factor: float = 0.3
    acceleration_factor: float = 0.1
    jerk_factor: float = 0.05
    """Relative dynamics factors of every streamed motion (franky multiplies its limits)."""
    max_linear_mps: float = 0.25
    max_angular_radps: float = 1.0


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

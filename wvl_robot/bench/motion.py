"""Figures of a motion: how well targets were met, how rough it was, how far it went on blindly.

Pure arithmetic over a `MotionTrace` (1 kHz, from the robot server's own physics).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wvl_models.contract.rotation import F64
from wvl_robot.virtual.motion_trace import MotionTrace

AT_REST_MPS = 0.001
"""Slower than this the tool counts as standing still."""

_STEP_S = 0.001


@dataclass(frozen=True, kw_only=True, slots=True)
class SentTarget:
    """One setpoint, and when it was sent."""

    stamp_ns: int
    position_m: F64


@dataclass(frozen=True, kw_only=True, slots=True)
class Tracking:
    """Distance of the tool from each target when it was due, one period after it was sent."""

    rms_mm: float
    max_mm: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Jerk:
    """Third difference of what was executed, millisecond by millisecond."""

    joint_rms_radps3: float
    """Over time and joints."""
    joint_max_radps3: float
    tool_rms_mps3: float


@dataclass(frozen=True, kw_only=True, slots=True)
class BlindMotion:
    """What the arm did after nobody told it anything any more."""

    distance_mm: float
    """Largest distance from where it was at that moment."""
    duration_s: float
    """Until it stood still."""
    speed_mps: float
    """Mean over the 20 ms before."""


def tracking(trace: MotionTrace, targets: Sequence[SentTarget], period_s: float) -> Tracking:
    """See `Tracking`."""
    due_ns = np.array([target.stamp_ns for target in targets]) + round(period_s * 1e9)
    rows = np.searchsorted(trace.stamps_ns, due_ns).clip(max=len(trace.stamps_ns) - 1)
    wanted_m = np.stack([target.position_m for target in targets])
    errors_mm = np.linalg.norm(trace.tool_m[rows] - wanted_m, axis=1) * 1e3
    return Tracking(rms_mm=float(np.sqrt(np.mean(errors_mm**2))), max_mm=float(errors_mm.max()))


def jerk(trace: MotionTrace) -> Jerk:
    """See `Jerk`; the physics takes exact milliseconds, whatever the wall clock says."""
    joints = np.diff(trace.joints_rad, 3, axis=0) / _STEP_S**3
    tool = np.linalg.norm(np.diff(trace.tool_m, 3, axis=0), axis=1) / _STEP_S**3
    return Jerk(
        joint_rms_radps3=float(np.sqrt(np.mean(joints**2))),
        joint_max_radps3=float(np.abs(joints).max()),
        tool_rms_mps3=float(np.sqrt(np.mean(tool**2))),
    )


def blind_motion(trace: MotionTrace, stamp_ns: int) -> BlindMotion:
    """See `BlindMotion`; `stamp_ns` is when the last setpoint had been sent."""
    first = int(np.searchsorted(trace.stamps_ns, stamp_ns))
    before = trace.tool_m[max(0, first - 20) : first + 1]
    way_m = np.linalg.norm(trace.tool_m[first:] - trace.tool_m[first], axis=1)
    speeds = np.linalg.norm(np.diff(trace.tool_m[first:], axis=0), axis=1) / _STEP_S
    moving = np.flatnonzero(speeds > AT_REST_MPS)
    return BlindMotion(
        distance_mm=float(way_m.max() * 1e3),
        duration_s=float((moving[-1] + 1) * _STEP_S) if len(moving) else 0.0,
        speed_mps=float(np.linalg.norm(before[-1] - before[0]) / ((len(before) - 1) * _STEP_S)),
    )

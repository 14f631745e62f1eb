"""Orders to a gate, and what its answers are compared with."""

import math
from dataclasses import replace
from typing import Any

import numpy as np

from wvl_models.contract import rotation
from wvl_models.contract.pose import Setpoint
from wvl_robot.core.raw_order import RawOrder, Row
from wvl_robot.core.safety import Judgement, SafetyGate
from wvl_robot.rig.limits import SafetyLimits

LIMITS = SafetyLimits(workspace_low_m=(0.28, -0.3, 0.0), workspace_high_m=(0.68, 0.3, 0.45))
PERIOD_S = 0.1
PERIOD_NS = 100_000_000
LIFETIME_NS = 150_000_000
HOME: Row = (0.48, 0.0, 0.2, 1.0, 0.0, 0.0, 0.0, 1.0)
TOLERANCE = 1e-8


def gate_at(row: Row = HOME) -> SafetyGate:
    gate = SafetyGate(LIMITS, PERIOD_S)
    gate.resync(row)
    return gate


def order(tick: int = 1, **changes: Any) -> RawOrder:
    """A good order of tick number `tick`: stay where you are."""
    good = RawOrder(
        sequence=tick,
        stamp_ns=tick * PERIOD_NS,
        expires_ns=tick * PERIOD_NS + LIFETIME_NS,
        row=list(HOME),
        source="teleop",
        policy_version="",
    )
    return replace(good, **changes)


def row(
    x: float = 0.48,
    y: float = 0.0,
    z: float = 0.2,
    *,
    turn: tuple[float, float, float] = (0.0, 0.0, 0.0),
    gripper: float = 1.0,
) -> Row:
    """A row that is `turn` (rotation vector in base) away from tool straight down."""
    q = rotation.multiply(rotation.from_rotvec(np.array(turn)), np.array([1.0, 0.0, 0.0, 0.0]))
    qx, qy, qz, qw = q.tolist()
    return (x, y, z, qx, qy, qz, qw, gripper)


def judge(gate: SafetyGate, raw: RawOrder, *, is_ready: bool = True) -> Judgement:
    """Judged the moment it was decided, and sent where allowed."""
    now_ns = raw.stamp_ns if type(raw.stamp_ns) is int else 0
    judgement = gate.judge(raw, now_ns, is_ready=is_ready)
    if judgement.row is not None:
        gate.confirm(judgement)
    return judgement


def angle_rad(a: Row, b: Row) -> float:
    return Setpoint.from_row(np.array(a)).pose.angle_rad(Setpoint.from_row(np.array(b)).pose)


def tilt_rad(a: Row) -> float:
    tool = Setpoint.from_row(np.array(a)).pose.matrix()[:3, 2]
    return math.atan2(math.hypot(tool[0], tool[1]), -tool[2])

"""SafetyGate: the last judgement on a setpoint before it reaches an arm. Pure; holds no thread.

An order is judged against the rig's `SafetyLimits` and the previous setpoint that was sent. Checks
run in this order, and the first that applies is the reason on record:

    refused  MALFORMED             wrong type, length, range or norm; stamped in the future
             NOT_FINITE            NaN or infinity anywhere in the row
             STALE                 older than `max_age_s`
             EXPIRED               its own expiry has passed
             DUPLICATE             the sequence number of the last order
             OUT_OF_ORDER          an older sequence number, or a tick not later than the last one
             WRONG_POLICY_VERSION  a policy's order from another version than the active one
             ROBOT_NOT_READY       the arm may not be commanded, or its pose is not known yet
             STEP_JUMP             further than `max_step_m` or `max_step_rad` from the previous one
    clamped  WORKSPACE             into the box
             TABLE                 up to the table plane plus the tool's clearance
             ORIENTATION           back into the cone about straight down
             LINEAR_SPEED          along the way from the previous setpoint
             WORKSPACE, TABLE      no faster towards a wall than the arm can stop there
             ANGULAR_SPEED         along the turn from the previous setpoint
             GRIPPER_RATE          the gripper stays as it is

An order that says to hold is not judged by its row: nothing of it is sent, the arm brakes.

Whatever comes out of the clamps is measured once more against every limit and refused if one does
not hold: so nothing outside them is ever sent, also where the previous setpoint lay outside (an
arm guided by hand out of its box must go home first). Plain floats throughout: see `quaternion`.
"""

import math
from dataclasses import dataclass

from wvl_models.contract.errors import ConfigError
from wvl_models.contract.verdict import Reason, Verdict
from wvl_robot.core import quaternion
from wvl_robot.core.approach import free_room_m, is_slow_enough, slowed
from wvl_robot.core.quaternion import Quaternion, Vector
from wvl_robot.core.raw_order import ParsedOrder, RawOrder, Row, parse_order
from wvl_robot.ports.arm_link import Source
from wvl_robot.rig.limits import SafetyLimits

_SLACK = 1e-9
"""Metres and radians of rounding that are not a violation."""

_JITTER = 0.9
"""An order this share of a period after the previous one gets a full period's way. The speed over
many orders can then exceed the limit by 11 %, which the velocity stream cuts (`rig.streaming`)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """The gate's answer to one order."""

    verdict: Verdict
    reason: Reason
    row: Row | None = None
    """What may be sent; None where the order is refused, and where the arm is to hold."""
    stamp_ns: int = 0
    judged_ns: int = 0
    deadline_ns: int = 0
    """Without a successor the arm must be held from then on: the order's expiry, or `max_age_s`
    after its tick where it claims to live longer."""


class SafetyGate:
    """Judges orders; one per arm, called from one thread.

    `judge` remembers which orders it has seen; what was really sent it learns from `confirm`.
    """

    def __init__(self, limits: SafetyLimits, period_s: float) -> None:
        """`period_s` is one tick: the time in which the arm covers one setpoint's way."""
        low_z = limits.table_height_m + limits.tool_clearance_m
        if low_z >= limits.workspace_high_m[2]:
            raise ConfigError(
                f"safety: table_height_m + tool_clearance_m is {low_z} m, which leaves nothing of "
                f"a workspace that ends at {limits.workspace_high_m[2]} m. Correct the rig's file."
            )
        self._low, self._high, self._floor = limits.workspace_low_m, limits.workspace_high_m, low_z
        self._lowest: Vector = (*self._low[:2], max(low_z, self._low[2]))
        self._free_m = free_room_m(limits.max_linear_mps, period_s)
        self._max_step_m, self._max_step_rad = limits.max_step_m, limits.max_step_rad
        self._linear_mps, self._angular_radps = limits.max_linear_mps, limits.max_angular_radps
        self._max_tilt_rad = limits.max_tilt_rad
        self._gripper_ns = round(limits.min_gripper_change_s * 1e9)
        self._max_age_ns = round(limits.max_age_s * 1e9)
        self._period_s = period_s
        self._position: Vector | None = None
        self._turn: Quaternion = (1.0, 0.0, 0.0, 0.0)
        self._is_open = True
        self._policy_version = ""
        self._seen_sequence = self._seen_stamp_ns = -1
        self._sent_stamp_ns: int | None = None
        self._gripper_changed_ns: int | None = None

    def resync(self, row: Row) -> None:
        """Take `row`, where the arm is, as the previous setpoint. What was seen stays seen."""
        self._position, self._turn = row[:3], quaternion.normalise(row[3:7])
        self._is_open = row[7] >= 0.5

    def expect_version(self, policy_version: str) -> None:
        """From now on only this version's policy orders pass; empty for none."""
        self._policy_version = policy_version

    def judge(self, raw: RawOrder, now_ns: int, *, is_ready: bool) -> Judgement:
        """Judge an order at `now_ns`; never raises, whatever `raw` holds."""
        order = parse_order(raw)
        if isinstance(order, Reason):
            return Judgement(verdict=Verdict.REFUSE, reason=order)
        reason = self._find_refusal(order, now_ns, is_ready)
        if reason is not Reason.NONE:
            return Judgement(verdict=Verdict.REFUSE, reason=reason)
        if order.source == Source.HOLD:
            return Judgement(verdict=Verdict.PASS, reason=Reason.NO_SETPOINT)
        return self._clamp(order, now_ns)

    def confirm(self, judgement: Judgement) -> None:
        """The judgement's row was sent: it is the previous setpoint of the next order."""
        row = judgement.row
        assert row is not None, "a refused order cannot have been sent"
        self._position, self._turn = row[:3], row[3:7]
        is_open = row[7] >= 0.5
        if is_open != self._is_open:
            self._gripper_changed_ns = judgement.judged_ns
        self._is_open = is_open
        self._sent_stamp_ns = judgement.stamp_ns

    def _find_refusal(self, order: ParsedOrder, now_ns: int, is_ready: bool) -> Reason:
        if order.stamp_ns > now_ns:
            return Reason.MALFORMED
        if now_ns - order.stamp_ns > self._max_age_ns:
            return Reason.STALE
        if now_ns >= order.expires_ns:
            return Reason.EXPIRED
        if order.sequence == self._seen_sequence:
            return Reason.DUPLICATE
        if order.sequence < self._seen_sequence or order.stamp_ns <= self._seen_stamp_ns:
            return Reason.OUT_OF_ORDER
        self._seen_sequence, self._seen_stamp_ns = order.sequence, order.stamp_ns
        if order.source == Source.HOLD:
            return Reason.NONE if is_ready else Reason.ROBOT_NOT_READY
        is_policy = order.source == Source.POLICY
        if order.policy_version != (self._policy_version if is_policy else "") or (
            is_policy and not order.policy_version
        ):
            return Reason.WRONG_POLICY_VERSION
        if not is_ready or self._position is None:
            return Reason.ROBOT_NOT_READY
        if (
            math.dist(order.position, self._position) > self._max_step_m
            or quaternion.angle_between(self._turn, order.turn) > self._max_step_rad
        ):
            return Reason.STEP_JUMP
        return Reason.NONE

    def _clamp(self, order: ParsedOrder, now_ns: int) -> Judgement:
        time_s = self._time_s(order.stamp_ns)
        position, reason = self._into_box(order.position)
        turn = order.turn
        if quaternion.tilt(turn) > self._max_tilt_rad + _SLACK:
            turn = quaternion.upright(turn, self._max_tilt_rad)
            reason = reason or Reason.ORIENTATION
        slower = self._slow_down(position, self._linear_mps * time_s)
        if slower is not position:
            position, reason = slower, reason or Reason.LINEAR_SPEED
        calmer = self._slow_at_walls(position, time_s)
        if calmer is not position:
            is_down = calmer[2] > position[2]
            position, reason = calmer, reason or (Reason.TABLE if is_down else Reason.WORKSPACE)
        less = self._turn_less(turn, self._angular_radps * time_s)
        if less is not turn:
            turn, reason = less, reason or Reason.ANGULAR_SPEED
        is_open = order.is_open
        if is_open != self._is_open and self._is_gripper_too_soon(now_ns):
            is_open, reason = self._is_open, reason or Reason.GRIPPER_RATE
        broken = self._broken_limit(position, turn, time_s)
        if broken is not Reason.NONE:
            return Judgement(verdict=Verdict.REFUSE, reason=broken)
        return Judgement(
            verdict=Verdict.CLAMP if reason else Verdict.PASS,
            reason=reason,
            row=(*position, *turn, 1.0 if is_open else 0.0),
            stamp_ns=order.stamp_ns,
            judged_ns=now_ns,
            deadline_ns=min(order.expires_ns, order.stamp_ns + self._max_age_ns),
        )

    def _time_s(self, stamp_ns: int) -> float:
        """Seconds of motion that this order may use up."""
        if self._sent_stamp_ns is None:
            return self._period_s
        since_s = (stamp_ns - self._sent_stamp_ns) * 1e-9
        return self._period_s if since_s >= _JITTER * self._period_s else since_s

    def _into_box(self, position: Vector) -> tuple[Vector, Reason]:
        low, high = self._low, self._high
        x = min(max(position[0], low[0]), high[0])
        y = min(max(position[1], low[1]), high[1])
        z = min(max(position[2], low[2]), high[2])
        reason = Reason.NONE if (x, y, z) == position else Reason.WORKSPACE
        if z < self._floor:
            z, reason = self._floor, reason or Reason.TABLE
        return (x, y, z), reason

    def _slow_at_walls(self, position: Vector, time_s: float) -> Vector:
        """`position` in the box itself, or one on the way to it from which the arm can stop."""
        before, low, high = self._position, self._lowest, self._high
        assert before is not None
        if self._is_free(before):
            return position
        calmer = (
            slowed(before[0], position[0], low[0], high[0], time_s),
            slowed(before[1], position[1], low[1], high[1], time_s),
            slowed(before[2], position[2], low[2], high[2], time_s),
        )
        return position if calmer == position else calmer

    def _is_free(self, position: Vector) -> bool:
        """Whether the walls are so far away that nothing is slowed on their account."""
        (x, y, z), low, high, room = position, self._lowest, self._high, self._free_m
        return (
            low[0] + room <= x <= high[0] - room
            and low[1] + room <= y <= high[1] - room
            and low[2] + room <= z <= high[2] - room
        )

    def _slow_down(self, position: Vector, limit_m: float) -> Vector:
        """`position` itself, or the point on the way to it that is `limit_m` ahead."""
        before = self._position
        assert before is not None
        way_m = math.dist(position, before)
        if way_m <= limit_m + _SLACK:
            return position
        share = limit_m / way_m
        return (
            before[0] + share * (position[0] - before[0]),
            before[1] + share * (position[1] - before[1]),
            before[2] + share * (position[2] - before[2]),
        )

    def _turn_less(self, turn: Quaternion, limit_rad: float) -> Quaternion:
        """`turn` itself, or one on the way to it that is `limit_rad` ahead at most.

        A turn between two orientations in the cone may leave it by up to 0.4 mrad; then it is
        brought back and, where that makes it 2 urad too long, tried shorter.
        """
        if quaternion.angle_between(self._turn, turn) <= limit_rad + _SLACK:
            return turn
        for share in (1.0, 0.99, 0.5):
            less = quaternion.turn_towards(self._turn, turn, share * limit_rad)
            if quaternion.tilt(less) > self._max_tilt_rad:
                less = quaternion.upright(less, self._max_tilt_rad)
            if quaternion.angle_between(self._turn, less) <= limit_rad + _SLACK:
                return less
        return self._turn

    def _is_gripper_too_soon(self, now_ns: int) -> bool:
        changed_ns = self._gripper_changed_ns
        return changed_ns is not None and now_ns - changed_ns < self._gripper_ns

    def _broken_limit(self, position: Vector, turn: Quaternion, time_s: float) -> Reason:
        """The first limit that a setpoint does not keep: written apart from the clamps."""
        assert self._position is not None
        for value, low, high in zip(position, self._low, self._high, strict=True):
            if not low - _SLACK <= value <= high + _SLACK:
                return Reason.WORKSPACE
        if not position[2] >= self._floor - _SLACK:
            return Reason.TABLE
        if not self._is_free(position):
            walls = zip(self._position, position, self._lowest, self._high, strict=True)
            if not all(is_slow_enough(*of_axis, time_s) for of_axis in walls):
                return Reason.WORKSPACE
        if not quaternion.tilt(turn) <= self._max_tilt_rad + 2 * _SLACK:
            return Reason.ORIENTATION
        if not math.dist(position, self._position) <= self._linear_mps * time_s + 2 * _SLACK:
            return Reason.LINEAR_SPEED
        angle_rad = quaternion.angle_between(self._turn, turn)
        if not angle_rad <= self._angular_radps * time_s + 2 * _SLACK:
            return Reason.ANGULAR_SPEED
        return Reason.NONE

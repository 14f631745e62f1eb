"""Orders as they come off the wire, and the one place where they become trusted numbers."""

import math
from dataclasses import dataclass
from typing import NamedTuple, TypeGuard

from wvl_models.contract.verdict import Reason
from wvl_robot.core import quaternion
from wvl_robot.core.quaternion import Quaternion, Vector
from wvl_robot.ports.arm_link import SetpointOrder, Source

Row = tuple[float, float, float, float, float, float, float, float]
"""Position (m), quaternion xyzw, gripper (1 open, 0 closed): `Setpoint.as_row` in floats."""

_NORM_TOLERANCE = 1e-3
"""As `contract.pose`: further from 1 is an error and not rounding."""

_EXACT_NORM = 1e-12
"""Closer to 1 and a quaternion is left as it is, bit for bit."""

_COUNTER_END = 1 << 63
"""Counters and stamps are int64 on the wire."""

_SOURCES = frozenset(source.value for source in Source)


@dataclass(frozen=True, kw_only=True, slots=True)
class RawOrder:
    """An order as it came off the wire: nothing is trusted, not even the types.

    The fields are those of `SetpointOrder`, with the setpoint as a row.
    """

    sequence: object
    stamp_ns: object
    expires_ns: object
    row: object
    source: object
    policy_version: object

    @classmethod
    def of(cls, order: SetpointOrder) -> "RawOrder":
        """A well-formed order, to be judged like any other."""
        return cls(
            sequence=order.sequence,
            stamp_ns=order.stamp_ns,
            expires_ns=order.expires_ns,
            row=order.setpoint.as_row().tolist(),
            source=order.source,
            policy_version=order.policy_version,
        )

    @property
    def readable_sequence(self) -> int:
        """The sequence number for a receipt; -1 where there is none that fits into int64."""
        return self.sequence if _is_counter(self.sequence) else -1


class ParsedOrder(NamedTuple):
    """A well-formed order; its setpoint may still be anywhere."""

    sequence: int
    stamp_ns: int
    expires_ns: int
    position: Vector
    turn: Quaternion
    is_open: bool
    source: str
    policy_version: str


def parse_order(raw: RawOrder) -> ParsedOrder | Reason:
    """The order in `raw`, or MALFORMED or NOT_FINITE; never raises."""
    sequence, stamp_ns, expires_ns = raw.sequence, raw.stamp_ns, raw.expires_ns
    source, policy_version = raw.source, raw.policy_version
    if not (_is_counter(sequence) and _is_counter(stamp_ns) and _is_counter(expires_ns)):
        return Reason.MALFORMED
    if not (isinstance(source, str) and source in _SOURCES and isinstance(policy_version, str)):
        return Reason.MALFORMED
    row = _floats(raw.row)
    if row is None:
        return Reason.MALFORMED
    if not all(map(math.isfinite, row)):
        return Reason.NOT_FINITE
    turn = row[3:7]
    norm = math.hypot(*turn)
    if abs(norm - 1.0) > _NORM_TOLERANCE or not 0.0 <= row[7] <= 1.0:
        return Reason.MALFORMED
    if abs(norm - 1.0) > _EXACT_NORM:
        turn = quaternion.normalise(turn)
    return ParsedOrder(
        sequence, stamp_ns, expires_ns, row[:3], turn, row[7] >= 0.5, source, policy_version
    )


def _is_counter(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 <= value < _COUNTER_END


def _floats(row: object) -> Row | None:
    """Eight floats (int is accepted, bool and float32 are not), or None."""
    try:
        if len(row) != 8:  # type: ignore[arg-type]  # TypeError is an answer
            return None
        values: tuple[object, ...] = tuple(row)  # type: ignore[arg-type]
        if not all(isinstance(v, float) or type(v) is int for v in values):
            return None
        x, y, z, qx, qy, qz, qw, gripper = map(float, values)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return (x, y, z, qx, qy, qz, qw, gripper)

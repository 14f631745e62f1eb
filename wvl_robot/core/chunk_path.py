"""A chunk as a path in time: absolute setpoint rows, each due at one tick."""

from dataclasses import dataclass, replace

import numpy as np

from wvl_models.contract import rotation
from wvl_models.contract.action import ActionSpec
from wvl_models.contract.chunk import ActionChunk
from wvl_models.contract.rotation import F64

GRIPPER_COLUMN = 7
"""Of a setpoint row."""

_SAME_TARGET = 1e-9
"""Metres, or parts of a quaternion."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkPath:
    """Rows [K, 8]; row k is due `k * period_ns` after `anchor_ns`."""

    start: F64
    """[8] the target that the rows follow."""
    rows: F64
    anchor_ns: int
    period_ns: int
    expires_ns: int
    """No row may be used at or after this time."""

    @classmethod
    def of(cls, chunk: ActionChunk, spec: ActionSpec) -> "ChunkPath":
        """Where the chunk leads, starting at the tick of its observation."""
        start = chunk.start.as_row()
        return cls(
            start=start,
            rows=spec.integrate(start, chunk.actions),
            anchor_ns=chunk.observation_stamp_ns,
            period_ns=chunk.period_ns,
            expires_ns=chunk.expires_ns,
        )

    def begins_at(self, target: F64) -> bool:
        """Whether the path follows `target` [8]; transport may have rounded its last digits."""
        return bool(np.abs(self.start - target).max() < _SAME_TARGET)

    def starting_at(self, tick_ns: int) -> "ChunkPath":
        """The same rows, the first one due at `tick_ns`; the expiry stays."""
        return replace(self, anchor_ns=tick_ns)

    def index(self, tick_ns: int) -> int:
        """Number of the row that is due at a tick, which may lie outside the path.

        Ticks jitter; the nearest multiple of the period counts.
        """
        return (tick_ns - self.anchor_ns + self.period_ns // 2) // self.period_ns

    def row(self, tick_ns: int) -> F64 | None:
        """The row [8] due at a tick; None before the path, after it and once it has expired."""
        index = self.index(tick_ns)
        if tick_ns >= self.expires_ns or not 0 <= index < len(self.rows):
            return None
        return np.asarray(self.rows[index])


def blend_rows(leaving: F64, arriving: F64, fraction: float) -> F64:
    """A row `fraction` of the way: linear in position, slerp in rotation, gripper as arriving.

    Half a gripper command does not exist, so the gripper follows the new path at once.
    """
    return np.concatenate(
        [
            leaving[:3] + fraction * (arriving[:3] - leaving[:3]),
            rotation.slerp(leaving[3:7], arriving[3:7], fraction),
            arriving[GRIPPER_COLUMN:],
        ]
    )


def average_rows(rows: F64, weights: F64) -> F64:
    """Weighted mean [8] of rows [N, 8], the gripper as in the last one.

    Quaternions are averaged as vectors on one side of the sphere, which for the few degrees
    between chunks that answer neighbouring observations is the mean rotation.
    """
    shares = weights / weights.sum()
    turns = rows[:, 3:7]
    sides = np.where(turns @ turns[-1] < 0.0, -1.0, 1.0)
    turn = rotation.normalise_quaternion((shares * sides) @ turns)
    return np.concatenate([shares @ rows[:, :3], turn, rows[-1, GRIPPER_COLUMN:]])

"""Orders that are wrong in every way that the fault plan names (row 6), and good ones between.

Numbers are drawn in bulk; an order is then a few operations on plain floats.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from wvl_models.contract.rotation import F64
from wvl_robot.core.raw_order import RawOrder
from wvl_robot.ports.arm_link import Source
from wvl_robot.rig.limits import SafetyLimits

PERIOD_NS, LIFETIME_NS = 100_000_000, 150_000_000

VERSION = "policy-0001-fuzz"

GOOD_SHARE = 0.3
"""Of the orders; without some that pass, the gate's memory would never move."""

WAYS = (
    "nan",
    "infinity",
    "1e9",
    "shape",
    "type",
    "step",
    "stale",
    "future",
    "expired",
    "duplicate",
    "out of order",
    "version",
    "quaternion",
    "far",
    "counter",
)
"""`far` may be clamped; all others must be refused."""

_SHAPES: tuple[Any, ...] = (None, (), (1.0,), "row", {"x": 1.0}, [[0.0] * 8], tuple([0.0] * 9))
_TYPES: tuple[Any, ...] = ("0.5", None, True, b"1", 1 + 1j, [0.1], np.float32(0.1))
_COUNTERS: tuple[Any, ...] = (-1, 2**63, 1.5, None, "7", True)


@dataclass(frozen=True, slots=True)
class FuzzedOrder:
    """One order; not keyword-only because millions are made."""

    raw: RawOrder
    way: str
    """What is wrong with it; empty for a good one."""

    @property
    def must_be_refused(self) -> bool:
        """Whether nothing of it may reach an arm."""
        return self.way not in ("", "far")


class OrderFuzz:
    """Draws orders around the setpoint that was sent last; the clock is the caller's."""

    def __init__(self, limits: SafetyLimits, rng: np.random.Generator, reach_m: float) -> None:
        """`reach_m` bounds the step of a good order, in every axis."""
        self._limits, self._rng, self._reach_m = limits, rng, reach_m
        self._sequence = self._stamp_ns = 0

    def draw(self, num: int, start_ns: int) -> Iterator[tuple["_Draw", int]]:
        """`num` draws and the time of each, a period apart."""
        rng = self._rng
        ways = rng.integers(len(WAYS), size=num).tolist()
        is_good = (rng.random(num) < GOOD_SHARE).tolist()
        noise = rng.uniform(-1.0, 1.0, (num, 8)).tolist()
        picks = rng.integers(1 << 30, size=num).tolist()
        for k in range(num):
            way = "" if is_good[k] else WAYS[ways[k]]
            yield _Draw(way, noise[k], picks[k]), start_ns + k * PERIOD_NS

    def order(self, draw: "_Draw", now_ns: int, previous: tuple[float, ...]) -> FuzzedOrder:
        """The order of a draw, given what was sent last."""
        row: Any = self._good_row(draw, previous)
        fresh = self._sequence + 1
        sequence: Any = fresh
        stamp_ns, expires_ns, version = now_ns, now_ns + LIFETIME_NS, VERSION
        way, pick, size = draw.way, draw.pick, draw.noise[7]
        if self._sequence == 0 and way in ("duplicate", "out of order"):
            way = ""  # of what?
        if way in ("nan", "infinity", "1e9"):
            value = {"nan": math.nan, "infinity": math.copysign(math.inf, size), "1e9": 1e9}[way]
            row = (*row[: pick % 8], value, *row[pick % 8 + 1 :])
        elif way == "shape":
            row = _SHAPES[pick % len(_SHAPES)]
        elif way == "type":
            row = (*row[: pick % 8], _TYPES[pick % len(_TYPES)], *row[pick % 8 + 1 :])
        elif way == "step":
            row = (row[0] + math.copysign(10 * self._limits.max_step_m, size), *row[1:])
        elif way == "quaternion":
            row = (*row[:3], *(q * (1.1 + abs(size)) for q in row[3:7]), row[7])
        elif way == "far":
            low = self._limits.workspace_low_m[2]
            row = (row[0], row[1], low - 0.06 + 0.02 * size, *row[3:])
        elif way == "stale":
            stamp_ns, expires_ns = now_ns - 151_000_000 - pick, now_ns + LIFETIME_NS
        elif way == "future":
            stamp_ns = now_ns + 1_000_000_000 + pick
        elif way == "expired":
            expires_ns = now_ns - pick % LIFETIME_NS
        elif way == "duplicate":
            sequence = self._sequence
        elif way == "out of order":
            sequence = max(self._sequence - 1 - pick % 50, 0)
        elif way == "version":
            version = ("", "policy-0000-old", VERSION + " ")[pick % 3]
        elif way == "counter":
            sequence = _COUNTERS[pick % len(_COUNTERS)]
        if way in ("", "far", "step", "version"):  # these are seen, whatever becomes of them
            self._sequence = fresh
        return FuzzedOrder(
            RawOrder(
                sequence=sequence,
                stamp_ns=stamp_ns,
                expires_ns=expires_ns,
                row=row,
                source=Source.POLICY.value,
                policy_version=version,
            ),
            way,
        )

    def _good_row(self, draw: "_Draw", previous: tuple[float, ...]) -> tuple[float, ...]:
        """A short step from `previous`, the tool straight down, back towards the middle."""
        low, high = self._limits.workspace_low_m, self._limits.workspace_high_m
        floor = self._limits.table_height_m + self._limits.tool_clearance_m
        lows = (low[0], low[1], max(low[2], floor))
        position = (
            min(max(p + self._reach_m * n, a), b)
            for p, n, a, b in zip(previous[:3], draw.noise, lows, high, strict=False)
        )
        return (*position, *previous[3:7], float(draw.noise[6] > -0.95))


@dataclass(frozen=True, slots=True)
class _Draw:
    way: str
    noise: list[float]
    pick: int


def broken_limits(rows: F64, times_s: F64, limits: SafetyLimits) -> str:
    """What rows [N, 8], sent one after the other, break of the limits; empty for nothing.

    Written apart from the gate: numpy over the whole history. `times_s` [N] since the one before.
    """
    slack = 1e-6
    low, high = np.array(limits.workspace_low_m), np.array(limits.workspace_high_m)
    if not np.isfinite(rows).all():
        return "a value that is not finite was sent"
    if (rows[:, :3] < low - slack).any() or (rows[:, :3] > high + slack).any():
        return "a setpoint outside the workspace was sent"
    if (rows[:, 2] < limits.table_height_m + limits.tool_clearance_m - slack).any():
        return "a setpoint below the table's clearance was sent"
    x, y = rows[:, 3], rows[:, 4]
    tilts = np.arccos(np.clip(-(1 - 2 * (x**2 + y**2)), -1, 1))
    if (tilts > limits.max_tilt_rad + 1e-3).any():
        return "a setpoint outside the cone was sent"
    steps_m = np.linalg.norm(np.diff(rows[:, :3], axis=0), axis=1)
    allowed_m = limits.max_linear_mps * np.maximum(times_s[1:], 0.0)
    if (steps_m > np.minimum(allowed_m, limits.max_linear_mps * 0.1) + slack).any():
        return "a step faster than the speed limit was sent"
    return ""

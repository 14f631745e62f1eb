"""How fast a setpoint may come towards a wall of the workspace: no faster than the arm can stop.

A box around setpoints is no box around an arm: where the target stops at once, the arm goes on. On
the virtual cell it passed the lowest setpoint by 14.6 mm at 0.25 m/s, and the fingers reach to 4 mm
above the table there (docs/decisions/002-streaming.md has the figures, and those of this rule).
"""

import math

DECELERATION_MPS2 = 0.5
"""Of the setpoints towards a wall; the velocity stream brakes with 1.3 by default."""

ARRIVAL_MPS = 0.03
"""Towards a wall, at the wall."""

_SLACK_M = 1e-9


def free_room_m(speed_mps: float, time_s: float) -> float:
    """With so much room to a wall nothing at this speed is slowed."""
    brake_mps = DECELERATION_MPS2 * time_s
    square = (speed_mps + brake_mps) ** 2 - brake_mps**2 - ARRIVAL_MPS**2
    return max(square / (2.0 * DECELERATION_MPS2), 0.0)


def slowed(before_m: float, wanted_m: float, low_m: float, high_m: float, time_s: float) -> float:
    """One coordinate of a setpoint: `wanted_m`, or the furthest towards it that may be sent.

    `before_m` is where the setpoint before was, `low_m` and `high_m` are the walls, between which
    `wanted_m` must lie. After `time_s` the rest of the way must do to slow down to `ARRIVAL_MPS`.
    """
    is_up = wanted_m > before_m
    room_m = high_m - before_m if is_up else before_m - low_m
    brake_mps = DECELERATION_MPS2 * time_s
    way_m = time_s * (math.sqrt(brake_mps**2 + _square_mps(room_m)) - brake_mps)
    if abs(wanted_m - before_m) <= way_m + _SLACK_M:
        return wanted_m
    return before_m + way_m if is_up else before_m - way_m


def is_slow_enough(
    before_m: float, sent_m: float, low_m: float, high_m: float, time_s: float
) -> bool:
    """Whether the arm that goes from one setpoint to the next can still stop at the wall."""
    room_m = high_m - sent_m if sent_m > before_m else sent_m - low_m
    limit_m = time_s * math.sqrt(max(_square_mps(room_m), 0.0))
    return abs(sent_m - before_m) <= limit_m + 2 * _SLACK_M


def _square_mps(room_m: float) -> float:
    """Square of the speed from which the arm stops, to `ARRIVAL_MPS`, in `room_m`."""
    return ARRIVAL_MPS**2 + 2.0 * DECELERATION_MPS2 * room_m

"""Unit quaternions (xyzw) as tuples of floats, for the gate's hot path.

`wvl_models.contract.rotation` is the same mathematics on arrays; on a single quaternion numpy
costs 10 to 20 times as much, and the gate has 50 us. Held against it in the tests.
"""

import math

Vector = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]

_ANY_LEVEL_AXIS = (1.0, 0.0, 0.0)
"""For a tool that points straight up: every way down is equally short."""


def multiply(left: Quaternion, right: Quaternion) -> Quaternion:
    """The rotation `right` followed by `left`."""
    lx, ly, lz, lw = left
    rx, ry, rz, rw = right
    return (
        lw * rx + lx * rw + ly * rz - lz * ry,
        lw * ry - lx * rz + ly * rw + lz * rx,
        lw * rz + lx * ry - ly * rx + lz * rw,
        lw * rw - lx * rx - ly * ry - lz * rz,
    )


def normalise(q: Quaternion) -> Quaternion:
    """Norm 1; the sign is kept."""
    x, y, z, w = q
    norm = math.sqrt(x * x + y * y + z * z + w * w)
    return (x / norm, y / norm, z / norm, w / norm)


def from_axis_angle(axis: Vector, angle_rad: float) -> Quaternion:
    """Rotation by `angle_rad` about a unit axis."""
    sine = math.sin(0.5 * angle_rad)
    return (axis[0] * sine, axis[1] * sine, axis[2] * sine, math.cos(0.5 * angle_rad))


def angle_between(start: Quaternion, end: Quaternion) -> float:
    """Angle in [0, pi] of the rotation that carries `start` to `end`."""
    x, y, z, w = multiply(end, (-start[0], -start[1], -start[2], start[3]))
    return 2.0 * math.atan2(math.sqrt(x * x + y * y + z * z), abs(w))


def turn_towards(start: Quaternion, end: Quaternion, angle_rad: float) -> Quaternion:
    """`start` turned by `angle_rad` along the shorter way to `end` (which must not equal it)."""
    x, y, z, w = multiply(end, (-start[0], -start[1], -start[2], start[3]))
    sine = math.copysign(math.sqrt(x * x + y * y + z * z), w)
    axis = (x / sine, y / sine, z / sine)
    return normalise(multiply(from_axis_angle(axis, angle_rad), start))


def tilt(q: Quaternion) -> float:
    """Angle in [0, pi] between the tool axis (z of the rotated frame) and straight down."""
    x, y, z, w = q
    sideways = math.hypot(2.0 * (x * z + y * w), 2.0 * (y * z - x * w))
    return math.atan2(sideways, 2.0 * (x * x + y * y) - 1.0)


def upright(q: Quaternion, max_tilt_rad: float) -> Quaternion:
    """`q`, turned the shortest way to where its tool axis is `max_tilt_rad` from straight down."""
    x, y, z, w = q
    a, b = 2.0 * (x * z + y * w), 2.0 * (y * z - x * w)
    sideways = math.hypot(a, b)
    axis = (-b / sideways, a / sideways, 0.0) if sideways > 1e-12 else _ANY_LEVEL_AXIS
    return normalise(multiply(from_axis_angle(axis, tilt(q) - max_tilt_rad), q))

"""Rotations as numpy arrays: unit quaternions in xyzw order, rotation vectors, matrices.

All functions broadcast over leading dimensions and are vectorised; nothing here knows of
frames or of time. Written out (60 lines) because the contract may import numpy alone; every
function is held against `scipy.spatial.transform` in the tests.
"""

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

_SMALL_ANGLE_RAD = 1e-8
"""Below this angle sin(x)/x is 1 to double precision."""


def normalise_quaternion(xyzw: F64) -> F64:
    """Unit quaternion with non-negative w, so that one rotation has one representation."""
    unit = xyzw / np.linalg.norm(xyzw, axis=-1, keepdims=True)
    return np.where(unit[..., 3:] < 0.0, -unit, unit)


def multiply(left_xyzw: F64, right_xyzw: F64) -> F64:
    """Hamilton product: the rotation `right` followed by `left`."""
    lx, ly, lz, lw = np.moveaxis(left_xyzw, -1, 0)
    rx, ry, rz, rw = np.moveaxis(right_xyzw, -1, 0)
    return np.stack(
        [
            lw * rx + lx * rw + ly * rz - lz * ry,
            lw * ry - lx * rz + ly * rw + lz * rx,
            lw * rz + lx * ry - ly * rx + lz * rw,
            lw * rw - lx * rx - ly * ry - lz * rz,
        ],
        axis=-1,
    )


def conjugate(xyzw: F64) -> F64:
    """The inverse rotation of a unit quaternion."""
    return xyzw * np.array([-1.0, -1.0, -1.0, 1.0])


def from_rotvec(rotvec_rad: F64) -> F64:
    """Quaternion of a rotation vector [..., 3] (axis times angle)."""
    angle = np.linalg.norm(rotvec_rad, axis=-1, keepdims=True)
    half_sinc = np.where(
        angle < _SMALL_ANGLE_RAD, 0.5, np.sin(0.5 * angle) / np.maximum(angle, _SMALL_ANGLE_RAD)
    )
    return np.concatenate([rotvec_rad * half_sinc, np.cos(0.5 * angle)], axis=-1)


def to_rotvec(xyzw: F64) -> F64:
    """Rotation vector [..., 3] of the shorter way round (angle in [0, pi])."""
    unit = normalise_quaternion(xyzw)
    sine = np.linalg.norm(unit[..., :3], axis=-1, keepdims=True)
    angle = 2.0 * np.arctan2(sine, unit[..., 3:])
    scale = np.where(sine < _SMALL_ANGLE_RAD, 2.0, angle / np.maximum(sine, _SMALL_ANGLE_RAD))
    return unit[..., :3] * scale


def to_matrix(xyzw: F64) -> F64:
    """Rotation matrix [..., 3, 3]."""
    x, y, z, w = np.moveaxis(normalise_quaternion(xyzw), -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def from_matrix(matrix: F64) -> F64:
    """Quaternion of a rotation matrix [..., 3, 3], by Shepperd's largest-component rule."""
    m = matrix
    trace = m[..., 0, 0] + m[..., 1, 1] + m[..., 2, 2]
    squares = np.stack(
        [
            1 + 2 * m[..., 0, 0] - trace,
            1 + 2 * m[..., 1, 1] - trace,
            1 + 2 * m[..., 2, 2] - trace,
            1 + trace,
        ],
        axis=-1,
    )
    products = np.empty((*m.shape[:-2], 4, 4))
    for i in range(4):
        products[..., i, i] = squares[..., i]
    pairs = {
        (0, 1): m[..., 0, 1] + m[..., 1, 0],
        (0, 2): m[..., 0, 2] + m[..., 2, 0],
        (1, 2): m[..., 1, 2] + m[..., 2, 1],
        (0, 3): m[..., 2, 1] - m[..., 1, 2],
        (1, 3): m[..., 0, 2] - m[..., 2, 0],
        (2, 3): m[..., 1, 0] - m[..., 0, 1],
    }
    for (i, j), value in pairs.items():
        products[..., i, j] = products[..., j, i] = value
    largest = np.argmax(squares, axis=-1)
    return normalise_quaternion(
        np.take_along_axis(products, largest[..., None, None], axis=-2)[..., 0, :]
    )


def rotate(xyzw: F64, vector: F64) -> F64:
    """Rotate vectors [..., 3] by quaternions [..., 4]."""
    return np.einsum("...ij,...j->...i", to_matrix(xyzw), vector)


def slerp(start_xyzw: F64, end_xyzw: F64, fraction: float) -> F64:
    """Rotation a `fraction` of the way from start to end along the shorter arc."""
    difference = to_rotvec(multiply(end_xyzw, conjugate(start_xyzw)))
    return multiply(from_rotvec(fraction * difference), start_xyzw)

"""Hand-eye calibration of a fixed camera: where it is in the robot's base frame.

The board is in the gripper, the camera stands still ("eye to hand"): for every capture
base_T_ee . ee_T_board = base_T_camera . camera_T_board, with ee_T_board and base_T_camera unknown.
First Park and Martin's closed form (IEEE Trans. Robotics and Automation 10(5), 1994), then the
reprojection error of all corners is minimised over both. (OpenCV 5.0.0 has no Python binding of
calibrateHandEye.)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from wvl_models.contract.camera import Intrinsics
from wvl_models.contract.errors import DataError
from wvl_models.contract.pose import Pose
from wvl_models.contract.rotation import F64, from_rotvec, to_rotvec

MIN_CAPTURES = 8

MIN_ROTATION_RAD = 0.35
"""Two turns about different axes are needed; below 20 degrees noise decides (Tsai and Lenz 1989:
the error falls with the angle between captures)."""

ROBUST_PX = 1.0
"""Corners further off than this count less than quadratically."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Capture:
    """One pose of the arm and the board's corners as the camera saw them."""

    base_T_ee: Pose
    camera_T_board: Pose
    board_points_m: F64
    """[N, 3] corners in the board's frame."""
    image_points_px: F64
    """[N, 2] where they were seen; pixel centres at half-integers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HandEye:
    """The result, and how far to trust it."""

    base_T_camera: Pose
    ee_T_board: Pose
    residual_px: float
    """RMS distance of all corners from where they should be."""
    residual_mm: float
    residual_deg: float
    """RMS distance of the board from where the arm says it is."""
    spread_mm: float
    spread_deg: float
    """Largest change of base_T_camera when one capture is left out."""
    worst_capture: int
    """The one whose absence changes most."""


def calibrate_hand_eye(captures: Sequence[Capture], intrinsics: Intrinsics) -> HandEye:
    """Solve, and solve again without each capture; DataError where the captures do not suffice."""
    _require_variety(captures)
    camera, board = _solve(captures, intrinsics)
    without = [
        _solve([*captures[:i], *captures[i + 1 :]], intrinsics, (camera, board))[0]
        for i in range(len(captures))
    ]
    changes_mm = [1e3 * camera.distance_m(other) for other in without]
    residuals_px = _Corners.of(captures, intrinsics).residuals_px(_pack(camera, board))
    seen = [camera.compose(capture.camera_T_board) for capture in captures]
    told = [capture.base_T_ee.compose(board) for capture in captures]
    return HandEye(
        base_T_camera=camera,
        ee_T_board=board,
        residual_px=_rms(np.linalg.norm(residuals_px.reshape(-1, 2), axis=1)),
        residual_mm=1e3 * _rms([a.distance_m(b) for a, b in zip(seen, told, strict=True)]),
        residual_deg=_rms(np.degrees([a.angle_rad(b) for a, b in zip(seen, told, strict=True)])),
        spread_mm=max(changes_mm),
        spread_deg=float(np.degrees(max(camera.angle_rad(other) for other in without))),
        worst_capture=int(np.argmax(changes_mm)),
    )


def _require_variety(captures: Sequence[Capture]) -> None:
    if len(captures) < MIN_CAPTURES:
        raise DataError(
            f"{len(captures)} captures are too few; at least {MIN_CAPTURES} with different "
            "orientations are needed, 15 to 20 are good."
        )
    turns = _turns([capture.base_T_ee for capture in captures])
    strength = np.linalg.svd(turns, compute_uv=False) / np.sqrt(len(turns))
    if strength[1] < MIN_ROTATION_RAD / 2:
        raise DataError(
            "the captures turn the board about one axis only, or hardly at all. Tilt it by 20 to "
            "30 degrees to all sides and turn it about the camera's axis, too."
        )


def _turns(poses: Sequence[Pose]) -> F64:
    """[pairs, 3] rotation vectors between all pairs."""
    return np.array(
        [to_rotvec(b.compose(a.inverse()).quaternion_xyzw) for a, b in combinations(poses, 2)]
    )


def _solve(
    captures: Sequence[Capture], intrinsics: Intrinsics, start: tuple[Pose, Pose] | None = None
) -> tuple[Pose, Pose]:
    """base_T_camera and ee_T_board."""
    if start is None:
        camera = _closed_form(captures)
        first = captures[0]
        start = camera, first.base_T_ee.inverse().compose(camera).compose(first.camera_T_board)
    corners = _Corners.of(captures, intrinsics)
    found = least_squares(
        corners.residuals_px, _pack(*start), loss="soft_l1", f_scale=ROBUST_PX, x_scale="jac"
    )
    return _unpack(found.x[:6]), _unpack(found.x[6:])


def _closed_form(captures: Sequence[Capture]) -> Pose:
    """Park and Martin: A X = X B over all pairs of captures."""
    arm = [capture.base_T_ee for capture in captures]
    board = [capture.camera_T_board for capture in captures]
    aligned, _ = Rotation.align_vectors(_turns(arm), _turns(board))
    turn = aligned.as_matrix()
    rows, sides = [], []
    for i, j in combinations(range(len(captures)), 2):
        a, b = arm[j].compose(arm[i].inverse()), board[j].compose(board[i].inverse())
        rows.append(a.matrix()[:3, :3] - np.eye(3))
        sides.append(turn @ b.position_m - a.position_m)
    position, *_ = np.linalg.lstsq(np.concatenate(rows), np.concatenate(sides), rcond=None)
    return Pose(position_m=position, quaternion_xyzw=aligned.as_quat())


@dataclass(frozen=True, kw_only=True, slots=True)
class _Corners:
    """All corners of all captures in one row, so that a residual costs a few array operations."""

    base_T_ee: F64
    """[captures, 4, 4]"""
    capture: NDArray[np.intp]
    """[corners] which capture a corner belongs to."""
    points: F64
    """[corners, 4] homogeneous, in the board's frame."""
    pixels: F64
    """[corners, 2]"""
    intrinsics: Intrinsics

    @classmethod
    def of(cls, captures: Sequence[Capture], intrinsics: Intrinsics) -> "_Corners":
        points = np.concatenate([capture.board_points_m for capture in captures])
        counts = [len(capture.board_points_m) for capture in captures]
        return cls(
            base_T_ee=np.stack([capture.base_T_ee.matrix() for capture in captures]),
            capture=np.repeat(np.arange(len(captures)), counts),
            points=np.concatenate([points, np.ones((len(points), 1))], axis=1),
            pixels=np.concatenate([capture.image_points_px for capture in captures]),
            intrinsics=intrinsics,
        )

    def residuals_px(self, packed: F64) -> F64:
        """[2 * corners] seen minus projected."""
        camera_T_base = _unpack(packed[:6]).inverse().matrix()
        camera_T_board = camera_T_base @ self.base_T_ee @ _unpack(packed[6:]).matrix()
        seen = np.einsum("nij,nj->ni", camera_T_board[self.capture], self.points)
        depth = np.maximum(seen[:, 2], 1e-3)  # behind the camera: far off, but finite
        k = self.intrinsics
        projected = np.stack([k.fx * seen[:, 0] / depth, k.fy * seen[:, 1] / depth], axis=1)
        return (self.pixels - projected - [k.cx, k.cy]).ravel()


def _pack(camera: Pose, board: Pose) -> F64:
    return np.concatenate(
        [
            part
            for pose in (camera, board)
            for part in (pose.position_m, to_rotvec(pose.quaternion_xyzw))
        ]
    )


def _unpack(six: F64) -> Pose:
    return Pose(position_m=six[:3], quaternion_xyzw=from_rotvec(six[3:]))


def _rms(values: Sequence[float] | F64) -> float:
    return float(np.sqrt(np.mean(np.square(values))))

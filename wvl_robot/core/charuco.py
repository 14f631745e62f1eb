"""The calibration board: a ChArUco pattern to print, and to find in a picture."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from wvl_models.contract.camera import Intrinsics
from wvl_models.contract.observation import U8
from wvl_models.contract.pose import Pose
from wvl_models.contract.rotation import F64, from_rotvec

MIN_CORNERS = 8
"""Of the 24 of the default board: fewer give no pose worth having."""

_PIXEL_CENTRE = 0.5
"""Our pixel centres lie at half-integers, OpenCV's at integers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BoardSize:
    """What is printed; measure `square_m` on the print, printers scale."""

    columns: int = 7
    rows: int = 5
    square_m: float = 0.03
    marker_share: float = 0.75
    """Side of a marker in squares."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sighting:
    """A board in a picture."""

    camera_T_board: Pose
    board_points_m: F64
    """[N, 3]"""
    image_points_px: F64
    """[N, 2], pixel centres at half-integers."""


class Board:
    """Draws and finds the pattern."""

    def __init__(self, size: BoardSize) -> None:
        self.size = size
        self._board: Any = cv2.aruco.CharucoBoard(
            (size.columns, size.rows),
            size.square_m,
            size.square_m * size.marker_share,
            cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_5X5_100),
        )
        self._detector: Any = cv2.aruco.CharucoDetector(self._board)

    def draw(self, pixels_per_m: float) -> U8:
        """[H, W] the board at that resolution, without a margin."""
        size = self.size
        shape = (
            round(size.columns * size.square_m * pixels_per_m),
            round(size.rows * size.square_m * pixels_per_m),
        )
        return np.asarray(self._board.generateImage(shape), dtype=np.uint8)

    def find(self, rgb: U8, intrinsics: Intrinsics) -> Sighting | None:
        """The board in a picture [H, W, 3], or None where too little of it is seen."""
        grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
        corners, ids, _, _ = self._detector.detectBoard(grey)
        if ids is None or len(ids) < MIN_CORNERS:
            return None
        points = np.asarray(self._board.getChessboardCorners(), dtype=np.float64)[ids.ravel()]
        pixels = corners.reshape(-1, 2).astype(np.float64)
        k = intrinsics
        camera = np.array(
            [[k.fx, 0, k.cx - _PIXEL_CENTRE], [0, k.fy, k.cy - _PIXEL_CENTRE], [0, 0, 1]]
        )
        found, turn, position = cv2.solvePnP(points, pixels, camera, None)
        if not found or position[2, 0] <= 0:
            return None
        rotvec_rad, place_m = turn[:, 0].astype(np.float64), position[:, 0].astype(np.float64)
        return Sighting(
            camera_T_board=Pose(position_m=place_m, quaternion_xyzw=from_rotvec(rotvec_rad)),
            board_points_m=points,
            image_points_px=pixels + _PIXEL_CENTRE,
        )

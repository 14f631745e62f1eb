import cv2
import numpy as np
import pytest

from wvl_models.contract.camera import Intrinsics
from wvl_models.contract.errors import DataError
from wvl_models.contract.pose import Pose
from wvl_models.contract.rotation import F64, from_rotvec
from wvl_robot.core.charuco import Board, BoardSize
from wvl_robot.core.hand_eye import Capture, calibrate_hand_eye

K = Intrinsics(width=640, height=480, fx=607.0, fy=607.0, cx=320.0, cy=240.0)
BOARD = Board(BoardSize())


def pose(position: list[float], rotvec: list[float] | F64) -> Pose:
    return Pose(position_m=np.array(position), quaternion_xyzw=from_rotvec(np.asarray(rotvec)))


CAMERA = pose([1.05, -0.4, 0.55], [2.2, 1.1, -0.6])
"""base_T_camera"""
HELD = pose([-0.1, -0.075, 0.05], [0.05, -0.1, 0.02])
"""ee_T_board"""


def arm_poses(num: int, seed: int, tilt_rad: float = 0.45) -> list[Pose]:
    """Poses of the arm at which the board faces the camera half a metre away."""
    rng = np.random.default_rng(seed)
    poses = []
    for _ in range(num):
        turn = rng.uniform(-tilt_rad, tilt_rad, 3)
        place = [*rng.uniform(-0.05, 0.05, 2), rng.uniform(0.45, 0.65)]
        centre = pose([-0.105, -0.075, 0.0], [0, 0, 0])
        camera_T_board = pose(place, turn).compose(centre)
        poses.append(CAMERA.compose(camera_T_board).compose(HELD.inverse()))
    return poses


def photograph(base_T_ee: Pose) -> np.ndarray:
    """[480, 640, 3] what the camera sees of the board, by a homography of the print."""
    per_m = 2000.0
    drawn = np.pad(BOARD.draw(per_m), 60, constant_values=255)
    camera_T_board = CAMERA.inverse().compose(base_T_ee).compose(HELD).matrix()
    camera = np.array([[K.fx, 0, K.cx - 0.5], [0, K.fy, K.cy - 0.5], [0, 0, 1]])
    to_m = np.array([[1 / per_m, 0, -59.5 / per_m], [0, 1 / per_m, -59.5 / per_m], [0, 0, 1]])
    homography = camera @ camera_T_board[:3, [0, 1, 3]] @ to_m
    seen = cv2.warpPerspective(drawn, homography, (640, 480), flags=cv2.INTER_AREA, borderValue=128)
    return np.repeat(seen[..., None], 3, axis=2)


def capture(base_T_ee: Pose) -> Capture:
    seen = BOARD.find(photograph(base_T_ee), K)
    assert seen is not None
    return Capture(
        base_T_ee=base_T_ee,
        camera_T_board=seen.camera_T_board,
        board_points_m=seen.board_points_m,
        image_points_px=seen.image_points_px,
    )


@pytest.fixture(scope="module")
def captures() -> list[Capture]:
    return [capture(base_T_ee) for base_T_ee in arm_poses(15, seed=0)]


def test_the_camera_is_found_from_pictures_of_the_board(captures: list[Capture]) -> None:
    found = calibrate_hand_eye(captures, K)
    assert 1e3 * found.base_T_camera.distance_m(CAMERA) < 1.0
    assert np.degrees(found.base_T_camera.angle_rad(CAMERA)) < 0.1
    assert found.ee_T_board.distance_m(HELD) < 1e-3


def test_residuals_say_how_good_it_is(captures: list[Capture]) -> None:
    found = calibrate_hand_eye(captures, K)
    assert found.residual_px < 0.3
    assert found.residual_mm < 2.0
    assert found.spread_mm < 1.0


def test_a_capture_whose_arm_pose_is_wrong_is_named(captures: list[Capture]) -> None:
    moved = captures[4].base_T_ee.compose(pose([0.02, 0, 0], [0, 0, 0]))
    wrong = Capture(
        base_T_ee=moved,
        camera_T_board=captures[4].camera_T_board,
        board_points_m=captures[4].board_points_m,
        image_points_px=captures[4].image_points_px,
    )
    found = calibrate_hand_eye([*captures[:4], wrong, *captures[5:]], K)
    assert found.worst_capture == 4
    assert found.residual_mm > 3.0


def test_too_few_captures_are_refused(captures: list[Capture]) -> None:
    with pytest.raises(DataError, match="too few"):
        calibrate_hand_eye(captures[:5], K)


def test_captures_without_tilt_are_refused() -> None:
    flat = [capture(base_T_ee) for base_T_ee in arm_poses(10, seed=1, tilt_rad=0.02)]
    with pytest.raises(DataError, match="Tilt it"):
        calibrate_hand_eye(flat, K)


def test_a_picture_without_a_board_shows_none() -> None:
    assert BOARD.find(np.full((480, 640, 3), 90, np.uint8), K) is None

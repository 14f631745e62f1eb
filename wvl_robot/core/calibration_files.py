"""A calibration in progress on disk: pictures with arm poses in, intrinsics and hand-eye out.

    calibration/<rig>/<date>/captures/captures.yaml, 000.png, 001.png, ...
    calibration/<rig>/<date>/{intrinsics,hand_eye}.yaml     what `rig.calibration` reads
    calibration/<rig>/current.yaml                          names the active one

Pictures and poses are kept, so that a calibration can be solved again.
"""

from pathlib import Path

import cv2
import numpy as np
import yaml
from pydantic import Field

from wvl_models.contract.camera import Intrinsics
from wvl_models.contract.config import Config, load_config
from wvl_models.contract.errors import DataError
from wvl_models.contract.observation import U8
from wvl_models.contract.pose import Pose
from wvl_robot.core.charuco import Board, BoardSize
from wvl_robot.core.hand_eye import Capture, HandEye
from wvl_robot.rig.calibration import CurrentCalibration, HandEyeFile, IntrinsicsFile


class CaptureRecord(Config):
    """One picture and where the arm was."""

    file: str = Field(pattern=r"^[0-9]{3}\.png$")
    position_m: tuple[float, float, float]
    quaternion_xyzw: tuple[float, float, float, float]
    """base_T_ee"""


class CapturesFile(Config):
    """`captures.yaml`."""

    square_m: float = Field(gt=0)
    columns: int = Field(default=7, ge=3)
    rows: int = Field(default=5, ge=3)
    intrinsics: IntrinsicsFile
    captures: tuple[CaptureRecord, ...] = ()

    def board(self) -> Board:
        """The board that was held."""
        return Board(BoardSize(columns=self.columns, rows=self.rows, square_m=self.square_m))

    def camera(self) -> Intrinsics:
        """The camera's intrinsics."""
        k = self.intrinsics
        return Intrinsics(width=k.width, height=k.height, fx=k.fx, fy=k.fy, cx=k.cx, cy=k.cy)


def add_capture(folder: Path, session: CapturesFile, rgb: U8, base_T_ee: Pose) -> CapturesFile:
    """Write a picture, then the list that names it; returns the longer list."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{len(session.captures):03d}.png"
    cv2.imwrite(str(folder / name), cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    x, y, z = (float(value) for value in base_T_ee.position_m)
    qx, qy, qz, qw = (float(value) for value in base_T_ee.quaternion_xyzw)
    record = CaptureRecord(file=name, position_m=(x, y, z), quaternion_xyzw=(qx, qy, qz, qw))
    longer = session.model_copy(update={"captures": (*session.captures, record)})
    write_yaml(folder / "captures.yaml", longer)
    return longer


def read_captures(folder: Path) -> tuple[CapturesFile, list[Capture], list[str]]:
    """The list, the captures in which the board is found, and the pictures in which it is not."""
    session = load_config(folder / "captures.yaml", CapturesFile)
    board, camera = session.board(), session.camera()
    captures, blind = [], []
    for record in session.captures:
        picture = cv2.imread(str(folder / record.file))
        if picture is None:
            raise DataError(f"{folder / record.file} cannot be read; it is named in captures.yaml.")
        seen = board.find(np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8), camera)
        if seen is None:
            blind.append(record.file)
            continue
        captures.append(
            Capture(
                base_T_ee=Pose(
                    position_m=np.array(record.position_m),
                    quaternion_xyzw=np.array(record.quaternion_xyzw),
                ),
                camera_T_board=seen.camera_T_board,
                board_points_m=seen.board_points_m,
                image_points_px=seen.image_points_px,
            )
        )
    return session, captures, blind


def write_result(folder: Path, session: CapturesFile, found: HandEye, num_captures: int) -> None:
    """intrinsics.yaml and hand_eye.yaml beside the captures."""
    pose = found.base_T_camera
    x, y, z = (round(float(value), 6) for value in pose.position_m)
    qx, qy, qz, qw = (round(float(value), 9) for value in pose.quaternion_xyzw)
    write_yaml(folder / "intrinsics.yaml", session.intrinsics)
    write_yaml(
        folder / "hand_eye.yaml",
        HandEyeFile(
            position_m=(x, y, z),
            quaternion_xyzw=(qx, qy, qz, qw),
            residual_mm=round(found.residual_mm, 3),
            residual_deg=round(found.residual_deg, 4),
            source=(
                f"wvl calibrate: {num_captures} captures, {found.residual_px:.2f} px rms, leaving "
                f"one out moves it by {found.spread_mm:.1f} mm and {found.spread_deg:.2f} deg at "
                "most"
            ),
        ),
    )


def activate(rig_folder: Path, name: str) -> None:
    """Make calibration/<rig>/<name> the active one."""
    write_yaml(rig_folder / "current.yaml", CurrentCalibration(active=name))


def write_yaml(path: Path, data: Config) -> None:
    """Replace a file at once, so that nobody reads half of it."""
    staging = path.with_suffix(".new")
    text = yaml.safe_dump(data.model_dump(mode="json"), sort_keys=False)
    staging.write_text(text, encoding="utf-8")
    staging.replace(path)

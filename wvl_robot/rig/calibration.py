"""The active camera calibration of a rig, read from `calibration/<rig>/<date>/`."""

from pathlib import Path

import numpy as np

from wvl_models.contract.camera import CameraCalibration, Intrinsics
from wvl_models.contract.config import Config, load_config
from wvl_models.contract.errors import ConfigError
from wvl_models.contract.pose import Pose
from wvl_robot.rig.config import RigConfig


class CurrentCalibration(Config):
    """`calibration/<rig>/current.yaml`."""

    active: str


class IntrinsicsFile(Config):
    """`calibration/<rig>/<date>/intrinsics.yaml`."""

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    source: str
    """Where the numbers come from: factory, or a calibration run with its residual."""


class HandEyeFile(Config):
    """`calibration/<rig>/<date>/hand_eye.yaml`: the fixed camera in the robot's base frame."""

    position_m: tuple[float, float, float]
    quaternion_xyzw: tuple[float, float, float, float]
    residual_mm: float
    residual_deg: float
    source: str


def load_calibration(share: Path, rig: RigConfig) -> CameraCalibration:
    """The active calibration of a rig."""
    folder = _active_folder(share, rig)
    k = load_config(folder / "intrinsics.yaml", IntrinsicsFile)
    hand_eye = load_config(folder / "hand_eye.yaml", HandEyeFile)
    return CameraCalibration(
        name=f"{rig.calibration}/{folder.name}",
        intrinsics=Intrinsics(width=k.width, height=k.height, fx=k.fx, fy=k.fy, cx=k.cx, cy=k.cy),
        base_T_camera=Pose(
            position_m=np.array(hand_eye.position_m),
            quaternion_xyzw=np.array(hand_eye.quaternion_xyzw),
        ),
    )


def load_residuals(share: Path, rig: RigConfig) -> tuple[float, float]:
    """Residuals of the active hand-eye calibration, in mm and degrees."""
    hand_eye = load_config(_active_folder(share, rig) / "hand_eye.yaml", HandEyeFile)
    return hand_eye.residual_mm, hand_eye.residual_deg


def _active_folder(share: Path, rig: RigConfig) -> Path:
    folder = share / "calibration" / rig.calibration
    active = load_config(folder / "current.yaml", CurrentCalibration).active
    if "/" in active or active.startswith("."):
        raise ConfigError(f"{folder / 'current.yaml'}: `active` must name a folder beside it.")
    return folder / active

"""A rig: one arm, one camera, one table, as written in `config/rig/<name>.yaml`."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from wvl_models.contract.camera import Intrinsics, View
from wvl_models.contract.config import Config, load_config
from wvl_models.contract.errors import ConfigError
from wvl_robot.rig.limits import SafetyLimits
from wvl_robot.rig.streaming import ControlMode, ImpedanceConfig, StreamConfig, WaypointConfig

VIRTUAL_SERIAL = "virtual"
"""A camera of this serial is the virtual cell's, and so is the rig."""


class RobotConfig(Config):
    """The arm and how it may be driven."""

    host: str
    """Address of the control unit; 127.0.0.1 for the virtual cell."""
    kind: Literal["fr3", "panda"] = "fr3"
    is_realtime: bool = True
    """Refuse to start without a real-time kernel; false for the virtual cell."""
    home_joints_rad: tuple[float, ...] = Field(min_length=7, max_length=7)
    home_speed_factor: float = Field(default=0.1, gt=0, le=0.5)
    nominal_T_ee: tuple[float, ...] | None = Field(default=None, min_length=16, max_length=16)
    """Row-major tool transform NE_T_EE; None keeps what Desk configured."""
    load_mass_kg: float = Field(default=0.0, ge=0, le=3)
    collision_torque_nm: float = Field(default=40.0, gt=0)
    collision_force_n: float = Field(default=40.0, gt=0)
    mode: ControlMode = ControlMode.VELOCITY_STREAM
    """How setpoints become motion; measured side by side in docs/decisions/011-control-modes.md."""
    stream: StreamConfig = StreamConfig()
    waypoints: WaypointConfig = WaypointConfig()
    impedance: ImpedanceConfig = ImpedanceConfig()


class GripperConfig(Config):
    """The Franka Hand."""

    open_width_m: float = Field(default=0.065, gt=0, le=0.08)
    speed_mps: float = Field(default=0.1, gt=0, le=0.2)
    force_n: float = Field(default=30.0, gt=0, le=70)


class CameraConfig(Config):
    """The D435's colour stream, locked."""

    serial: str
    """`virtual` selects the virtual cell's software device."""
    width: int = 640
    height: int = 480
    rate_hz: int = 30
    exposure_100us: int | None = None
    """RGB exposure in units of 100 microseconds; None leaves auto-exposure on (not advised)."""
    gain: int | None = None
    white_balance_k: int | None = None
    power_line_hz: Literal[0, 50, 60] | None = None
    """Of the room's lamps, against flicker; 0: off."""
    visual_preset: int | None = Field(default=None, ge=0)
    """Of the depth module (0 custom, 1 default, 3 high accuracy, 4 high density); the stack uses
    colour alone, so this only pins what others on the same camera see."""


class ViewConfig(Config):
    """The square of the camera image that the models look at."""

    size_px: int = Field(default=64, ge=16)
    left_px: float
    top_px: float
    side_px: float = Field(gt=0)
    """In pixels of the camera image."""


class RigConfig(Config):
    """Everything that differs from rig to rig."""

    name: str
    robot: RobotConfig
    gripper: GripperConfig = GripperConfig()
    camera: CameraConfig
    view: ViewConfig
    safety: SafetyLimits
    calibration: str
    """Folder below `calibration/` whose `current.yaml` names the active calibration."""

    @property
    def is_virtual(self) -> bool:
        """Whether robot and camera are the virtual cell's."""
        return self.camera.serial == VIRTUAL_SERIAL


def load_rig(share: Path, name: str) -> RigConfig:
    """Read `share/config/rig/<name>.yaml`; a wrong field or rig is named."""
    if "/" in name or name.startswith("."):
        raise ConfigError(f"a rig is chosen by name, not by path: '{name}'.")
    return load_config(share / "config" / "rig" / f"{name}.yaml", RigConfig)


def rig_view(rig: RigConfig, camera: Intrinsics) -> View:
    """The models' view: a square of the camera image, resized to `size_px`."""
    scale = rig.view.size_px / rig.view.side_px
    return View(
        intrinsics=Intrinsics(
            width=rig.view.size_px,
            height=rig.view.size_px,
            fx=camera.fx * scale,
            fy=camera.fy * scale,
            cx=(camera.cx - rig.view.left_px) * scale,
            cy=(camera.cy - rig.view.top_px) * scale,
        )
    )

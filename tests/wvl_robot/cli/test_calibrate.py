from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from tests.cells import SHARE
from tests.wvl_robot.core.test_hand_eye import CAMERA, K, arm_poses, photograph
from wvl_models.contract.errors import ConfigError, DataError
from wvl_robot.cli.calibrate import app
from wvl_robot.core.calibration_files import CapturesFile, add_capture
from wvl_robot.rig.calibration import IntrinsicsFile, load_calibration, load_residuals
from wvl_robot.rig.config import load_rig


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A captured calibration of a rig that is called lab."""
    home = tmp_path / "calibration" / "lab" / "2026-01-01"
    session = CapturesFile(
        square_m=0.03,
        intrinsics=IntrinsicsFile(
            width=K.width, height=K.height, fx=K.fx, fy=K.fy, cx=K.cx, cy=K.cy, source="test"
        ),
    )
    for base_T_ee in arm_poses(10, seed=3):
        session = add_capture(home / "captures", session, photograph(base_T_ee), base_T_ee)
    return home


def test_captures_become_the_rigs_calibration(folder: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["solve", str(folder), "--activate"])
    assert result.exit_code == 0, result.output
    rig = load_rig(SHARE, "virtual").model_copy(update={"calibration": "lab"})
    found = load_calibration(tmp_path, rig)
    assert found.name == "lab/2026-01-01"
    assert 1e3 * found.base_T_camera.distance_m(CAMERA) < 1.5
    assert load_residuals(tmp_path, rig)[0] < 2.0


def test_a_calibration_becomes_active_only_on_request(folder: Path) -> None:
    CliRunner().invoke(app, ["solve", str(folder)])
    assert (folder / "hand_eye.yaml").exists()
    assert not (folder.parent / "current.yaml").exists()


def test_a_picture_without_a_board_is_left_out_and_named(folder: Path) -> None:
    cv2.imwrite(str(folder / "captures" / "007.png"), np.full((480, 640, 3), 90, np.uint8))
    result = CliRunner().invoke(app, ["solve", str(folder)])
    assert result.exit_code == 0, result.output
    assert "007.png" in result.output


def test_a_missing_picture_is_named(folder: Path) -> None:
    (folder / "captures" / "003.png").unlink()
    result = CliRunner().invoke(app, ["solve", str(folder)])
    assert isinstance(result.exception, DataError)
    assert "003.png" in str(result.exception)


def test_a_picture_outside_the_folder_is_refused(folder: Path) -> None:
    file = folder / "captures" / "captures.yaml"
    data = yaml.safe_load(file.read_text())
    data["captures"][0]["file"] = "../../secret.png"
    file.write_text(yaml.safe_dump(data))
    result = CliRunner().invoke(app, ["solve", str(folder)])
    assert isinstance(result.exception, ConfigError)


def test_the_board_is_drawn_for_the_printer(tmp_path: Path) -> None:
    out = tmp_path / "board.png"
    assert CliRunner().invoke(app, ["board", "--out", str(out)]).exit_code == 0
    assert cv2.imread(str(out)).shape[1] > 2400


def test_a_virtual_rig_needs_no_calibration() -> None:
    result = CliRunner().invoke(app, ["capture", "--rig", "virtual"])
    assert isinstance(result.exception, ConfigError)

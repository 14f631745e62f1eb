import shutil
from pathlib import Path

import numpy as np
import pytest

from wvl_models.contract.errors import ConfigError, DataError
from wvl_robot.rig.calibration import load_calibration
from wvl_robot.rig.config import load_rig

SHARE = Path(__file__).parents[3]
RIG = load_rig(SHARE, "virtual")


@pytest.fixture
def share(tmp_path: Path) -> Path:
    """A copy of the shipped calibration that a test may spoil."""
    shutil.copytree(SHARE / "calibration", tmp_path / "calibration")
    return tmp_path


def active(share: Path) -> Path:
    (folder,) = [p for p in (share / "calibration" / "virtual").iterdir() if p.is_dir()]
    return folder


def test_the_active_calibration_is_the_one_that_current_names(share: Path) -> None:
    calibration = load_calibration(share, RIG)
    assert calibration.name == f"virtual/{active(share).name}"
    assert (calibration.intrinsics.width, calibration.intrinsics.height) == (640, 480)


def test_the_camera_of_the_virtual_cell_looks_at_its_table(share: Path) -> None:
    calibration = load_calibration(share, RIG)
    pixel = calibration.project(np.array([0.48, 0.0, 0.0]))
    assert (pixel > [0, 0]).all() and (pixel < [640, 480]).all()


def test_a_calibration_that_is_not_there_lists_the_file(share: Path) -> None:
    (share / "calibration" / "virtual" / "current.yaml").write_text('active: "1999-01-01"')
    with pytest.raises(ConfigError, match="1999-01-01"):
        load_calibration(share, RIG)


@pytest.mark.parametrize("name", ["../../secret", "/etc", ".hidden"])
def test_current_may_only_name_a_folder_beside_it(share: Path, name: str) -> None:
    (share / "calibration" / "virtual" / "current.yaml").write_text(f'active: "{name}"')
    with pytest.raises(ConfigError, match="must name a folder beside it"):
        load_calibration(share, RIG)


def test_a_wrong_field_is_named(share: Path) -> None:
    path = active(share) / "hand_eye.yaml"
    path.write_text(path.read_text().replace("residual_mm", "residual_inch"))
    with pytest.raises(ConfigError, match=r"hand_eye\.yaml[\s\S]*residual_mm"):
        load_calibration(share, RIG)


def test_a_quaternion_that_is_none_is_refused(share: Path) -> None:
    path = active(share) / "hand_eye.yaml"
    lines = path.read_text().splitlines()
    lines = ["quaternion_xyzw: [1, 1, 1, 1]" if "quat" in line else line for line in lines]
    path.write_text("\n".join(lines))
    with pytest.raises(DataError, match="norm 1"):
        load_calibration(share, RIG)

import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

from wvl_models.contract.camera import Intrinsics
from wvl_models.contract.errors import ConfigError, DataError
from wvl_robot.rig.config import RigConfig, load_rig, rig_view

SHARE = Path(__file__).parents[3]
CAMERA = Intrinsics(width=640, height=480, fx=607.0, fy=607.0, cx=320.0, cy=240.0)


@pytest.fixture
def share(tmp_path: Path) -> Path:
    """A copy of the shipped configuration that a test may spoil."""
    shutil.copytree(SHARE / "config" / "rig", tmp_path / "config" / "rig")
    return tmp_path


def spoil(share: Path, section: str, **changes: object) -> None:
    path = share / "config" / "rig" / "virtual.yaml"
    data = yaml.safe_load(path.read_text())
    (data[section] if section else data).update(changes)
    path.write_text(yaml.safe_dump(data))


def test_the_shipped_rig_is_valid() -> None:
    rig = load_rig(SHARE, "virtual")
    assert isinstance(rig, RigConfig) and rig.name == "virtual"


def test_an_unknown_rig_lists_the_known_ones(share: Path) -> None:
    with pytest.raises(ConfigError, match=r"Known there: .*virtual"):
        load_rig(share, "lab_7")


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", ".hidden"])
def test_a_rig_is_chosen_by_name_and_not_by_path(share: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="not by path"):
        load_rig(share, name)


@pytest.mark.parametrize(
    ("section", "changes", "field"),
    [
        ("robot", {"home_joints_rad": [0.0] * 6}, "robot.home_joints_rad"),
        ("robot", {"kind": "ur5"}, "robot.kind"),
        ("robot", {"home_speed_factor": 0.9}, "robot.home_speed_factor"),
        ("robot", {"hosst": "10.0.0.1"}, "robot.hosst"),
        ("safety", {"max_linear_mps": 2.0}, "safety.max_linear_mps"),
        ("safety", {"max_linear_mps": "fast"}, "safety.max_linear_mps"),
        ("safety", {"workspace_low_m": [0.9, -0.3, 0.0]}, "workspace_low_m must lie below"),
        ("view", {"side_px": 0}, "view.side_px"),
        ("", {"calibration": None}, "calibration"),
    ],
)
def test_a_wrong_field_is_named(
    share: Path, section: str, changes: dict[str, object], field: str
) -> None:
    spoil(share, section, **changes)
    with pytest.raises(ConfigError) as caught:
        load_rig(share, "virtual")
    assert field in str(caught.value) and "virtual.yaml" in str(caught.value)


def test_a_missing_section_is_named(share: Path) -> None:
    path = share / "config" / "rig" / "virtual.yaml"
    data = yaml.safe_load(path.read_text())
    del data["safety"]
    path.write_text(yaml.safe_dump(data))
    with pytest.raises(ConfigError, match="safety: Field required"):
        load_rig(share, "virtual")


def test_every_wrong_field_is_named_at_once(share: Path) -> None:
    spoil(share, "view", size_px=1, side_px=-1)
    with pytest.raises(ConfigError) as caught:
        load_rig(share, "virtual")
    assert "view.size_px" in str(caught.value) and "view.side_px" in str(caught.value)


def test_the_view_is_the_square_of_the_camera_image_that_the_file_names() -> None:
    rig = load_rig(SHARE, "virtual")
    view = rig_view(rig, CAMERA)
    box = view.box(CAMERA)
    side = rig.view.side_px
    expected = (
        rig.view.left_px,
        rig.view.top_px,
        rig.view.left_px + side,
        rig.view.top_px + side,
    )
    assert box == pytest.approx(expected)
    assert (view.intrinsics.width, view.intrinsics.height) == (64, 64)


def test_a_view_beyond_the_camera_image_is_refused_when_used(share: Path) -> None:
    spoil(share, "view", left_px=500)
    view = rig_view(load_rig(share, "virtual"), CAMERA)
    image = np.zeros((480, 640, 3), dtype=np.uint8)
    with pytest.raises(DataError, match="choose a smaller view"):
        view.through(image, CAMERA)

from pathlib import Path

import pytest
import yaml

from tests.cells import SHARE
from wvl_models.contract.config import parse_config
from wvl_models.contract.errors import ConfigError
from wvl_robot.graphs import READ_DEVICES
from wvl_robot.rig.teleop_profile import TeleopProfile, load_teleop_profile

FILES = sorted(path.stem for path in (SHARE / "config" / "teleop").glob("*.yaml"))

PLAIN = {
    "description": "a stick",
    "num_axes": 3,
    "num_buttons": 2,
    "motion": {"x": [{"axis": 0}]},
    "dead_man": {"button": 0},
}


@pytest.mark.parametrize("name", FILES)
def test_every_profile_that_ships_is_valid(name: str) -> None:
    profile = load_teleop_profile(SHARE, name)
    assert {"x", "y", "z"} <= set(profile.motion), "the arm can be moved in all directions"
    assert {"start", "success", "near_success", "failure", "discard"} <= set(profile.events)
    assert profile.gripper is not None


def test_every_device_has_a_profile_of_its_name() -> None:
    assert {*READ_DEVICES, "keyboard"} <= set(FILES)


def test_every_key_of_the_keyboard_does_something() -> None:
    profile = load_teleop_profile(SHARE, "keyboard")
    used = {profile.dead_man.button, profile.slow.button, profile.gripper.button}
    used |= {switch.button for switch in profile.events.values()}
    assert all(key.axis is not None or key.button in used for key in profile.keys.values())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"motion": {"x": [{"axis": 7}]}}, r"motion\.x: axis 7 of 3"),
        ({"motion": {"up": [{"axis": 0}]}}, r"motion\.up"),
        ({"motion": {}}, "motion"),
        ({"dead_man": {}}, "dead_man.*either `button` or `axis`"),
        ({"dead_man": {"button": 0, "axis": 1}}, "dead_man.*either"),
        ({"dead_man": {"button": 2}}, "dead_man: button 2 of 2"),
        ({"dead_man": {"axis": 1, "beyond": 0.0}}, "dead_man.*0.1 away from rest"),
        ({"gripper": {"button": 0}}, "button 0 is both dead_man and gripper"),
        ({"events": {"start": {"button": 1}, "stop": {"button": 1}}}, "both events.start and"),
        ({"events": {"finish": {"button": 1}}}, r"events\.finish"),
        ({"gripper": {"axis": 5}}, "gripper: axis 5 of 3"),
        ({"speed_mps": 0.0}, "speed_mps"),
        ({"dead_zone": 1.0}, "dead_zone"),
        ({"keys": {"ctrl": {"button": 1}}}, r"keys\.ctrl: one character"),
        ({"keys": {"w": {"axis": 9}}}, r"keys\.w: axis 9 of 3"),
        ({"keys": {"w": {"axis": 0}}, "dead_man": {"axis": 1}}, "a keyboard's must be a button"),
        ({"deadzone": 0.1}, "deadzone"),
    ],
)
def test_a_wrong_field_is_named(change: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=f"(?s){message}"):
        parse_config(PLAIN | change, TeleopProfile, source="a test")


def test_buttons_of_bigger_models_may_lie_beyond_the_required_ones() -> None:
    change = {"events": {"success": {"button": 9}}}
    parse_config(PLAIN | change, TeleopProfile, source="a test")


def test_a_file_that_is_wrong_or_missing_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "config" / "teleop"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text(yaml.safe_dump(PLAIN | {"speed_mps": -1.0}))
    with pytest.raises(ConfigError, match=r"(?s)mine\.yaml.*speed_mps"):
        load_teleop_profile(tmp_path, "mine")
    with pytest.raises(ConfigError, match=r"yours\.yaml.*Known there: mine"):
        load_teleop_profile(tmp_path, "yours")
    with pytest.raises(ConfigError, match="by name, not by path"):
        load_teleop_profile(tmp_path, "../mine")

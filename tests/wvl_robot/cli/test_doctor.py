import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from wvl_models.contract.errors import ConfigError
from wvl_robot.cli import desk
from wvl_robot.cli.doctor import app


def test_the_virtual_rig_is_examined_without_a_robot(tmp_path: Path) -> None:
    file = tmp_path / "doctor.json"
    places = ["--store", str(tmp_path / "episodes"), "--registry", str(tmp_path / "registry")]
    result = CliRunner().invoke(app, [*places, "--json", str(file)])
    assert result.exit_code in (0, 1), result.output
    subjects = {finding["subject"] for finding in json.loads(file.read_text())["findings"]}
    assert {"calibration", "kernel", "robot", "camera", "disk speed", "GPU"} <= subjects


def test_an_unknown_rig_is_refused_in_a_sentence() -> None:
    result = CliRunner().invoke(app, ["--rig", "nope"])
    assert isinstance(result.exception, ConfigError)
    assert "nope.yaml" in str(result.exception)


@pytest.mark.parametrize("command", ["status", "hold", "lock", "self-test"])
def test_a_virtual_rig_has_no_desk(command: str) -> None:
    result = CliRunner().invoke(desk.app, [command, "--rig", "virtual"])
    assert isinstance(result.exception, ConfigError)

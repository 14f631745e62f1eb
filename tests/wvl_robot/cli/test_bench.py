import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.cells import SHARE, loopback
from wvl_models.contract.errors import ConfigError
from wvl_robot.cli.bench import app


@pytest.mark.parametrize(
    ("wrong", "message"),
    [(["--rig", "nope"], "nope.yaml"), (["--task", "juggle"], "unknown task 'juggle'")],
)
def test_wrong_input_is_refused_in_a_sentence(wrong: list[str], message: str) -> None:
    result = CliRunner().invoke(app, ["parity", "--share", str(SHARE), *wrong])
    assert isinstance(result.exception, ConfigError)
    assert message in str(result.exception)


@pytest.mark.cell
@pytest.mark.slow
def test_parity_writes_its_figures(tmp_path: Path) -> None:
    file = tmp_path / "parity.json"
    arguments = ["--share", str(SHARE), "--seeds", "1", "--host", loopback(18)]
    result = CliRunner().invoke(app, ["parity", *arguments, "--json", str(file)])
    assert result.exit_code == 0, result.output
    figures = json.loads(file.read_text())
    assert figures["n"] == 1
    assert figures["share"] == 1.0
    assert figures["trials"][0]["agrees"] is True


def test_the_gate_is_timed_beside_a_reference(tmp_path: Path) -> None:
    file = tmp_path / "gate.json"
    result = CliRunner().invoke(app, ["gate", "--calls", "1000", "--json", str(file)])
    assert result.exit_code == 0, result.output
    figures = json.loads(file.read_text())
    assert figures["num_calls"] == 1000
    assert {"p999_us", "noise_p999_us", "command", "machine", "commit", "seed"} <= set(figures)


@pytest.mark.cell
@pytest.mark.slow
def test_the_default_mode_is_measured_and_its_blind_motion_bounded(tmp_path: Path) -> None:
    file = tmp_path / "modes.json"
    words = ["--mode", "velocity_stream", "--trials", "1", "--host", loopback(62)]
    result = CliRunner().invoke(app, ["modes", *words, "--json", str(file)])
    assert result.exit_code == 0, result.output
    figures = json.loads(file.read_text())
    (summary,) = figures["modes"]
    assert summary["passes"] is True and summary["num_reflexes"] == 0
    assert 0 < summary["task_rms_mm"] < 20
    assert 20 < summary["thread_died_max_mm"] < 60
    assert 0 < summary["process_died_max_mm"] < 60
    assert figures["unenforced"] == []

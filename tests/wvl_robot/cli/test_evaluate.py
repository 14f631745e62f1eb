import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.cells import SHARE
from tests.policies import publish_random
from wvl_models.contract.errors import CheckpointError, ConfigError, DataError, StoreError
from wvl_models.contract.task import load_task
from wvl_models.episodes.store import EpisodeStore
from wvl_models.loop.circle import WEIGHTS
from wvl_models.loop.pretrain import sans_attempt
from wvl_models.registry.registry import Registry
from wvl_robot.cli.composition import virtual_lab
from wvl_robot.cli.evaluate import app


@pytest.fixture
def version(tmp_path: Path) -> Path:
    registry = Registry(tmp_path / "registry")
    return registry.folder("policy", publish_random(registry, tmp_path, 0))


def test_trials_write_a_rate_with_its_interval_and_its_source(
    version: Path, tmp_path: Path
) -> None:
    file = tmp_path / "rate.json"
    words = ["--trials", "2", "--execute-steps", "8", "--json", str(file)]
    result = CliRunner().invoke(app, ["policy", str(version), *words])
    assert result.exit_code == 0, result.output
    figures = json.loads(file.read_text())
    assert figures["n"] == 2
    task = figures["task"]
    assert (task["name"], task["execute_steps"], task["lead_steps"]) == ("lift_cube", 8, 2)
    assert 0 <= figures["low"] <= figures["successes"] / 2 <= figures["high"] <= 1
    assert {"command", "commit", "seed", "machine"} <= set(figures)


def test_a_changed_policy_is_not_tried(version: Path) -> None:
    weights = version / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    result = CliRunner().invoke(app, ["policy", str(version), "--trials", "1"])
    assert isinstance(result.exception, CheckpointError)


@pytest.mark.parametrize(
    ("wrong", "kind"), [(["--task", "juggle"], ConfigError), (["--rig", "nope"], ConfigError)]
)
def test_an_unknown_task_or_rig_is_refused(
    version: Path, wrong: list[str], kind: type[Exception]
) -> None:
    result = CliRunner().invoke(app, ["policy", str(version), *wrong])
    assert isinstance(result.exception, kind)


def test_the_shipped_world_model_is_held_against_recorded_episodes(tmp_path: Path) -> None:
    root, file = tmp_path / "episodes", tmp_path / "alignment.json"
    task = load_task(SHARE, "lift_cube")
    with EpisodeStore.create(root) as store, virtual_lab(task, "virtual", store) as lab:
        list(lab.demonstrate([sans_attempt(60_000_000 + i, i, 0.7) for i in range(4)]))
    world_model = str(WEIGHTS / "tiny" / "world_model")
    arguments = ["world-model", world_model, "--store", str(root), "--json", str(file)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    figures = json.loads(file.read_text())
    assert figures["tp"] + figures["fp"] + figures["tn"] + figures["fn"] == figures["n"] == 4
    assert figures["psnr"] > 20


def test_a_store_without_the_task_is_said(tmp_path: Path) -> None:
    EpisodeStore.create(tmp_path / "episodes").close()
    world_model = str(WEIGHTS / "tiny" / "world_model")
    result = CliRunner().invoke(
        app, ["world-model", world_model, "--store", str(tmp_path / "episodes")]
    )
    assert isinstance(result.exception, DataError)


def test_a_folder_that_is_no_store_is_said(tmp_path: Path) -> None:
    world_model = str(WEIGHTS / "tiny" / "world_model")
    result = CliRunner().invoke(app, ["world-model", world_model, "--store", str(tmp_path)])
    assert isinstance(result.exception, StoreError)


def test_a_horizon_longer_than_a_chunk_is_refused(version: Path) -> None:
    result = CliRunner().invoke(app, ["policy", str(version), "--execute-steps", "25"])
    assert isinstance(result.exception, ConfigError)
    assert "execute_steps" in str(result.exception)

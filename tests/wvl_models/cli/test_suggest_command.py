"""`wvl episodes suggest` with the shipped world model, on episodes of the virtual cell."""

from pathlib import Path

import pytest

from tests.cells import SHARE
from wvl_models.cli.main import main
from wvl_models.contract.episode import Outcome
from wvl_models.contract.task import load_task
from wvl_models.episodes.store import EpisodeStore
from wvl_models.loop.circle import WEIGHTS
from wvl_models.loop.pretrain import sans_attempt
from wvl_models.registry.registry import Registry
from wvl_robot.cli.composition import virtual_lab

NUM_EPISODES = 4


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as leaving:
        main(["episodes", *map(str, arguments)])
    return int(leaving.value.code or 0)


def publish(root: Path) -> str:
    return (
        Registry(root)
        .publish(
            "world_model",
            WEIGHTS / "tiny" / "world_model",
            factory="cosmos",
            parent=None,
            commit="test",
            snapshot=None,
            configuration={},
        )
        .version
    )


def test_the_shipped_reward_head_suggests_what_the_predicate_saw(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = load_task(SHARE, "lift_cube")
    with (
        EpisodeStore.create(tmp_path / "store") as store,
        virtual_lab(task, "virtual", store) as lab,
    ):
        attempts = [sans_attempt(60_000_000 + k, k, 0.7) for k in range(NUM_EPISODES)]
        ids = list(lab.demonstrate(attempts))
        truth = {name: store.labels.current(name) for name in ids}
        for name in ids:
            store.labels.undo(name, "predicate")
        version = publish(tmp_path / "registry")
        where = ("--store", store.root, "--registry", tmp_path / "registry")
        assert run("suggest", "--world-model", version, *where) == 0
        assert f"{NUM_EPISODES} episodes suggested" in capsys.readouterr().out
        for name in ids:
            (made,) = store.suggestions.of(name)
            label = truth[name]
            assert label is not None
            assert made.source == f"world_model:{version}"
            is_success = label.outcome is Outcome.SUCCESS
            assert (made.outcome is Outcome.SUCCESS) is is_success, name
            assert store.labels.current(name) is None


def test_an_unknown_version_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with EpisodeStore.create(tmp_path / "store") as store:
        where = ("--store", store.root, "--registry", tmp_path / "registry")
        assert run("suggest", "--world-model", "v7", *where) == 1
        assert "v7" in capsys.readouterr().err
        assert run("suggest", "--world-model", "current", *where) == 1
        assert "name a version" in capsys.readouterr().err

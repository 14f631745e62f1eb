from pathlib import Path

import pytest

from wvl_models.contract.errors import ConfigError
from wvl_models.loop.config import LoopConfig
from wvl_models.loop.run import Run, fresh_folder


@pytest.fixture
def config() -> LoopConfig:
    return LoopConfig.fast("lift_cube")


def test_a_finished_stage_is_not_run_again(tmp_path: Path, config: LoopConfig) -> None:
    calls = []

    def stage() -> dict:
        calls.append(1)
        return {"value": len(calls)}

    Run(tmp_path, config).do("one", stage)
    again = Run(tmp_path, config).do("one", stage)
    assert calls == [1]
    assert again.result == {"value": 1}


def test_an_interrupted_stage_keeps_its_work_and_has_no_result(
    tmp_path: Path, config: LoopConfig
) -> None:
    run = Run(tmp_path, config)

    def stage() -> dict:
        run.work("one").mkdir(parents=True)
        (run.work("one") / "state").write_text("half way")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.do("one", stage)
    assert run.record("one") is None
    assert (run.work("one") / "state").read_text() == "half way"


def test_the_work_of_a_finished_stage_is_gone(tmp_path: Path, config: LoopConfig) -> None:
    run = Run(tmp_path, config)

    def stage() -> dict:
        run.work("one").mkdir(parents=True)
        return {}

    run.do("one", stage)
    assert not run.work("one").exists()


def test_refuses_a_folder_of_another_run(tmp_path: Path, config: LoopConfig) -> None:
    Run(tmp_path, config)
    with pytest.raises(ConfigError, match="other settings"):
        Run(tmp_path, config.model_copy(update={"seed": 7}))


def test_continues_with_the_settings_on_disk(tmp_path: Path, config: LoopConfig) -> None:
    Run(tmp_path, config.model_copy(update={"seed": 5}))
    assert Run.open(tmp_path).config.seed == 5


def test_a_folder_without_settings_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no run"):
        Run.open(tmp_path)


def test_a_file_in_place_of_the_folder_is_said(tmp_path: Path, config: LoopConfig) -> None:
    (tmp_path / "run").write_text("")
    with pytest.raises(ConfigError, match="cannot write"):
        Run(tmp_path / "run", config)


def test_a_result_that_is_missing_names_its_stage(tmp_path: Path, config: LoopConfig) -> None:
    with pytest.raises(ConfigError, match="'sft' has not run yet"):
        Run(tmp_path, config).result("sft")


def test_a_fresh_folder_replaces_the_old_one_only_when_complete(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    with fresh_folder(path) as folder:
        (folder / "a").write_text("old")
    with pytest.raises(ValueError, match="disk"), fresh_folder(path) as folder:
        (folder / "a").write_text("half")
        raise ValueError("disk")
    assert (path / "a").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["weights"]

from pathlib import Path

import pytest

from wvl_models.contract.errors import ConfigError
from wvl_models.contract.task import load_task

SHARE = Path(__file__).parents[3]


@pytest.mark.parametrize("path", sorted((SHARE / "config" / "task").glob("*.yaml")), ids=str)
def test_every_shipped_task_loads_under_its_name(path: Path) -> None:
    assert load_task(SHARE, path.stem).name == path.stem


def test_an_unknown_task_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"unknown task 'lift'.*cube_on_plate, lift_cube"):
        load_task(SHARE, "lift")


def test_a_path_is_not_a_task_name() -> None:
    with pytest.raises(ConfigError, match="by name, not by path"):
        load_task(SHARE, "../rig/virtual")


def test_a_file_that_names_another_task_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "config" / "task"
    folder.mkdir(parents=True)
    (folder / "a.yaml").write_text("name: b\ninstruction: x\nhorizon_steps: 1\n")
    with pytest.raises(ConfigError, match="names its task 'b'; expected 'a'"):
        load_task(tmp_path, "a")

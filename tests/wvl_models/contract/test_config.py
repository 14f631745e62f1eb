from pathlib import Path

import pytest
from pydantic import Field, ValidationError

from wvl_models.contract.config import Config, load_config, parse_config
from wvl_models.contract.errors import ConfigError


class Inner(Config):
    speed_mps: float = Field(gt=0)


class Outer(Config):
    name: str
    inner: Inner


def write(folder: Path, text: str, name: str = "a.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_valid_file_is_read(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, "name: x\ninner: {speed_mps: 0.5}"), Outer)
    assert config.inner.speed_mps == 0.5


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("inner: {speed_mps: 0.5}", "name"),
        ("name: x\ninner: {speed_mps: -1}", "inner.speed_mps"),
        ("name: x\ninner: {speed_mps: fast}", "inner.speed_mps"),
        ("name: x\ninner: {speed_mps: 1, sped: 2}", "inner.sped"),
        ("[]", "(top level)"),
        ("", "(top level)"),
    ],
)
def test_an_error_names_the_file_and_the_field(tmp_path: Path, text: str, field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, text), Outer)
    assert "a.yaml" in str(caught.value) and f"  {field}: " in str(caught.value)


def test_all_errors_are_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config({"name": 1, "inner": {"speed_mps": 0}}, Outer, source="here")
    assert "name" in str(caught.value) and "inner.speed_mps" in str(caught.value)


def test_what_is_no_yaml_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not valid YAML"):
        load_config(write(tmp_path, "name: [x"), Outer)


def test_yaml_cannot_make_objects(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not valid YAML"):
        load_config(write(tmp_path, "name: !!python/object/apply:os.getcwd []"), Outer)


def test_a_missing_file_lists_its_neighbours(tmp_path: Path) -> None:
    write(tmp_path, "", "left.yaml")
    write(tmp_path, "", "right.yaml")
    with pytest.raises(ConfigError, match="Known there: left, right"):
        load_config(tmp_path / "middle.yaml", Outer)


def test_a_configuration_cannot_be_changed() -> None:
    config = parse_config({"speed_mps": 1.0}, Inner, source="here")
    with pytest.raises(ValidationError, match="frozen"):
        config.speed_mps = 2.0  # type: ignore[misc]

"""Configuration files: YAML into frozen pydantic models, with errors a person can act on."""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from wvl_models.contract.errors import ConfigError


class Config(BaseModel):
    """Base of every configuration: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=False)


ConfigT = TypeVar("ConfigT", bound=Config)


def load_config(path: Path, kind: type[ConfigT]) -> ConfigT:
    """Read `path` as a `kind`; raises ConfigError that names the file and each wrong field."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        known = sorted(p.stem for p in path.parent.glob("*.yaml"))
        hint = f" Known there: {', '.join(known)}." if known else ""
        raise ConfigError(f"cannot read {path}: {error.strerror}.{hint}") from error
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not valid YAML: {error}") from error
    return parse_config(data, kind, source=str(path))


def parse_config(data: Any, kind: type[ConfigT], *, source: str) -> ConfigT:
    """Validate plain data (Any: straight from a parser); `source` names it in errors."""
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        lines = [
            f"  {'.'.join(str(part) for part in item['loc']) or '(top level)'}: {item['msg']}"
            for item in error.errors()
        ]
        raise ConfigError(
            f"{source} is not a valid {kind.__name__}:\n" + "\n".join(lines)
        ) from error

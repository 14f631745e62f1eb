"""Parameter files (`--params-file`) in ROS format, checked before ROS reads them.

rclpy ignores a misspelt name without a word and does not say which file a wrong value stands in;
here both are a sentence that names field and file.
"""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from wvl_models.contract.errors import ConfigError

FLAG, KEY = "--params-file", "ros__parameters"

ROS_OWN = ("use_sim_time", "qos_overrides", "start_type_description_service")
"""What every ROS node has beside ours."""


def read_sources(arguments: Sequence[str], node: str) -> dict[str, Path]:
    """Which file each parameter of `node` comes from; the last one counts.

    ConfigError where a file cannot be read or is not in ROS format.
    """
    sources = {}
    for flag, name in pairwise(arguments):
        if flag == FLAG:
            path = Path(name)
            sources |= dict.fromkeys(_names(_load(path), path, node), path)
    return sources


def check_names(sources: Mapping[str, Path], known: Sequence[str], node: str) -> None:
    """ConfigError names a parameter that the node does not have, and its file."""
    for name, path in sources.items():
        if name not in known and name.partition(".")[0] not in ROS_OWN:
            raise ConfigError(
                f"{path}: node '{node}' has no parameter '{name}'. It has: {', '.join(known)}."
            )


def place_of(sources: Mapping[str, Path], name: str) -> str:
    """Where a value stands, for a message; empty where no file sets it."""
    return f" ({sources[name]})" if name in sources else ""


def _load(path: Path) -> Any:  # plain data
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise ConfigError(f"cannot read the parameter file {path}: {error.strerror}.") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not valid YAML: {error}") from error


def _names(data: Any, path: Path, node: str) -> Iterator[str]:
    """Parameters of the blocks that are meant for the node; any namespace may stand before it."""
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: expected `{node}:` with `{KEY}:` below it.")
    for pattern, block in data.items():
        if not fnmatchcase(node, str(pattern).rpartition("/")[2]):
            continue
        if not isinstance(block, dict) or not isinstance(block.get(KEY), dict):
            raise ConfigError(f"{path}: below `{pattern}:` there must be `{KEY}:` with values.")
        yield from block[KEY]

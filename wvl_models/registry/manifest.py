"""The manifest: what a published version is, where it came from and what was measured on it.

Written last into a version's folder; a folder without a manifest is not a version. `files` holds
the SHA-256 of everything else, so that a flipped bit is found before a weight is used.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from wvl_models.contract.config import Config, parse_config
from wvl_models.contract.errors import CheckpointError, ConfigError

MANIFEST = "manifest.json"
VERSION_PATTERN = re.compile(r"[a-z0-9][a-z0-9._-]{0,80}")

Kind = Literal["policy", "world_model"]


class Metric(Config):
    """One measured number with its uncertainty."""

    name: str
    value: float
    n: int | None = None
    low: float | None = None
    high: float | None = None
    """95 % interval, where the metric has one."""


class Canary(Config):
    """A forward pass that a loaded policy must reproduce before it may act."""

    file: str
    """npz of the stored observation and the recorded output (`registry.canary`)."""
    instruction: str
    tolerance: float = 1e-3
    """Largest difference of a normalised action; a bin of the action tokens is 8e-3 wide."""


class Manifest(Config):
    """See the module docstring."""

    format: Literal[1] = 1
    kind: Kind
    factory: str
    """Which installed class loads it: an entry point of group `wvl.<kind>`."""
    version: str
    parent: str | None
    """Version it was trained from."""
    created_utc: str
    commit: str
    snapshot: str | None
    """Dataset snapshot it was trained on."""
    configuration: dict[str, Any] = Field(default_factory=dict)
    """Every setting of the run that made it (Any: JSON)."""
    metrics: tuple[Metric, ...] = ()
    canary: Canary | None = None
    files: dict[str, str]
    """SHA-256 by relative path."""


def digest_of(path: Path) -> str:
    """SHA-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a version folder; raises CheckpointError."""
    path = folder / MANIFEST
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}.") from error
    try:
        return parse_config(data, Manifest, source=str(path))
    except ConfigError as error:
        raise CheckpointError(" ".join(str(error).split())) from error


def verify_files(folder: Path, manifest: Manifest) -> None:
    """Raise CheckpointError unless the folder holds exactly the files of the manifest."""
    present = {
        path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if not path.is_dir()
    }
    present.pop(MANIFEST, None)
    for name in sorted(set(present) ^ set(manifest.files)):
        state = "is missing" if name in manifest.files else "does not belong there"
        raise CheckpointError(f"{folder}: {name} {state}; publish the version again.")
    for name, path in present.items():
        if path.is_symlink():
            raise CheckpointError(f"{folder}: {name} is a link; versions hold plain files only.")
        if digest_of(path) != manifest.files[name]:
            raise CheckpointError(f"{folder}: {name} has been changed or damaged.")

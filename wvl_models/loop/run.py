"""A run of the circle on disk: its settings, its stages' results, and where everything lies.

    <run>/config.json            settings; another run's are refused
    <run>/stages/<name>.json     result and wall time of a finished stage
    <run>/work/<name>/           what a stage keeps while it runs (training state)
    <run>/tensorboard/<name>/    curves
    <run>/episodes/ registry/    the store and the registry, unless others are given

A stage that has a result is not run again, so an interrupted run continues where it stood.
"""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wvl_models.contract.errors import ConfigError
from wvl_models.loop.config import LoopConfig

CONFIG = "config.json"


@contextmanager
def fresh_folder(path: Path) -> Iterator[Path]:
    """A folder that takes the place of `path` when the body succeeds, and leaves nothing else."""
    fresh = path.with_name(path.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        yield fresh
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    shutil.rmtree(path, ignore_errors=True)
    fresh.replace(path)


@dataclass(frozen=True, kw_only=True, slots=True)
class StageRecord:
    """What a finished stage left."""

    name: str
    seconds: float
    result: dict[str, Any]
    """JSON: figures, versions, episode ids (Any: each stage its own)."""


class Run:
    """See the module docstring."""

    def __init__(self, folder: Path, config: LoopConfig) -> None:
        """Open or begin a run; raises ConfigError where the folder holds another one."""
        self.folder, self.config = folder, config
        path = folder / CONFIG
        text = config.model_dump_json(indent=2)
        if path.is_file() and json.loads(path.read_text()) != json.loads(text):
            raise ConfigError(
                f"{folder} holds a run with other settings; choose another folder, or remove it "
                "to begin again."
            )
        try:
            for name in ("stages", "work", "tensorboard"):
                (folder / name).mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        except OSError as error:
            raise ConfigError(f"cannot write to {folder}: {error.strerror}.") from error

    @classmethod
    def open(cls, folder: Path) -> "Run":
        """Continue what is there; raises ConfigError where nothing is."""
        path = folder / CONFIG
        if not path.is_file():
            raise ConfigError(f"{folder} is no run: it has no {CONFIG}. Begin one with `wvl loop`.")
        return cls(folder, LoopConfig.model_validate_json(path.read_text()))

    def record(self, name: str) -> StageRecord | None:
        """What a stage left, or None where it has not finished."""
        path = self._path(name)
        if not path.is_file():
            return None
        data = json.loads(path.read_text())
        return StageRecord(name=name, seconds=data["seconds"], result=data["result"])

    def result(self, name: str) -> dict[str, Any]:
        """Result of a stage that must have finished; ConfigError says which one is missing."""
        record = self.record(name)
        if record is None:
            raise ConfigError(f"{self.folder}: stage '{name}' has not run yet; run it first.")
        return record.result

    def do(self, name: str, stage: Callable[[], dict[str, Any]]) -> StageRecord:
        """Run a stage unless it is done; its result is written when it returns."""
        done = self.record(name)
        if done is not None:
            return done
        start = time.monotonic()
        result = stage()
        seconds = time.monotonic() - start
        fresh = self._path(name).with_suffix(".new")
        fresh.write_text(json.dumps({"seconds": seconds, "result": result}, indent=1))
        fresh.replace(self._path(name))
        shutil.rmtree(self.work(name), ignore_errors=True)
        return StageRecord(name=name, seconds=seconds, result=result)

    def work(self, name: str) -> Path:
        """Folder that a stage may use while it runs; gone when it is done."""
        return self.folder / "work" / name

    def curves(self, name: str) -> Path:
        """Folder of a stage's TensorBoard events."""
        return self.folder / "tensorboard" / name

    def _path(self, name: str) -> Path:
        return self.folder / "stages" / f"{name}.json"

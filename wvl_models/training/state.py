"""The state of a training run on disk, so that an interrupted run continues where it stood.

Trainers are generators: `resumable` around their loop, `step_done` after each step.

Tensors as safetensors, numbers as JSON, no pickle. Written beside and renamed, so that a kill
while saving leaves the previous state. Same seed and same steps give the same numbers, whether
or not the run was interrupted (tested).
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from wvl_models.contract.errors import CheckpointError


@dataclass(frozen=True, kw_only=True, slots=True)
class StateFolder:
    """Where a run keeps its state, and which run it is."""

    path: Path
    fingerprint: str
    """Names settings and data: another run's state is refused."""
    every: int = 200
    """Steps between two saves."""


STATE = "state.json"
TENSORS = "state.safetensors"


@dataclass(kw_only=True)
class TrainingState:
    """What a run owns; mutable on purpose, everything else in a run follows from it."""

    module: nn.Module
    optimiser: torch.optim.Optimizer
    generator: torch.Generator
    rng: np.random.Generator
    step: int = 0
    """Steps done."""
    recent: list[float] = field(default_factory=list)
    """Figures of the last steps that decide how a run goes on, e.g. a stop rule's average."""

    def save(self, folder: Path, fingerprint: str) -> None:
        """Write to `folder`; `fingerprint` names the configuration and data of the run."""
        fresh = folder.with_name(folder.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        save_file(self._tensors(), fresh / TENSORS)
        record = {
            "step": self.step,
            "fingerprint": fingerprint,
            "rng": self.rng.bit_generator.state,
            "recent": self.recent,
        }
        (fresh / STATE).write_text(json.dumps(record))
        old = _before(folder)
        shutil.rmtree(old, ignore_errors=True)
        if folder.exists():
            folder.replace(old)
        fresh.replace(folder)
        shutil.rmtree(old, ignore_errors=True)

    def restore(self, folder: Path, fingerprint: str) -> bool:
        """Continue from `folder`; False where there is nothing to continue.

        Raises CheckpointError where the state is damaged or belongs to another run.
        """
        if not folder.exists() and _before(folder).exists():
            _before(folder).rename(folder)  # killed between the two renames of `save`
        if not (folder / STATE).is_file():
            return False
        try:
            record = json.loads((folder / STATE).read_text())
            is_same = record["fingerprint"] == fingerprint
            tensors = load_file(folder / TENSORS)
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise CheckpointError(
                f"{folder} cannot be continued ({error}); remove it to start this stage again."
            ) from error
        if not is_same:
            raise CheckpointError(
                f"{folder} belongs to a run with other settings or data; remove it, or choose "
                "another output folder."
            )
        self._load(tensors)
        self.rng.bit_generator.state = record["rng"]
        self.step = int(record["step"])
        self.recent = list(record["recent"])
        return True

    def _tensors(self) -> dict[str, Tensor]:
        tensors = {
            f"module.{n}": t.detach().contiguous() for n, t in self.module.state_dict().items()
        }
        tensors["generator"] = self.generator.get_state()
        for index, parameter in enumerate(self._parameters()):
            for name, value in self.optimiser.state.get(parameter, {}).items():
                tensors[f"optimiser.{index}.{name}"] = torch.as_tensor(value).contiguous()
        return tensors

    def _load(self, tensors: dict[str, Tensor]) -> None:
        module = {
            n.removeprefix("module."): t for n, t in tensors.items() if n.startswith("module.")
        }
        self.module.load_state_dict(module)
        self.generator.set_state(tensors["generator"])
        parameters = self._parameters()
        for name, value in tensors.items():
            if name.startswith("optimiser."):
                _, index, key = name.split(".")
                parameter = parameters[int(index)]
                is_counter = value.ndim == 0  # Adam keeps its step on the CPU
                self.optimiser.state[parameter][key] = (
                    value if is_counter else value.to(parameter.device)
                )

    def _parameters(self) -> list[nn.Parameter]:
        return [p for group in self.optimiser.param_groups for p in group["params"]]


def _before(folder: Path) -> Path:
    """Where the previous state lies while a new one takes its place."""
    return folder.with_name(folder.name + ".old")


@contextmanager
def resumable(state: TrainingState, folder: StateFolder | None) -> Iterator[None]:
    """Continue a saved run; save once more when whoever iterates stops between two steps.

    Ctrl-C inside a step saves nothing: weights, optimiser and generators are then of different
    steps, and the last saved state is the one that continues to the same numbers.
    """
    if folder is None:
        yield
        return
    state.restore(folder.path, folder.fingerprint)
    try:
        yield
    except GeneratorExit:
        state.save(folder.path, folder.fingerprint)
        raise


def step_done(state: TrainingState, folder: StateFolder | None) -> None:
    """Count a step, and save when it is time."""
    state.step += 1
    if folder is not None and state.step % folder.every == 0:
        state.save(folder.path, folder.fingerprint)

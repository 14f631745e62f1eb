"""A task as every room sees it: what is said to the policy, and how long an attempt may take.

What lies on the table and when a task counts as done is the virtual cell's business
(`wvl_robot.virtual.tasks`), or an operator's.
"""

from pathlib import Path

from pydantic import Field

from wvl_models.contract.config import Config, load_config
from wvl_models.contract.errors import ConfigError


class TaskConfig(Config):
    """`config/task/<name>.yaml`."""

    name: str
    instruction: str = Field(min_length=1)
    """In the words the policy was trained on."""
    horizon_steps: int = Field(ge=1)
    """Ticks after which an attempt ends by itself."""
    execute_steps: int = Field(default=8, ge=1, le=24)
    """Steps of a chunk (24, paper 4.1) that are carried out before the next one is due. 24: whole
    chunks, one after the other, as a policy is trained and practises; the arm rests between them
    for as long as the policy thinks. What each of these four does, and where it comes from, stands
    at `ScheduleConfig` in `wvl_robot.core.schedule`; figures in docs/decisions/013-schedule.md."""
    lead_steps: int = Field(default=2, ge=0, le=12)
    """The policy is asked so many steps before its chunk is due; of no effect with whole chunks."""
    blend_steps: int = Field(default=2, ge=0, le=12)
    """Ticks in which the arm goes over from one chunk to the next; likewise."""
    ensemble_decay: float | None = Field(default=None, ge=0)
    """Temporal ensembling with this decay instead, e.g. 0.01; None is without."""


def load_task(share: Path, name: str) -> TaskConfig:
    """Read `share/config/task/<name>.yaml`; raises ConfigError that lists the known tasks."""
    if "/" in name or name.startswith("."):
        raise ConfigError(f"a task is chosen by name, not by path: '{name}'.")
    folder = share / "config" / "task"
    path = folder / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in folder.glob("*.yaml"))) or f"none in {folder}"
        raise ConfigError(f"unknown task '{name}'. Known tasks: {known}.")
    task = load_config(path, TaskConfig)
    if task.name != name:
        raise ConfigError(f"{path} names its task '{task.name}'; expected '{name}'.")
    return task

"""Which stages a run has, in which order, and the loop over them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from wvl_models.contract.errors import ConfigError
from wvl_models.loop.circle import Circle
from wvl_models.loop.config import LoopConfig
from wvl_models.loop.run import StageRecord
from wvl_models.loop.stages.collect import collect
from wvl_models.loop.stages.deploy import deploy
from wvl_models.loop.stages.feedback import check_alignment, fine_tune_world_model, roll_out
from wvl_models.loop.stages.imitate import imitate
from wvl_models.loop.stages.practise import gate, practise, try_out


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """A named piece of the circle."""

    name: str
    run: Callable[[Circle], dict[str, Any]]
    """Returns JSON."""


def stages_of(config: LoopConfig) -> tuple[Stage, ...]:
    """All stages of a run, in order."""
    stages = [
        Stage(name="collect", run=collect),
        Stage(name="sft", run=imitate),
        Stage(name="trial-0", run=partial(try_out, turn=0)),
    ]
    for turn in range(1, config.turns + 1):
        stages += [
            Stage(name=f"rollouts-{turn}", run=partial(roll_out, turn=turn)),
            Stage(name=f"world-model-{turn}", run=partial(fine_tune_world_model, turn=turn)),
            Stage(name=f"alignment-{turn}", run=partial(check_alignment, turn=turn)),
            Stage(name=f"practise-{turn}", run=partial(practise, turn=turn)),
            Stage(name=f"gate-{turn}", run=partial(gate, turn=turn)),
            Stage(name=f"deploy-{turn}", run=partial(deploy, turn=turn)),
            Stage(name=f"trial-{turn}", run=partial(try_out, turn=turn)),
        ]
    return tuple(stages)


def run_stage(circle: Circle, name: str) -> StageRecord:
    """One stage, unless it is done; ConfigError lists the stages there are."""
    for stage in stages_of(circle.config):
        if stage.name == name:
            return circle.run.do(name, partial(stage.run, circle))
    known = ", ".join(stage.name for stage in stages_of(circle.config))
    raise ConfigError(f"no stage '{name}' in this run; its stages are: {known}.")


def run_all(circle: Circle) -> None:
    """Every stage that is not done yet."""
    for stage in stages_of(circle.config):
        circle.run.do(stage.name, partial(stage.run, circle))

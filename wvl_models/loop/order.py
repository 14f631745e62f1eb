"""Which stages a run has, in which order, and the loop over them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from wvl_models.contract.errors import ConfigError
from wvl_models.loop.circle import Circle
from wvl_models.loop.config import LoopConfig
from wvl_models.loop.run import StageRecord
from wvl_models.loop.stages import operated
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
    """All stages of a run, in order; those that need the world differ where people record."""
    by_hand = config.is_operated
    stages = [
        Stage(name="collect", run=operated.collect if by_hand else collect),
        Stage(name="sft", run=imitate),
        Stage(name="trial-0", run=partial(operated.try_out if by_hand else try_out, turn=0)),
    ]
    for turn in range(1, config.turns + 1):
        works = {
            "rollouts": operated.roll_out if by_hand else roll_out,
            "world-model": fine_tune_world_model,
            "alignment": check_alignment,
            "practise": practise,
            "gate": operated.gate if by_hand else gate,
            "deploy": operated.deploy if by_hand else deploy,
            "trial": operated.try_out if by_hand else try_out,
        }
        stages += [
            Stage(name=f"{name}-{turn}", run=partial(work, turn=turn))
            for name, work in works.items()
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

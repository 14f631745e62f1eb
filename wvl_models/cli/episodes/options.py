"""Options that several commands on episodes share, and the filter they add up to."""

from pathlib import Path
from typing import Annotated

import typer

from wvl_models.contract.episode import Origin, Outcome
from wvl_models.episodes.snapshot import EpisodeFilter

StoreOption = Annotated[
    Path, typer.Option("--store", envvar="WVL_STORE", metavar="DIR", help="Folder of the store.")
]
DEFAULT_STORE = Path("data/episodes")

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="Episode, as `ls` names it.")]
TaskOption = Annotated[list[str] | None, typer.Option("--task", help="Only this task (repeat).")]
OutcomeOption = Annotated[
    list[Outcome] | None, typer.Option("--outcome", help="Only with this label (repeat).")
]
OriginOption = Annotated[
    list[Origin] | None, typer.Option("--origin", help="Only from this source (repeat).")
]
PolicyOption = Annotated[
    list[str] | None, typer.Option("--policy", help="Only with steps of this version (repeat).")
]


def episode_filter(
    task: list[str] | None,
    outcome: list[Outcome] | None,
    origin: list[Origin] | None,
    policy: list[str] | None,
) -> EpisodeFilter:
    """What the options above ask for."""
    return EpisodeFilter(
        tasks=tuple(task) if task else None,
        outcomes=tuple(outcome) if outcome else None,
        origins=tuple(origin) if origin else None,
        policy_versions=tuple(policy) if policy else None,
    )

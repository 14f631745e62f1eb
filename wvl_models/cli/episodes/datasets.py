"""`wvl episodes snapshot` and `stats`: data set versions and their figures."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from wvl_models.cli.episodes.options import (
    DEFAULT_STORE,
    OriginOption,
    OutcomeOption,
    PolicyOption,
    StoreOption,
    TaskOption,
    episode_filter,
)
from wvl_models.cli.output import JsonOption, make_console, write_json
from wvl_models.episodes.snapshot import Snapshot
from wvl_models.episodes.statistics import ACTION, FIGURES, as_json, episode_statistics
from wvl_models.episodes.store import EpisodeStore

_COMPONENTS = {
    ACTION: ("x m", "y m", "z m", "rx rad", "ry rad", "rz rad", "gripper"),
    "ee_pose": ("x m", "y m", "z m", "qx", "qy", "qz", "qw"),
    "wrench": ("fx N", "fy N", "fz N", "tx Nm", "ty Nm", "tz Nm"),
    "gripper_width_m": ("",),
}
_NUMBERS = ("1", "2", "3", "4", "5", "6", "7")
"""Joints, from the base."""


def snapshot(
    out: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write the snapshot.")],
    store: StoreOption = DEFAULT_STORE,
    task: TaskOption = None,
    outcome: OutcomeOption = None,
    origin: OriginOption = None,
    policy: PolicyOption = None,
) -> None:
    """Write a data set version: episode digests and label revision."""
    made = EpisodeStore(store).snapshot(episode_filter(task, outcome, origin, policy))
    made.save(out)
    typer.echo(f"{out}: snapshot {made.snapshot_id} of {len(made.entries)} episodes")


def stats(
    store: StoreOption = DEFAULT_STORE,
    of: Annotated[
        Path | None, typer.Option("--snapshot", metavar="FILE", help="Instead of the filters.")
    ] = None,
    task: TaskOption = None,
    outcome: OutcomeOption = None,
    origin: OriginOption = None,
    policy: PolicyOption = None,
    json: JsonOption = None,
) -> None:
    """Statistics of the actions and of what the robot measured, as normalisation uses them."""
    opened = EpisodeStore(store)
    wanted = episode_filter(task, outcome, origin, policy)
    view = opened.view(wanted) if of is None else opened.view_of(Snapshot.load(of))
    found = episode_statistics(view)
    if json is not None:
        write_json(json, as_json(found))
    if json != "-":
        title = f"{found.num_steps} steps of {len(view)} episodes, snapshot {found.snapshot_id}"
        table = Table("signal", "component", *FIGURES, title=title)
        for name, figures in found.signals.items():
            for k, component in enumerate(_COMPONENTS.get(name, _NUMBERS)[: len(figures.mean)]):
                values = (f"{getattr(figures, figure)[k]:.4g}" for figure in FIGURES)
                table.add_row(name, component, *values)
            table.add_section()
        make_console().print(table)

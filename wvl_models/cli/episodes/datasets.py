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
from wvl_models.episodes.statistics import action_statistics
from wvl_models.episodes.store import EpisodeStore

_ACTION_NAMES = ("x m", "y m", "z m", "rx rad", "ry rad", "rz rad", "gripper")


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
    """Statistics of the actions, as normalisation uses them."""
    opened = EpisodeStore(store)
    wanted = episode_filter(task, outcome, origin, policy)
    view = opened.view(wanted) if of is None else opened.view_of(Snapshot.load(of))
    figures = action_statistics(view)
    names = ("mean", "std", "q01", "q99", "minimum", "maximum")
    if json is not None:
        content = {name: getattr(figures, name).tolist() for name in names}
        write_json(
            json, {"snapshot_id": figures.snapshot_id, "num_steps": figures.num_steps} | content
        )
    if json != "-":
        title = (
            f"{figures.num_steps} actions of {len(view)} episodes, snapshot {figures.snapshot_id}"
        )
        table = Table("", *_ACTION_NAMES, title=title)
        for name in names:
            table.add_row(name, *(f"{value:.4g}" for value in getattr(figures, name)))
        make_console().print(table)

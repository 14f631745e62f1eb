"""`wvl episodes verify` and `repair`: is everything whole, and what to do where it is not."""

from dataclasses import asdict
from typing import Annotated

import typer

from wvl_models.cli.episodes.options import DEFAULT_STORE, StoreOption
from wvl_models.cli.output import JsonOption, make_progress, write_json
from wvl_models.episodes.store import EpisodeStore


def verify(
    episode_ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...")] = None,
    store: StoreOption = DEFAULT_STORE,
    json: JsonOption = None,
) -> None:
    """Read every byte and name every damage; all episodes unless some are named."""
    opened = EpisodeStore(store)
    names = tuple(episode_ids or opened.ids())
    with make_progress() as progress:
        damages = [
            d for name in progress.track(names, description="verify") for d in opened.verify(name)
        ]
    others: list[str] = []
    if not episode_ids:
        others += [
            f"{name}: is no episode and does not belong into the store" for name in opened.strays()
        ]
        others += opened.log_damages()
    if json is not None:
        content = {"num_episodes": len(names), "damages": [asdict(d) for d in damages]}
        write_json(json, content | {"others": others})
    if json != "-":
        for line in (*damages, *others):
            typer.echo(str(line))
        typer.echo(f"{len(names)} episodes verified, {len(damages) + len(others)} damages")
    if damages or others:
        raise typer.Exit(1)


def repair(
    store: StoreOption = DEFAULT_STORE,
    set_aside: Annotated[
        list[str] | None,
        typer.Option("--set-aside", metavar="ID", help="Take this damaged episode out (repeat)."),
    ] = None,
) -> None:
    """Recover the complete steps of what a crash left behind, as ABORTED episodes."""
    with EpisodeStore(store) as opened:
        for episode_id in set_aside or ():
            typer.echo(f"{episode_id}: set aside: {opened.set_aside(episode_id)}")
        repairs = opened.repair()
        for item in repairs:
            typer.echo(f"{item.episode_id or 'log'}: {item.kind.value}: {item.detail}")
        if not repairs and not set_aside:
            typer.echo("nothing to repair")

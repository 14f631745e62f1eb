"""`wvl episodes play`: an episode as a film file; a terminal has no window to show it in."""

from pathlib import Path
from typing import Annotated

import typer

from wvl_models.cli.episodes.options import DEFAULT_STORE, IdArgument, StoreOption
from wvl_models.episodes.exchange.film import write_film
from wvl_models.episodes.snapshot import EpisodeFilter
from wvl_models.episodes.store import EpisodeStore


def play(
    episode_id: IdArgument,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help=".mp4 or .gif; <ID>.mp4 here by default."),
    ] = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Write an episode as a film, with step, reward, gripper and verdict under each frame."""
    opened = EpisodeStore(store)
    opened.facts(episode_id)
    target = out or Path(f"{episode_id}.mp4")
    view = opened.view(EpisodeFilter(ids=(episode_id,)))
    seconds = write_film(view, episode_id, target)
    typer.echo(
        f"{target}: {seconds:.1f} s, for any player. To scrub, compare and label in a window: "
        f"`wvl label {store}`"
    )

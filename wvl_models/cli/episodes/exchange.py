"""`wvl episodes export`: episodes for LeRobot."""

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from wvl_models.cli.episodes.options import (
    DEFAULT_STORE,
    OriginOption,
    OutcomeOption,
    PolicyOption,
    StoreOption,
    TaskOption,
    episode_filter,
)
from wvl_models.cli.output import JsonOption, make_progress, write_json
from wvl_models.episodes.exchange.lerobot_documents import ImageCoding, LeRobotOptions
from wvl_models.episodes.exchange.lerobot_export import LeRobotReport, export_lerobot
from wvl_models.episodes.snapshot import EpisodeFilter, Snapshot
from wvl_models.episodes.store import EpisodeStore
from wvl_models.episodes.views import EpisodeView


class Format(StrEnum):
    """Who is to read it."""

    LEROBOT = "lerobot"


def export(
    out: Annotated[Path, typer.Argument(metavar="DIR", help="New folder.")],
    kind: Annotated[
        Format, typer.Option("--format", help="lerobot: a LeRobot v3.0 data set.")
    ] = Format.LEROBOT,
    images: Annotated[
        ImageCoding, typer.Option(help="av1 and h264 lose a little and say how much; png nothing.")
    ] = ImageCoding.AV1,
    camera: Annotated[str, typer.Option(help="Name of the camera over there.")] = "front",
    ids: Annotated[
        list[str] | None, typer.Option("--id", metavar="ID", help="Only this episode (repeat).")
    ] = None,
    of: Annotated[
        Path | None, typer.Option("--snapshot", metavar="FILE", help="Instead of the filters.")
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    task: TaskOption = None,
    outcome: OutcomeOption = None,
    origin: OriginOption = None,
    policy: PolicyOption = None,
    json: JsonOption = None,
) -> None:
    """Write episodes in a format that others read; the store stays as it is."""
    wanted = episode_filter(task, outcome, origin, policy)
    view = _view(EpisodeStore(store), wanted, ids, of)
    with make_progress() as progress:
        bar = progress.add_task("export", total=len(view))
        report = export_lerobot(
            view,
            out,
            LeRobotOptions(camera=camera, images=images),
            lambda num_done: progress.update(bar, completed=num_done),
        )
    if json is not None:
        write_json(json, asdict(report))
    if json != "-":
        typer.echo(f"{out}: {_sentence(report)}")


def _view(
    store: EpisodeStore, wanted: EpisodeFilter, ids: list[str] | None, of: Path | None
) -> EpisodeView:
    if of is not None:
        return store.view_of(Snapshot.load(of))
    if ids:
        for episode_id in ids:
            store.facts(episode_id)  # an unknown one is an error, not an empty result
        wanted = wanted.model_copy(update={"ids": tuple(ids)})
    return store.view(wanted)


def _sentence(report: LeRobotReport) -> str:
    loss = (
        "images lossless"
        if report.psnr_db is None
        else f"images lossy: PSNR {report.psnr_db} dB, worst frame {report.worst_psnr_db} dB"
    )
    state = "" if report.has_state else "; no observation.state, some were never measured"
    return (
        f"{report.num_episodes} episodes, {report.num_steps} steps, "
        f"{report.num_bytes / 1e6:.1f} MB, {loss}{state}"
    )

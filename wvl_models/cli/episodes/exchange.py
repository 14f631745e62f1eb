"""`wvl episodes export` and `import`: for LeRobot and Foxglove, and from LeRobot."""

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
from wvl_models.contract.config import load_config
from wvl_models.contract.errors import ConfigError
from wvl_models.episodes.exchange.foreign_import import foreign_arrivals
from wvl_models.episodes.exchange.importing import admit
from wvl_models.episodes.exchange.lerobot_dataset import LeRobotDataSet
from wvl_models.episodes.exchange.lerobot_documents import ImageCoding, LeRobotOptions
from wvl_models.episodes.exchange.lerobot_export import LeRobotReport, export_lerobot
from wvl_models.episodes.exchange.mapping import Mapping
from wvl_models.episodes.exchange.mcap_export import McapReport, PictureCoding, export_mcap
from wvl_models.episodes.exchange.own_import import own_arrivals
from wvl_models.episodes.snapshot import EpisodeFilter, Snapshot
from wvl_models.episodes.store import EpisodeStore
from wvl_models.episodes.views import EpisodeView


class Format(StrEnum):
    """Who is to read it."""

    LEROBOT = "lerobot"
    MCAP = "mcap"


class Images(StrEnum):
    """How images are kept; each format has two or three of these."""

    AV1 = "av1"
    H264 = "h264"
    PNG = "png"
    JPEG = "jpeg"


def export(
    out: Annotated[Path, typer.Argument(metavar="DIR", help="New folder.")],
    kind: Annotated[
        Format,
        typer.Option(
            "--format", help="lerobot: a v3.0 data set. mcap: a file per episode, for Foxglove."
        ),
    ] = Format.LEROBOT,
    images: Annotated[
        Images | None,
        typer.Option(
            help="lerobot: av1 (default), h264 or png; mcap: jpeg (default) or png. Only png "
            "loses nothing; of the others the loss is measured and said."
        ),
    ] = None,
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

        def on_episode(num_done: int) -> None:
            progress.update(bar, completed=num_done)

        report: LeRobotReport | McapReport
        if kind is Format.MCAP:
            report = export_mcap(view, out, _pictures(images), on_episode)
        else:
            report = export_lerobot(view, out, _options(camera, images), on_episode)
    if json is not None:
        write_json(json, asdict(report))
    if json != "-":
        typer.echo(f"{out}: {_sentence(report)}")


def import_episodes(
    source: Annotated[Path, typer.Argument(metavar="DIR", help="A LeRobot v3.0 data set.")],
    mapping: Annotated[
        Path | None,
        typer.Option(
            "--mapping",
            metavar="FILE",
            help="YAML that says what its columns mean; not needed for an export of ours.",
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Begins the new ids; the folder's name by default.")
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    json: JsonOption = None,
) -> None:
    """Bring a LeRobot data set into a store; what is there already stays as it is."""
    data_set = LeRobotDataSet(source)
    if mapping is not None:
        arrivals = foreign_arrivals(data_set, load_config(mapping, Mapping), name)
    elif data_set.own is not None:
        arrivals = own_arrivals(data_set)
    else:
        raise ConfigError(
            f"{source} is not an export of ours, so say with --mapping what its columns mean "
            f"(docs/decisions/010-exchange.md has an example); {data_set.describe()}."
        )
    with EpisodeStore.create(store) as opened, make_progress() as progress:
        bar = progress.add_task("import", total=data_set.num_episodes)
        report = admit(opened, arrivals, lambda num_done: progress.update(bar, completed=num_done))
    if json is not None:
        write_json(json, asdict(report))
    if json != "-":
        equal = f"; {report.num_identical} equal the exported ones byte for byte"
        typer.echo(
            f"{store}: {report.num_added} episodes added, {report.num_present} were there already"
            + (equal if mapping is None else "")
        )


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


def _options(camera: str, images: Images | None) -> LeRobotOptions:
    if images is Images.JPEG:
        raise ConfigError("a LeRobot data set keeps images as av1, h264 or png.")
    return LeRobotOptions(camera=camera, images=ImageCoding(images or Images.AV1))


def _pictures(images: Images | None) -> PictureCoding:
    if images in (Images.AV1, Images.H264):
        raise ConfigError("an MCAP file keeps images as jpeg or png.")
    return PictureCoding(images or Images.JPEG)


def _sentence(report: LeRobotReport | McapReport) -> str:
    loss = (
        "images lossless"
        if report.psnr_db is None
        else f"images lossy: PSNR {report.psnr_db} dB, worst frame {report.worst_psnr_db} dB"
    )
    has_state = not isinstance(report, LeRobotReport) or report.has_state
    state = "" if has_state else "; no observation.state, some were never measured"
    return (
        f"{report.num_episodes} episodes, {report.num_steps} steps, "
        f"{report.num_bytes / 1e6:.1f} MB, {loss}{state}"
    )

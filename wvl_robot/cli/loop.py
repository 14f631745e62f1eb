"""Run the circle: collect, imitate, roll out, imagine, practise, gate, deploy; stage by stage."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from wvl_models.cli.output import make_console
from wvl_models.cli.progress import BarProgress
from wvl_models.contract.config import load_config
from wvl_models.contract.task import load_task
from wvl_models.loop.config import LoopConfig
from wvl_models.loop.order import run_all, run_stage, stages_of
from wvl_models.loop.progress import JsonProgress, Progress
from wvl_models.loop.report.facts import gather
from wvl_models.loop.report.page import write_report
from wvl_models.loop.run import Run
from wvl_robot.cli.composition import open_circle
from wvl_robot.cli.provenance import source_commit
from wvl_robot.rig.config import load_rig
from wvl_robot.share import share_folder

app = typer.Typer(add_completion=False, no_args_is_help=True)

RunFolder = Annotated[Path, typer.Option("--run", help="Folder of the run.")]


class ProgressStyle(StrEnum):
    """How progress is told."""

    BAR = "bar"
    JSON = "json"


@app.command()
def begin(
    run: RunFolder,
    task: Annotated[str, typer.Option(help="A task of config/task.")] = "lift_cube",
    rig: Annotated[str, typer.Option(help="Rig file below config/rig.")] = "virtual",
    seed: Annotated[int, typer.Option(min=0, help="Of everything random in the run.")] = 0,
    store: Annotated[
        Path | None, typer.Option(help="Episode store instead of one below the run.")
    ] = None,
    registry: Annotated[Path | None, typer.Option(help="Model registry, likewise.")] = None,
    operated: Annotated[
        bool, typer.Option("--operated", help="People record, on a virtual rig, too.")
    ] = False,
    config: Annotated[
        Path | None, typer.Option(help="YAML with settings of the run; replaces all others.")
    ] = None,
) -> None:
    """Write a run's settings, so that its stages can be run one by one.

    On a real rig people record and label; a stage that lacks episodes says which.
    """
    if config is not None:
        settings = load_config(config, LoopConfig)
    else:
        is_real = not load_rig(share_folder(), rig).is_virtual
        settings = (
            LoopConfig.operated(task, rig) if is_real or operated else LoopConfig.demo(task)
        ).model_copy(update={"seed": seed, "rig": rig} | _places(store, registry))
    load_task(share_folder(), settings.task)
    opened = Run(run, settings)
    make_console().print(f"{run}: {', '.join(stage.name for stage in stages_of(opened.config))}")


@app.command()
def stage(
    name: Annotated[str, typer.Argument(help="A stage, as `wvl loop show` lists them.")],
    run: RunFolder,
    progress: Annotated[ProgressStyle, typer.Option(help="Bar or JSON lines.")] = ProgressStyle.BAR,
) -> None:
    """Run one stage of a run; does nothing when it is done."""
    with _told(progress) as teller, open_circle(Run.open(run), teller) as circle:
        run_stage(circle, name)


@app.command()
def resume(run: RunFolder) -> None:
    """Run every stage that is not done yet."""
    with BarProgress() as teller, open_circle(Run.open(run), teller) as circle:
        run_all(circle)


@app.command()
def report(run: RunFolder) -> None:
    """Write the report of a run whose stages are all done."""
    opened = Run.open(run)
    page = write_report(opened, gather(opened, source_commit()))
    make_console().print(f"report: {page}")


@app.command()
def show(run: RunFolder) -> None:
    """The stages of a run and what they found."""
    opened = Run.open(run)
    table = Table("stage", "seconds", "result", title=str(run))
    for item in stages_of(opened.config):
        record = opened.record(item.name)
        if record is None:
            table.add_row(item.name, "", "[dim]to do[/]")
        else:
            table.add_row(item.name, f"{record.seconds:.0f}", _brief(record.result))
    make_console().print(table)


def _places(store: Path | None, registry: Path | None) -> dict[str, str]:
    """Absolute, because a run is continued from anywhere."""
    given = {"store": store, "registry": registry}
    return {name: str(path.resolve()) for name, path in given.items() if path is not None}


@contextmanager
def _told(style: ProgressStyle) -> Iterator[Progress]:
    if style is ProgressStyle.JSON:
        yield JsonProgress()
        return
    with BarProgress() as bar:
        yield bar


def _brief(result: dict) -> str:
    """The scalars of a result; lists by their length."""
    parts = []
    for key, value in result.items():
        if isinstance(value, list):
            parts.append(f"{key}: {len(value)}")
        elif not isinstance(value, dict):
            parts.append(f"{key}: {value}")
    return ", ".join(parts)

"""The whole circle on the virtual cell, in one command, with a report."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from wvl_models.cli.output import make_console
from wvl_models.cli.progress import BarProgress
from wvl_models.contract.task import load_task
from wvl_models.loop.config import LoopConfig
from wvl_models.loop.order import run_all
from wvl_models.loop.report.facts import ReportFacts, gather
from wvl_models.loop.report.page import write_report
from wvl_models.loop.run import Run
from wvl_robot.cli.composition import open_circle
from wvl_robot.cli.provenance import source_commit
from wvl_robot.share import share_folder

app = typer.Typer(add_completion=False)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder of the run; continued where it stood.")],
    task: Annotated[str, typer.Option(help="A task of config/task.")] = "lift_cube",
    seed: Annotated[int, typer.Option(min=0, help="Of everything random in the run.")] = 0,
    fast: Annotated[
        bool, typer.Option("--fast", help="Every count cut: it closes, and claims nothing.")
    ] = False,
    live: Annotated[
        bool, typer.Option(help="Part of the episodes through ROS 2, the FCI and the camera SDK.")
    ] = True,
) -> None:
    """Collect, learn, practise in imagination and come back to the arm; then report."""
    load_task(share_folder(), task)  # an unknown task leaves no folder behind
    config = LoopConfig.fast(task) if fast else LoopConfig.demo(task)
    config = config.model_copy(update={"seed": seed})
    if not live:
        config = config.without_live()
    run = Run(out, config)
    with BarProgress() as progress, open_circle(run, progress) as circle:
        run_all(circle)
    facts = gather(run, source_commit())
    page = write_report(run, facts)
    _print(facts)
    make_console().print(f"report: {page}")


def _print(facts: ReportFacts) -> None:
    table = Table("turn", "policy", "success on held-out starts", title=facts.title)
    for row in facts.success:
        table.add_row(str(row.turn), row.policy, str(row.rate))
    console = make_console()
    console.print(table)
    console.print(facts.verdict)

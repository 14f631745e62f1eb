"""Benchmarks of the robot side: each prints a table and takes --json FILE."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.table import Table

from wvl_models.cli.output import JsonOption, make_console, make_progress, write_json
from wvl_robot.adapters.franka import FrankaArm
from wvl_robot.adapters.system_clock import SystemClock
from wvl_robot.cli.bench_control import control
from wvl_robot.cli.bench_episodes import episodes
from wvl_robot.cli.bench_label import label
from wvl_robot.cli.bench_modes import modes
from wvl_robot.cli.faults import faults
from wvl_robot.cli.provenance import provenance
from wvl_robot.core.gate_benchmark import measure_gate
from wvl_robot.rig.config import load_rig
from wvl_robot.share import share_folder
from wvl_robot.virtual.cell import CellConfig, CellProcess, cell_config
from wvl_robot.virtual.lockstep import LockstepCell
from wvl_robot.virtual.parity import ParityReport, ParityRig, run_parity
from wvl_robot.virtual.tasks import virtual_task

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
app.command()(faults)
app.command()(episodes)
app.command()(label)
app.command()(modes)
app.command()(control)


@app.command()
def parity(
    seeds: Annotated[int, typer.Option(min=1, help="Attempts; nine seconds each.")] = 40,
    first_seed: Annotated[int, typer.Option(min=0, help="Seed of the first attempt.")] = 0,
    task: Annotated[str, typer.Option(help="Task of the virtual cell.")] = "lift_cube",
    rig: Annotated[str, typer.Option(help="Rig file below config/rig.")] = "virtual",
    host: Annotated[str | None, typer.Option(help="Loopback address instead of the rig's.")] = None,
    share: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Holds config/ and calibration/.")
    ] = None,
    json: JsonOption = None,
) -> None:
    """Send the same setpoints through the robot's protocol and through lockstep, and compare.

    Exit code 1 when fewer than 95 % agree or a limit was broken without being enforced.
    """
    config = cell_config(share or share_folder(), task, rig, host, with_camera=False)
    with make_progress() as bar:
        step = bar.add_task(f"parity of {task}", total=seeds)
        report = _run(config, range(first_seed, first_seed + seeds), lambda: bar.advance(step))
    if json is not None:
        write_json(json, provenance(first_seed) | _as_json(report, task))
    if json != "-":
        _print(report)
    if not report.passes:
        raise typer.Exit(1)


@app.command()
def gate(
    calls: Annotated[int, typer.Option(min=1000, help="Orders that are judged.")] = 100_000,
    seed: Annotated[int, typer.Option(min=0, help="Of the random orders.")] = 0,
    rig: Annotated[str, typer.Option(help="Rig file below config/rig.")] = "virtual",
    json: JsonOption = None,
) -> None:
    """Time the safety gate, one order at a time, beside plain arithmetic on the same machine."""
    limits = load_rig(share_folder(), rig).safety
    timing = measure_gate(limits, SystemClock(), np.random.default_rng(seed), calls)
    table = Table("figure", "value", title="safety gate, one order")
    for name, value in asdict(timing).items():
        table.add_row(name, f"{value:.1f}" if isinstance(value, float) else str(value))
    if json is not None:
        write_json(json, provenance(seed) | asdict(timing))
    if json != "-":
        make_console().print(table)


def _run(config: CellConfig, seeds: range, advance: Callable[[], None]) -> ParityReport:
    clock = SystemClock()
    lockstep = LockstepCell(
        virtual_task(config.task), config.rig, config.look, config.task, frames=False
    )
    with CellProcess(config) as cell:
        arm = FrankaArm(config.rig.robot, config.rig.gripper, clock)
        try:
            sides = ParityRig(arm=arm, cell=cell, lockstep=lockstep, clock=clock)
            return run_parity(sides, seeds, lambda _: advance())
        finally:
            arm.close()


def _as_json(report: ParityReport, task: str) -> dict[str, Any]:
    return {
        "task": task,
        "n": len(report.trials),
        "share": report.share,
        "passes": report.passes,
        "violations": list(report.violations),
        "unenforced": list(report.unenforced),
        "trials": [{**asdict(trial), "agrees": trial.agrees} for trial in report.trials],
    }


def _print(report: ParityReport) -> None:
    table = Table(title="lockstep against real time (mm)")
    for column in ("seed", "manner", "end", "path", "object", "late ms", "real time", "lockstep"):
        table.add_column(column)
    for trial in report.trials:
        table.add_row(
            str(trial.seed),
            trial.manner,
            f"{trial.distance_m * 1e3:.1f}",
            f"{trial.max_path_distance_m * 1e3:.1f}",
            f"{trial.object_distance_m * 1e3:.1f}",
            f"{trial.late_s * 1e3:.0f}",
            trial.real_time,
            trial.lockstep if trial.agrees else f"[red]{trial.lockstep}[/]",
        )
    console = make_console()
    console.print(table)
    num = sum(trial.agrees for trial in report.trials)
    console.print(f"{num} of {len(report.trials)} agree (95 % are asked for)")
    for line in (*report.violations, *report.unenforced):
        console.print(f"[yellow]robot server:[/] {line}")

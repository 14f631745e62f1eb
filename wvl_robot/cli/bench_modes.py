"""`wvl bench modes`: the ways to lead a Franka at 10 Hz, side by side on the virtual cell."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import numpy as np
import typer
from rich.table import Table

from wvl_models.cli.output import JsonOption, make_console, make_progress, write_json
from wvl_robot.bench.modes import ModeTrial, run_trials
from wvl_robot.cli.provenance import provenance
from wvl_robot.rig.config import RigConfig
from wvl_robot.rig.streaming import ControlMode
from wvl_robot.share import share_folder
from wvl_robot.virtual.cell import CellProcess, CellReport, cell_config

MAX_BLIND_MM = 60.0
"""Issue 3 item 1: at 0.25 m/s, when the sender has died."""


def modes(
    trials: Annotated[int, typer.Option(min=1, help="Per mode; about 30 seconds each.")] = 5,
    first_seed: Annotated[int, typer.Option(min=0, help="Seed of the first trial.")] = 0,
    mode: Annotated[
        list[ControlMode] | None, typer.Option(help="One of them; may be repeated. Default: all.")
    ] = None,
    rig: Annotated[str, typer.Option(help="Rig file below config/rig.")] = "virtual",
    host: Annotated[str | None, typer.Option(help="Loopback address instead of the rig's.")] = None,
    hold_ms: Annotated[
        float | None, typer.Option(help="Hold of the velocity stream, instead of the rig's.")
    ] = None,
    jitter_ms: Annotated[
        float, typer.Option(min=0, max=50, help="Every setpoint comes up to so much too late.")
    ] = 0.0,
    json: JsonOption = None,
) -> None:
    """Measure tracking, jerk, stop distance, reflexes and processor time of the control modes.

    Exit code 1 when the rig's own mode had a reflex or went on blindly for more than 60 mm.
    """
    config = cell_config(share_folder(), "lift_cube", rig, host, with_camera=False)
    chosen, seeds = mode or list(ControlMode), range(first_seed, first_seed + trials)
    done: list[ModeTrial] = []
    with CellProcess(config) as cell, make_progress() as bar:
        step = bar.add_task("control modes", total=trials * len(chosen))
        asked = _with_hold(config.rig, hold_ms)
        for trial in run_trials(asked, cell, chosen, seeds, jitter_s=jitter_ms * 1e-3):
            done.append(trial)
            bar.advance(step)
        said = cell.report()
    summary = [summarise(one, [t for t in done if t.mode is one]) for one in chosen]
    if json is not None:
        write_json(json, provenance(first_seed) | _as_json(asked, jitter_ms, summary, done, said))
    if json != "-":
        _print(summary, said)
    ours = [s for s in summary if s["mode"] == config.rig.robot.mode]
    if said.unenforced or any(not s["passes"] for s in ours):
        raise typer.Exit(1)


def summarise(mode: ControlMode, trials: Sequence[ModeTrial]) -> dict[str, Any]:
    """Figures of a mode over its trials (Any: JSON); None where no trial had any."""
    tasks = [t.task for t in trials if t.task]
    jerks = [t.task_jerk for t in trials if t.task_jerk]
    lines = [t.line for t in trials if t.line]
    threads = [t.thread_died for t in trials if t.thread_died]
    processes = [t.process_died for t in trials if t.process_died]
    blind = [b.distance_mm for b in (*threads, *processes)]
    num_reflexes = sum(t.num_reflexes for t in trials)
    return {
        "mode": mode,
        "n": len(trials),
        "task_rms_mm": _root_mean_square([t.rms_mm for t in tasks]),
        "task_max_mm": _largest([t.max_mm for t in tasks]),
        "line_rms_mm": _root_mean_square([t.rms_mm for t in lines]),
        "line_max_mm": _largest([t.max_mm for t in lines]),
        "joint_jerk_rms_radps3": _root_mean_square([j.joint_rms_radps3 for j in jerks]),
        "joint_jerk_max_radps3": _largest([j.joint_max_radps3 for j in jerks]),
        "thread_died_max_mm": _largest([b.distance_mm for b in threads]),
        "thread_died_max_s": _largest([b.duration_s for b in threads]),
        "process_died_max_mm": _largest([b.distance_mm for b in processes]),
        "process_died_max_s": _largest([b.duration_s for b in processes]),
        "num_reflexes": num_reflexes,
        "cpu_share": _largest([t.cpu_share for t in trials]),
        "call_max_ms": _largest([t.call_max_ms for t in trials]),
        "passes": num_reflexes == 0 and bool(blind) and max(blind) <= MAX_BLIND_MM,
    }


def _with_hold(rig: RigConfig, hold_ms: float | None) -> RigConfig:
    if hold_ms is None:
        return rig
    stream = rig.robot.stream.model_copy(update={"hold_s": hold_ms * 1e-3})
    return rig.model_copy(update={"robot": rig.robot.model_copy(update={"stream": stream})})


def _root_mean_square(values: Sequence[float]) -> float | None:
    return float(np.sqrt(np.mean(np.square(values)))) if values else None


def _largest(values: Sequence[float]) -> float | None:
    return float(max(values)) if values else None


def _as_json(
    rig: RigConfig,
    jitter_ms: float,
    summary: Sequence[dict[str, Any]],
    trials: Sequence[ModeTrial],
    said: CellReport,
) -> dict[str, Any]:
    return {
        "rig": rig.robot.model_dump(mode="json"),
        "jitter_ms": jitter_ms,
        "modes": list(summary),
        "violations": list(said.violations),
        "unenforced": list(said.unenforced),
        "trials": [asdict(trial) for trial in trials],
    }


def _print(summary: Sequence[dict[str, Any]], said: CellReport) -> None:
    table = Table(title="control modes (worst of all trials, rms over them)")
    columns = {
        "mode": "mode",
        "n": "n",
        "task_rms_mm": "task rms mm",
        "task_max_mm": "max mm",
        "line_rms_mm": "0.25 m/s rms mm",
        "joint_jerk_rms_radps3": "jerk rms rad/s3",
        "thread_died_max_mm": "thread dies mm",
        "process_died_max_mm": "process dies mm",
        "num_reflexes": "reflexes",
        "cpu_share": "cpu",
        "call_max_ms": "call max ms",
    }
    for title in columns.values():
        table.add_column(title)
    for figures in summary:
        table.add_row(*(_shown(figures[name]) for name in columns))
    console = make_console()
    console.print(table)
    for line in (*said.violations, *said.unenforced):
        console.print(f"[yellow]robot server:[/] {line}")


def _shown(value: Any) -> str:  # a figure of JSON
    if value is None:
        return "none"
    return f"{value:.3g}" if isinstance(value, float) else str(value)

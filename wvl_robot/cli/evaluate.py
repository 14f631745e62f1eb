"""Evaluate a policy by trials on the virtual cell, or a world model against recorded episodes."""

from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from rich.table import Table

from wvl_models.cli.output import JsonOption, make_console, write_json
from wvl_models.cli.progress import BarProgress
from wvl_models.contract.camera import View
from wvl_models.contract.config import parse_config
from wvl_models.contract.errors import DataError
from wvl_models.contract.task import TaskConfig, load_task
from wvl_models.episodes.reels import Reel, read_reels
from wvl_models.episodes.snapshot import EpisodeFilter
from wvl_models.episodes.store import EpisodeStore
from wvl_models.evaluation.alignment import Alignment, align, dream
from wvl_models.evaluation.intervals import Rate, rate
from wvl_models.loop.progress import follow
from wvl_models.registry.manifest import read_manifest, verify_files
from wvl_models.world_model.checkpoint import load_world_model
from wvl_robot.cli.composition import virtual_lab
from wvl_robot.cli.provenance import provenance
from wvl_robot.share import share_folder

app = typer.Typer(add_completion=False, no_args_is_help=True)

FIRST_SEED = 900_000_000
"""Far from every seed that a run of the loop draws for itself."""


@app.command()
def policy(
    folder: Annotated[Path, typer.Argument(help="A published version: registry/policy/VERSION.")],
    task: Annotated[str, typer.Option(help="A task of config/task.")] = "lift_cube",
    rig: Annotated[str, typer.Option(help="A virtual rig of config/rig.")] = "virtual",
    trials: Annotated[int, typer.Option(min=1)] = 200,
    first_seed: Annotated[int, typer.Option(min=0, help="Of the first initial state.")] = (
        FIRST_SEED
    ),
    execute_steps: Annotated[
        int | None, typer.Option(help="Steps of a chunk, instead of the task file's.")
    ] = None,
    lead_steps: Annotated[
        int | None, typer.Option(help="Ask so many steps ahead, instead of the task file's.")
    ] = None,
    ensemble_decay: Annotated[
        float | None, typer.Option(help="Temporal ensembling with this decay per chunk.")
    ] = None,
    json: JsonOption = None,
) -> None:
    """Greedy trials in lockstep, on initial states first_seed, first_seed + 1, ..."""
    verify_files(folder, read_manifest(folder))
    schedule = {
        "execute_steps": execute_steps,
        "lead_steps": lead_steps,
        "ensemble_decay": ensemble_decay,
    }
    config = _with(load_task(share_folder(), task), schedule)
    seeds = range(first_seed, first_seed + trials)
    with (
        TemporaryDirectory() as scratch,
        EpisodeStore.create(Path(scratch) / "unused") as store,
        virtual_lab(config, rig, store) as lab,
        BarProgress() as progress,
    ):
        done = list(follow(progress, "trials", trials, lab.try_out(folder.resolve(), list(seeds))))
    found = rate(sum(trial.is_success for trial in done), trials)
    table = Table("policy", "task", "success", title="trials on the virtual cell")
    table.add_row(folder.name, task, str(found))
    make_console().print(table)
    if json is not None:
        what = {"policy": folder.name, "task": config.model_dump(mode="json")}
        write_json(json, provenance(first_seed) | what | _rate(found))


@app.command("world-model")
def world_model(
    folder: Annotated[Path, typer.Argument(help="A checkpoint or a published version.")],
    store: Annotated[Path, typer.Option(help="Episode store with labelled episodes.")],
    task: Annotated[str, typer.Option(help="Only episodes of this task.")] = "lift_cube",
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest ids.")] = 200,
    threshold: Annotated[float, typer.Option(help="Predicted reward of a success.")] = 0.9,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    json: JsonOption = None,
) -> None:
    """Imagine recorded episodes from their first frame and compare outcomes and pictures."""
    model = load_world_model(folder)
    reels = _reels(store, task, limit, model.view)
    found = align(dream(model, reels, seed), threshold)
    table = Table("n", "TP", "FP", "TN", "FN", "AUC", "PSNR dB", "SSIM", title=folder.name)
    table.add_row(
        *(str(count) for count in (found.n, found.tp, found.fp, found.tn, found.fn)),
        f"{found.auc:.3f}",
        f"{found.psnr:.2f}",
        f"{found.ssim:.3f}",
    )
    make_console().print(table)
    if json is not None:
        what = {"world_model": str(folder), "task": task}
        write_json(json, provenance(seed) | what | _figures(found))


def _with(task: TaskConfig, given: dict[str, Any]) -> TaskConfig:
    """The task with what was said on the command line; ConfigError names a wrong value."""
    chosen = {name: value for name, value in given.items() if value is not None}
    return parse_config(task.model_dump() | chosen, TaskConfig, source="the command line")


def _reels(root: Path, task: str, limit: int, view: View) -> list[Reel]:
    """Episodes of one length: the commonest."""
    episodes = EpisodeStore(root).view(EpisodeFilter(tasks=(task,)))
    lengths = [facts.num_steps for facts in episodes.facts.values()]
    if not lengths:
        raise DataError(f"{root} has no episodes of task '{task}'.")
    common = max(set(lengths), key=lengths.count)
    ids = [name for name, facts in episodes.facts.items() if facts.num_steps == common]
    return list(read_reels(episodes, ids[-limit:], view))


def _rate(found: Rate) -> dict[str, Any]:
    return {"n": found.n, "successes": found.successes, "low": found.low, "high": found.high}


def _figures(found: Alignment) -> dict[str, Any]:
    figures = asdict(found)
    return figures | {"auc": None if figures["auc"] != figures["auc"] else figures["auc"]}

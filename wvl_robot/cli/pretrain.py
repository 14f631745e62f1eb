"""Train the tiny weights that ship with this package, on the virtual cell."""

from pathlib import Path
from typing import Annotated

import torch
import typer

from wvl_models.cli.progress import BarProgress
from wvl_models.contract.task import load_task
from wvl_models.episodes.store import EpisodeStore
from wvl_models.loop.pretrain import (
    PretrainConfig,
    pretrain_policy,
    pretrain_world_model,
    select_reels,
)
from wvl_models.loop.progress import follow
from wvl_models.loop.run import fresh_folder
from wvl_models.policy.checkpoint import save_policy
from wvl_models.world_model.checkpoint import save_world_model
from wvl_robot.cli.composition import virtual_lab
from wvl_robot.share import share_folder

app = typer.Typer(add_completion=False, no_args_is_help=True)

Out = Annotated[
    Path, typer.Option(help="Folder of the whole pretraining; continued when it has one.")
]


@app.command()
def collect(out: Out) -> None:
    """Scripted episodes of every task, in lockstep (about 15 minutes on two cores)."""
    config, progress, share = PretrainConfig(), BarProgress(), share_folder()
    with EpisodeStore.create(out / "episodes") as store, progress:
        for task in config.tasks:
            with virtual_lab(load_task(share, task), "virtual", store) as lab:
                attempts = config.attempts()
                for _ in follow(progress, task, len(attempts), lab.demonstrate(attempts)):
                    pass


@app.command("world-model")
def world_model(out: Out) -> None:
    """The world model, on all tasks (about half an hour on two cores)."""
    config, progress = PretrainConfig(), BarProgress()
    reels = select_reels(EpisodeStore(out / "episodes"), config, for_policy=False)
    model, steps = pretrain_world_model(reels, config, out / "world_model_state")
    with progress:
        progress.begin("world model", config.world_model.num_steps)
        for report in steps:
            progress.reach(
                report.step, f"flow {report.flow_loss:.3f} reward {report.reward_loss:.4f}"
            )
    with fresh_folder(out / "world_model") as folder:
        save_world_model(model, folder, half=True)


@app.command()
def policy(out: Out) -> None:
    """The policy, on all tasks but the held-out one (about twenty minutes on two cores)."""
    config, progress = PretrainConfig(), BarProgress()
    reels = select_reels(EpisodeStore(out / "episodes"), config, for_policy=True)
    share = share_folder()
    instructions = [load_task(share, task).instruction for task in config.tasks]
    agent, steps = pretrain_policy(reels, instructions, config, out / "policy_state")
    with progress:
        progress.begin("policy", config.policy.num_steps)
        for report in steps:
            progress.reach(report.step, f"loss {report.loss:.3f} accuracy {report.accuracy:.2f}")
    with fresh_folder(out / "policy") as folder, torch.no_grad():
        save_policy(agent, folder, "wvl_virtual")

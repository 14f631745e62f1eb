"""Joins the rooms: which lab, which live graph, which commit a run of the circle gets."""

import subprocess
from pathlib import Path

from wvl_models.contract.task import load_task
from wvl_models.episodes.store import EpisodeStore
from wvl_robot.share import share_folder
from wvl_robot.virtual.lab import VirtualLab
from wvl_robot.virtual.workers import CellPlan


def virtual_lab(task: str, rig: str, store: EpisodeStore) -> VirtualLab:
    """The lockstep lab of a task; raises ConfigError for an unknown task or rig."""
    share = share_folder()
    config = load_task(share, task)
    plan = CellPlan(
        share=share,
        rig=rig,
        task=task,
        instruction=config.instruction,
        horizon_steps=config.horizon_steps,
        commit=source_commit(),
    )
    return VirtualLab(plan, store)


def source_commit() -> str:
    """Commit of the checkout that runs, `-dirty` when changed; `unknown` outside one."""
    here = Path(__file__).resolve().parent
    command = ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.strip()

"""Real rollouts of the policy, back into the world model (paper 4.3)."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from wvl_models.evaluation.alignment import Alignment, DreamedReel, align, dream
from wvl_models.loop.circle import Circle
from wvl_models.loop.progress import follow
from wvl_models.loop.stages.collect import outcomes
from wvl_models.loop.starts import world_model_to_fine_tune
from wvl_models.world_model.checkpoint import load_world_model
from wvl_models.world_model.model import CosmosWorldModel
from wvl_models.world_model.training import train_world_model

HOLD_OUT_EVERY = 5
"""Every fifth rollout is kept from training, to see how the model judges this very policy."""
NUM_PICTURES = 2
"""Episodes of each true outcome that the report shows beside their imagination."""


def roll_out(circle: Circle, turn: int) -> dict[str, Any]:
    """Record the current policy: every second episode explores as practice will."""
    data, version = circle.config.data, circle.policy_before(turn)
    folder = circle.registry.folder("policy", version)
    seeds = [circle.seeds.rollouts(turn, i) for i in range(data.rollouts)]
    temperatures = [data.explore_temperature * (i % 2) for i in range(data.rollouts)]
    work = circle.require_lab().deploy(folder, seeds, temperatures)
    ids = list(follow(circle.progress, f"rollouts, turn {turn}", len(seeds), work))
    return rollouts_result(circle, version, ids, num_given_up=len(seeds) - len(ids))


def rollouts_result(
    circle: Circle, version: str, ids: Sequence[str], num_given_up: int
) -> dict[str, Any]:
    """What a stage of rollouts leaves: which of them train, and which are kept from training."""
    held_out = ids[HOLD_OUT_EVERY - 1 :: HOLD_OUT_EVERY]
    return {
        "policy": version,
        "train": [name for name in ids if name not in set(held_out)],
        "held_out": list(held_out),
        "num_given_up": num_given_up,
        "outcomes": outcomes(circle, list(ids)) if ids else {},
    }


def fine_tune_world_model(circle: Circle, turn: int) -> dict[str, Any]:
    """From the start, on everything real so far but what is held out; publish it."""
    ids, stage = _training_ids(circle, turn), f"world-model-{turn}"
    reels = circle.reels(ids)
    model, config = world_model_to_fine_tune(circle, reels), circle.config.world_model
    curves = circle.curves(stage)
    circle.progress.begin(f"world model, turn {turn}", config.num_steps)
    seed = circle.config.seed + turn
    for report in train_world_model(model, reels, config, seed=seed, folder=circle.state(stage)):
        curves.add(report.step, flow=report.flow_loss, reward=report.reward_loss)
        circle.progress.reach(report.step, f"reward loss {report.reward_loss:.4f}")
    curves.close()
    version = circle.publish_world_model(model, stage, ids)
    circle.registry.promote("world_model", version, reason=f"turn {turn}")
    return {"version": version, "num_episodes": len(ids)}


def check_alignment(circle: Circle, turn: int) -> dict[str, Any]:
    """Confusion matrix and picture quality on episodes that no training saw."""
    version = circle.run.result(f"world-model-{turn}")["version"]
    model = load_world_model(circle.registry.verify("world_model", version))
    circle.progress.begin(f"alignment, turn {turn}", 2)
    scripted = _dream(circle, model, circle.run.result("collect")["test"])
    circle.progress.reach(1)
    rollouts = _dream(circle, model, circle.run.result(f"rollouts-{turn}")["held_out"])
    circle.progress.reach(2)
    threshold = circle.config.rl.success_threshold
    pictures = circle.run.folder / "pictures" / f"alignment-{turn}.npz"
    _save_pictures([*scripted, *rollouts], pictures)
    result: dict[str, Any] = {
        "world_model": version,
        "scripted": _figures(align(scripted, threshold)),
        "pictures": str(pictures.relative_to(circle.run.folder)),
    }
    if rollouts:
        result["rollouts"] = _figures(align(rollouts, threshold))
    return result


def _training_ids(circle: Circle, turn: int) -> list[str]:
    """Experience, and what earlier turns showed live."""
    ids = circle.experience(turn)
    for past in range(1, turn):
        deployed = circle.run.result(f"deploy-{past}")
        ids += [*deployed["before"], *deployed["after"]]
    return ids


def _dream(circle: Circle, model: CosmosWorldModel, ids: list[str]) -> list[DreamedReel]:
    return dream(model, circle.reels(ids), circle.config.seed) if ids else []


def _figures(found: Alignment) -> dict[str, Any]:
    auc = None if np.isnan(found.auc) else round(found.auc, 4)
    return {
        "n": found.n,
        "tp": found.tp,
        "fp": found.fp,
        "tn": found.tn,
        "fn": found.fn,
        "auc": auc,
        "psnr": round(found.psnr, 3),
        "ssim": round(found.ssim, 4),
        "threshold": found.threshold,
    }


def _save_pictures(dreamed: list[DreamedReel], path: Any) -> None:
    """A few true successes and failures, every sixth frame, real and imagined."""
    chosen = []
    for wanted in (True, False):
        chosen += [d for d in reversed(dreamed) if d.reel.is_success is wanted][:NUM_PICTURES]
    path.parent.mkdir(exist_ok=True)
    length = min(len(d.frames) for d in chosen)
    rows = slice(5, length, 6)
    np.savez_compressed(
        path,
        real=np.stack([d.reel.frames[1 : 1 + length][rows] for d in chosen]),
        imagined=np.stack([d.frames[:length][rows] for d in chosen]),
        real_rewards=np.stack([d.reel.rewards[1 : 1 + length] for d in chosen]),
        imagined_rewards=np.stack([d.rewards[:length] for d in chosen]),
    )

"""GRPO inside the world model, and the gate that a candidate must pass."""

from typing import Any

import numpy as np
import torch

from wvl_models.evaluation.intervals import rate
from wvl_models.loop.circle import Circle
from wvl_models.loop.progress import follow
from wvl_models.policy.checkpoint import load_policy
from wvl_models.rl.protocols import StartStates
from wvl_models.rl.trainer import GRPOTrainer, StopReason
from wvl_models.world_model.checkpoint import load_world_model


def practise(circle: Circle, turn: int) -> dict[str, Any]:
    """From the SFT policy, imagined rollouts only; publishes a candidate."""
    stage, config = f"practise-{turn}", circle.config.rl
    parent = circle.run.result("sft")["version"]
    agent = load_policy(circle.registry.verify("policy", parent))
    world = load_world_model(
        circle.registry.verify("world_model", circle.run.result(f"world-model-{turn}")["version"])
    )
    ids = _start_ids(circle, turn)
    starts, example = _starts(circle, ids)
    torch.manual_seed(circle.config.seed + turn)
    trainer = GRPOTrainer(agent, world, starts, config, seed=circle.config.seed + turn)
    curves = circle.curves(stage)
    circle.progress.begin(f"practise in imagination, turn {turn}", config.num_steps)
    stop = StopReason.STEPS
    for report in trainer.run(circle.state(stage)):
        curves.add(
            report.step,
            imagined_success=report.success,
            max_reward=report.max_reward,
            kept_groups=report.kept_groups,
            ratio_deviation=report.ratio_deviation,
        )
        circle.progress.reach(report.step, f"imagined success {100 * report.success:.0f} %")
        stop = report.stop or stop
    imagined = [value for _, value in curves.read("imagined_success")]
    version = circle.publish_policy(agent, stage, parent=parent, example=example, ids=ids)
    return {
        "version": version,
        "parent": parent,
        "stop": stop.value,
        "num_steps": len(imagined),
        "imagined_first": float(np.mean(imagined[:5])),
        "imagined_last": float(np.mean(imagined[-5:])),
        "num_starts": len(ids),
    }


def gate(circle: Circle, turn: int) -> dict[str, Any]:
    """The candidate becomes current when it is not worse on states kept for this alone."""
    candidate = circle.run.result(f"practise-{turn}")["version"]
    current = circle.policy_before(turn)
    seeds = [circle.seeds.gate(i) for i in range(circle.config.trials.gate)]
    scores = {}
    for version in (current, candidate):
        work = circle.lab.try_out(circle.registry.folder("policy", version), seeds)
        trials = list(follow(circle.progress, f"gate, turn {turn}", len(seeds), work))
        scores[version] = sum(trial.is_success for trial in trials)
    is_passed = scores[candidate] >= scores[current] or not circle.config.claims_improvement
    if is_passed:
        circle.registry.promote("policy", candidate, reason=f"gate of turn {turn}")
    return {
        "candidate": candidate,
        "current": current,
        "n": len(seeds),
        "candidate_successes": scores[candidate],
        "current_successes": scores[current],
        "is_passed": is_passed,
        "in_force": candidate if is_passed else current,
    }


def try_out(circle: Circle, turn: int) -> dict[str, Any]:
    """The report's success rate: of the SFT policy (turn 0) or of a turn's candidate."""
    stage = "sft" if turn == 0 else f"practise-{turn}"
    version = circle.run.result(stage)["version"]
    seeds = [circle.seeds.trials(i) for i in range(circle.config.trials.held_out)]
    work = circle.lab.try_out(circle.registry.folder("policy", version), seeds)
    trials = list(follow(circle.progress, f"trials, turn {turn}", len(seeds), work))
    found = rate(sum(trial.is_success for trial in trials), len(trials))
    circle.progress.reach(len(trials), str(found))
    return {
        "policy": version,
        "turn": turn,
        "n": found.n,
        "successes": found.successes,
        "low": round(found.low, 4),
        "high": round(found.high, 4),
    }


def _start_ids(circle: Circle, turn: int) -> list[str]:
    """Real episodes whose first frame practice begins with: all that is not held out."""
    collected = circle.run.result("collect")
    ids = [*collected["demonstrations"], *collected["sans"]]
    for past in range(1, turn + 1):
        ids += circle.run.result(f"rollouts-{past}")["train"]
    return ids


def _starts(circle: Circle, ids: list[str]) -> tuple[StartStates, Any]:
    """First frames and targets; and one reel, for the canary."""
    reels = circle.reels(ids)
    starts = StartStates(
        frames=np.stack([reel.frames[0] for reel in reels]),
        targets=np.stack([reel.targets[0] for reel in reels]),
        instruction=circle.lab.instruction,
    )
    return starts, reels[0]

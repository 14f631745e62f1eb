"""GRPO inside the world model, and the gate that a candidate must pass."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from wvl_models.evaluation.intervals import Rate, rate
from wvl_models.loop.circle import Circle
from wvl_models.loop.progress import follow
from wvl_models.policy.checkpoint import load_policy
from wvl_models.rl.protocols import StartStates
from wvl_models.rl.trainer import GRPOTrainer, StopReason
from wvl_models.world_model.checkpoint import load_world_model


def practise(circle: Circle, turn: int) -> dict[str, Any]:
    """From the SFT policy, imagined rollouts only; publishes a candidate now and then."""
    stage = f"practise-{turn}"
    parent = circle.run.result("sft")["version"]
    agent = load_policy(circle.registry.verify("policy", parent))
    model_version = circle.run.result(f"world-model-{turn}")["version"]
    world = load_world_model(circle.registry.verify("world_model", model_version))
    num_chunks = circle.scene.horizon_steps // world.chunk_steps
    config = circle.config.rl.model_copy(update={"num_chunks": num_chunks})
    ids = circle.experience(turn)
    starts, example = _starts(circle, ids)
    torch.manual_seed(circle.config.seed + turn)
    trainer = GRPOTrainer(agent, world, starts, config, seed=circle.config.seed + turn)
    curves, kept = circle.curves(stage), Candidates(circle.run.work(stage) / "candidates.json")
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
        if report.step % circle.config.trials.candidate_every == 0 or report.stop is not None:
            version = circle.publish_policy(agent, stage, parent=parent, example=example, ids=ids)
            kept.add(report.step, version)
    imagined = [value for _, value in curves.read("imagined_success")]
    return {
        "candidates": kept.read(),
        "parent": parent,
        "stop": stop.value,
        "num_steps": len(imagined),
        "imagined_first": float(np.mean(imagined[:5])),
        "imagined_last": float(np.mean(imagined[-5:])),
        "num_starts": len(ids),
    }


class Candidates:
    """What a stage has published so far; survives an interruption of the stage."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> list[dict[str, Any]]:
        """Step and version of each, oldest first."""
        return json.loads(self._path.read_text()) if self._path.is_file() else []

    def add(self, step: int, version: str) -> None:
        """One more; a step that is done again replaces what was there."""
        known = [entry for entry in self.read() if entry["step"] < step]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps([*known, {"step": step, "version": version}]))


def gate(circle: Circle, turn: int) -> dict[str, Any]:
    """The best candidate becomes current when it is not worse, on states kept for this alone."""
    candidates = circle.run.result(f"practise-{turn}")["candidates"]
    current = circle.policy_before(turn)
    seeds = [circle.seeds.gate(i) for i in range(circle.config.trials.gate)]
    scores = {}
    for version in dict.fromkeys([current, *(entry["version"] for entry in candidates)]):
        work = circle.require_lab().try_out(circle.registry.folder("policy", version), seeds)
        trials = list(follow(circle.progress, f"gate, turn {turn}", len(seeds), work))
        scores[version] = sum(trial.is_success for trial in trials)
    best = max(candidates, key=lambda entry: scores[entry["version"]])
    chosen = best["version"]
    is_passed = scores[chosen] >= scores[current] or not circle.config.claims_improvement
    if is_passed:
        circle.registry.promote("policy", chosen, reason=f"gate of turn {turn}")
    return {
        "candidate": chosen,
        "candidate_step": best["step"],
        "current": current,
        "n": len(seeds),
        "tried": [entry | {"successes": scores[entry["version"]]} for entry in candidates],
        "candidate_successes": scores[chosen],
        "current_successes": scores[current],
        "is_passed": is_passed,
        "in_force": chosen if is_passed else current,
    }


def try_out(circle: Circle, turn: int) -> dict[str, Any]:
    """The report's success rate: of the SFT policy (turn 0) or of a turn's candidate."""
    version = tried_version(circle, turn)
    seeds = [circle.seeds.trials(i) for i in range(circle.config.trials.held_out)]
    work = circle.require_lab().try_out(circle.registry.folder("policy", version), seeds)
    trials = list(follow(circle.progress, f"trials, turn {turn}", len(seeds), work))
    found = rate(sum(trial.is_success for trial in trials), len(trials))
    circle.progress.reach(len(trials), str(found))
    return trial_result(version, turn, found)


def tried_version(circle: Circle, turn: int) -> str:
    """Whose success rate a turn reports."""
    if turn == 0:
        return str(circle.run.result("sft")["version"])
    return str(circle.run.result(f"gate-{turn}")["candidate"])


def trial_result(version: str, turn: int, found: Rate) -> dict[str, Any]:
    """What a stage of trials leaves, as the report reads it."""
    return {
        "policy": version,
        "turn": turn,
        "n": found.n,
        "successes": found.successes,
        "low": round(found.low, 4),
        "high": round(found.high, 4),
    }


def _starts(circle: Circle, ids: list[str]) -> tuple[StartStates, Any]:
    """First frames and targets; and one reel, for the canary."""
    reels = circle.reels(ids)
    starts = StartStates(
        frames=np.stack([reel.frames[0] for reel in reels]),
        targets=np.stack([reel.targets[0] for reel in reels]),
        instruction=circle.scene.instruction,
    )
    return starts, reels[0]

"""SFT on the demonstrations (paper 3.3)."""

from typing import Any

import torch

from wvl_models.loop.circle import Circle
from wvl_models.loop.starts import policy_to_fine_tune
from wvl_models.policy.sft import train_policy


def imitate(circle: Circle) -> dict[str, Any]:
    """Fine-tune the policy, publish it and make it the current one."""
    ids = circle.run.result("collect")["demonstrations"]
    reels = circle.reels(ids)
    agent = policy_to_fine_tune(circle, reels)
    config, stage = circle.config.sft, "sft"
    curves = circle.curves(stage)
    torch.manual_seed(circle.config.seed)
    circle.progress.begin("SFT", config.num_steps)
    for report in train_policy(
        agent, reels, config, seed=circle.config.seed, folder=circle.state(stage)
    ):
        curves.add(report.step, loss=report.loss, accuracy=report.accuracy)
        circle.progress.reach(report.step, f"loss {report.loss:.3f}")
    curves.close()
    version = circle.publish_policy(agent, stage, parent=None, example=reels[0], ids=ids)
    circle.registry.promote("policy", version, reason="SFT")
    return {"version": version, "num_demonstrations": len(ids)}

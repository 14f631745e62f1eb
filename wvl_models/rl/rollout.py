"""Imagined rollouts: the policy acts, the world model answers, nothing real moves.

Only the first frame is real (paper 4.3). All rollouts of a group start from one frame and share
the world model's noise, so that the policy's sampling is the only difference inside a group.
Shape legend: P prompts, G group size, B = P*G rollouts, K steps per chunk, A = 7.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from wvl_models.contract.observation import U8
from wvl_models.rl.config import GRPOConfig
from wvl_models.rl.protocols import ImaginedWorld, StartStates, TrainablePolicy
from wvl_models.rl.sampling import draw_uniforms, log_probabilities, sample_classes


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What was seen and drawn at one chunk of every rollout that still ran."""

    frames: U8
    """[U, H, W, 3] distinct frames; at the first chunk a group shares one."""
    frame_of: Tensor
    """int64 [R] row of `frames` for each running rollout."""
    rollout: Tensor
    """int64 [R] index of the rollout."""
    classes: Tensor
    """int64 [R, K*A] drawn tokens."""
    log_probs: Tensor
    """float32 [R, K*A] of the drawn tokens when they were drawn."""
    first_step: int
    """Step of the rollout at which this chunk begins."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rollouts:
    """A batch of imagined rollouts, group after group."""

    instruction: str
    decisions: tuple[Decision, ...]
    success: Tensor
    """float32 [B] 1 or 0."""
    finish_step: Tensor
    """int64 [B] steps up to and including the first success, else all."""
    max_reward: Tensor
    """float32 [B] largest predicted reward."""


def imagine_rollouts(
    policy: TrainablePolicy,
    world: ImaginedWorld,
    starts: StartStates,
    config: GRPOConfig,
    rng: np.random.Generator,
    generator: torch.Generator,
) -> Rollouts:
    """`num_prompts` groups of `group_size` rollouts from random start states."""
    chosen = rng.choice(
        len(starts.frames), config.num_prompts, len(starts.frames) < config.num_prompts
    )
    size, steps = config.group_size, world.chunk_steps
    total = config.num_prompts * size
    frames, frame_of = starts.frames[chosen], torch.arange(total) // size
    targets = np.repeat(starts.targets[chosen], size, axis=0)
    running = torch.arange(total)
    finish = torch.full((total,), config.num_chunks * steps)
    best = torch.full((total,), -torch.inf)
    decisions = []
    for chunk in range(config.num_chunks):
        decision = _decide(
            policy, frames, frame_of, running, starts.instruction, config, generator, chunk * steps
        )
        decisions.append(decision)
        path = policy.spec.integrate(targets[running], policy.actions(decision.classes))
        noise = world.draw_noise(config.num_prompts, generator)[running // size]
        after = world.play(frames[frame_of], path, noise)
        best[running] = torch.maximum(best[running], after.rewards.amax(dim=1))
        hit = after.rewards > config.success_threshold
        done = hit.any(dim=1)
        finish[running[done]] = chunk * steps + 1 + hit[done].int().argmax(dim=1)
        targets[running] = path[:, -1]
        frames, running = after.last_frames[~done.numpy()], running[~done]
        frame_of = torch.arange(len(running))
        if not len(running):
            break
    return Rollouts(
        instruction=starts.instruction,
        decisions=tuple(decisions),
        success=(best > config.success_threshold).float(),
        finish_step=finish,
        max_reward=best,
    )


@torch.no_grad()
def _decide(
    policy: TrainablePolicy,
    frames: U8,
    frame_of: Tensor,
    running: Tensor,
    instruction: str,
    config: GRPOConfig,
    generator: torch.Generator,
    first_step: int,
) -> Decision:
    logits = policy.token_logits(frames, instruction)[frame_of]
    uniforms = draw_uniforms(
        len(running), policy.spec.chunk_steps, config.time_correlation, generator
    )
    classes = sample_classes(logits, uniforms, config.temperature)
    return Decision(
        frames=frames,
        frame_of=frame_of,
        rollout=running,
        classes=classes.cpu(),
        log_probs=log_probabilities(logits, classes, config.temperature).float().cpu(),
        first_step=first_step,
    )

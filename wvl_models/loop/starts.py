"""What the learning stages start from: pretrained weights, or nothing.

On the virtual rig, and at size `paper`, models start from pretrained weights. The tiny ones that
ship know the virtual cell alone (its mean image is part of the tokenizer, its words are all that
the prompter knows), so on a real rig the size `tiny` learns from nothing.
"""

from collections.abc import Sequence

import numpy as np
import torch

from wvl_models.contract.camera import View
from wvl_models.episodes.reels import Reel
from wvl_models.loop.circle import Circle
from wvl_models.policy.agent import PolicyAgent
from wvl_models.policy.checkpoint import load_policy
from wvl_models.policy.config import PolicyConfig
from wvl_models.policy.initialise import initialise_vision
from wvl_models.policy.model import OpenVLAOFT
from wvl_models.policy.prompt import Prompter
from wvl_models.policy.sft import action_ranges
from wvl_models.world_model.checkpoint import load_world_model
from wvl_models.world_model.config import WorldModelConfig
from wvl_models.world_model.linear_tokenizer import LinearTokenizer
from wvl_models.world_model.model import CosmosWorldModel

NUM_TOKENIZER_VIDEOS = 500

FRAMES_PER_REEL = 8
"""For the closed-form start of the vision towers."""

RATE_HZ = 10.0
"""Paper 4.1."""


def policy_to_fine_tune(circle: Circle, reels: Sequence[Reel]) -> PolicyAgent:
    """What SFT changes; on a real rig with the rig's view and its own action ranges, as
    OpenVLA-OFT takes them from the data set it is fine-tuned on.
    """
    if not circle.config.is_operated:
        return load_policy(circle.pretrained("policy"))
    if circle.config.size == "tiny":
        return fresh_policy(reels, [reel.instruction for reel in reels], circle.config.seed)
    agent = load_policy(circle.pretrained("policy"))
    agent.view = View(intrinsics=circle.scene.camera.intrinsics)
    agent.spec = action_ranges(reels, agent.spec.chunk_steps, RATE_HZ)
    return agent


def world_model_to_fine_tune(circle: Circle, reels: Sequence[Reel]) -> CosmosWorldModel:
    """What the world model's training changes; on a real rig it looks through the rig's camera."""
    if not circle.config.is_operated:
        return load_world_model(circle.pretrained("world_model"))
    if circle.config.size == "tiny":
        return fresh_world_model(reels, circle.config.seed)
    model = load_world_model(circle.pretrained("world_model"))
    model.camera = circle.scene.camera
    return model


def fresh_policy(reels: Sequence[Reel], instructions: Sequence[str], seed: int) -> PolicyAgent:
    """A tiny policy that has learnt nothing; `instructions` are all that it will know the words
    of.
    """
    size = PolicyConfig.tiny()
    torch.manual_seed(seed)
    spec = action_ranges(reels, size.chunk_steps, RATE_HZ)
    prompter = Prompter.for_instructions(instructions, size.language)
    view = View(intrinsics=reels[0].camera.intrinsics)
    agent = PolicyAgent(OpenVLAOFT(size), prompter, spec, view)
    step = max(1, len(reels[0].frames) // FRAMES_PER_REEL)
    initialise_vision(agent.network, np.concatenate([reel.frames[::step] for reel in reels]))
    return agent


def fresh_world_model(reels: Sequence[Reel], seed: int) -> CosmosWorldModel:
    """A tiny world model that has learnt nothing but its tokenizer, which is fitted."""
    size = WorldModelConfig.tiny()
    step = max(1, len(reels) // NUM_TOKENIZER_VIDEOS)
    videos = [_whole_groups(reel) for reel in reels[::step]]
    tokenizer = LinearTokenizer.fit(videos, size.dit.latent_channels)
    torch.manual_seed(seed)
    return CosmosWorldModel(size, tokenizer, reels[0].camera)


def _whole_groups(reel: Reel) -> np.ndarray:
    return reel.frames[: 1 + 4 * ((len(reel.frames) - 1) // 4)]

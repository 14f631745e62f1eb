"""The reward head as a judge of recorded episodes: it sees the real frames, nearly without noise.

Imagining an episode from its first frame and reading the rewards of that (`evaluation.alignment`)
judges the imagination, too. On 160 random episodes of 48 actions of a store that the shipped tiny
world model was not trained on (lift_cube, half by a policy, 43 % successes, seed 0): area under
the curve .980 on the real frames, .901 imagined; 92 % of outcomes right at a threshold of 0.5, 89 %
at the 0.9 that keeps false positives away from reinforcement learning.
"""

import numpy as np
import torch

from wvl_models.contract.camera import F32
from wvl_models.episodes.reels import Reel
from wvl_models.world_model.data import ClipSampler
from wvl_models.world_model.model import CosmosWorldModel

SCORE_THRESHOLD = 0.5
"""More likely a success state than not; for suggestions, where a person decides."""

_CLIP_BATCH = 8
"""Clips at a time: 20 s of an episode with chunks of 24 steps."""


def success_probabilities(model: CosmosWorldModel, reel: Reel) -> F32:
    """[T] in 0..1: is the state at each step a success state.

    Step 0, which no action leads to, takes the value of step 1.
    """
    clips = ClipSampler([reel], model)
    starts = list(range(0, len(reel.frames) - 1, model.chunk_steps))
    generator = torch.Generator().manual_seed(0)
    parts = []
    for first in range(0, len(starts), _CLIP_BATCH):
        chosen = starts[first : first + _CLIP_BATCH]
        batch = clips.batch([reel] * len(chosen), chosen).to(model.device)
        parts.append(model.score(batch, model.draw_noise(len(chosen), generator)).numpy())
    scores = np.concatenate(parts).reshape(-1)[: len(reel.frames) - 1]
    return np.clip(np.concatenate([scores[:1], scores]), 0.0, 1.0).astype(np.float32)

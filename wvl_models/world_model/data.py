"""Training clips of the world model: windows of reels, tokenized on the fly."""

from collections.abc import Sequence

import numpy as np
import torch

from wvl_models.contract.errors import DataError
from wvl_models.episodes.reels import Reel
from wvl_models.world_model.conditioning import Conditioning, condition
from wvl_models.world_model.model import ClipBatch, CosmosWorldModel

ALIGNED_SHARE = 0.7
"""Share of clips that begin where a chunk of a rollout begins; the rest begin anywhere
(facts/toy_loop.md section 2: 35 % + 35 % + 30 % for two chunks)."""


class ClipSampler:
    """Draws batches of clips from reels that stay in memory."""

    def __init__(self, reels: Sequence[Reel], model: CosmosWorldModel) -> None:
        if not reels:
            raise DataError("the world model needs at least one episode to train on.")
        size = model.tokenizer.image_size
        for reel in reels:
            if reel.frames.shape[1:3] != size:
                raise DataError(
                    f"episode {reel.episode_id} has frames of {reel.frames.shape[1:3]}, the "
                    f"tokenizer was made for {size}."
                )
        self._reels, self._model = reels, model

    def draw(self, batch_size: int, rng: np.random.Generator) -> ClipBatch:
        """A batch of clips; an episode that ends inside a clip repeats its last observation."""
        chosen = [self._reels[i] for i in rng.integers(0, len(self._reels), batch_size)]
        return self.batch(chosen, [self._start(reel, rng) for reel in chosen])

    def batch(self, reels: Sequence[Reel], starts: Sequence[int]) -> ClipBatch:
        """The clips that begin at `starts`."""
        steps = self._model.config.chunk_steps
        rows = [
            np.minimum(s + np.arange(steps + 1), len(r.frames) - 1)
            for r, s in zip(reels, starts, strict=True)
        ]
        videos = torch.from_numpy(np.stack([r.frames[k] for r, k in zip(reels, rows, strict=True)]))
        action = self._model.config.action
        parts = [
            condition(r.targets[None, k[1:]], action, r.camera)
            for r, k in zip(reels, rows, strict=True)
        ]
        rewards = np.stack([r.rewards[k[1:]] for r, k in zip(reels, rows, strict=True)])
        tokenizer = self._model.tokenizer
        return ClipBatch(
            latents=tokenizer.encode(videos),
            still=tokenizer.still(videos[:, 0], self._model.config.num_latents),
            condition=Conditioning.cat(parts),
            rewards=torch.from_numpy(rewards.astype(np.float32)),
        )

    def _start(self, reel: Reel, rng: np.random.Generator) -> int:
        steps = self._model.config.chunk_steps
        last = max(len(reel.frames) - 1 - steps, 0)
        if rng.uniform() < ALIGNED_SHARE:
            return int(steps * rng.integers(0, last // steps + 1))
        return int(rng.integers(0, last + 1))

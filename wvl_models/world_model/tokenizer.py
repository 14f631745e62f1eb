"""The video tokenizer as a port: pixels to latents [C, 1 + T/4, H', W'] and back.

Latent 0 codes the first frame alone, every later latent four frames: the layout of the Wan 2.1
VAE that Cosmos-Predict2 uses. Two adapters: `wan_tokenizer` (paper size) and
`linear_tokenizer` (tiny), because the Wan class is far too slow on two cores at any width
(facts/platform.md).
"""

from pathlib import Path
from typing import Protocol

from torch import Tensor

TEMPORAL_FACTOR = 4
SPATIAL_FACTOR = 8


class VideoTokenizer(Protocol):
    """Deterministic in both directions; float32 latents of about unit variance."""

    @property
    def latent_channels(self) -> int:
        """C."""
        ...

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) of the frames it was made for."""
        ...

    def encode(self, video: Tensor) -> Tensor:
        """uint8 [B, 1 + 4n, H, W, 3] to latents [B, C, 1 + n, H/8, W/8]."""
        ...

    def decode(self, latents: Tensor) -> Tensor:
        """Latents [B, C, 1 + n, H/8, W/8] to uint8 [B, 1 + 4n, H, W, 3]."""
        ...

    def decode_last(self, latents: Tensor) -> Tensor:
        """The last frame alone, uint8 [B, H, W, 3]: all that the next chunk needs."""
        ...

    def still(self, frame: Tensor, num_latents: int) -> Tensor:
        """Latents [B, C, num_latents, H/8, W/8] of a video in which `frame` [B, H, W, 3] lasts."""
        ...

    def save(self, folder: Path) -> None:
        """Write into a checkpoint's folder."""
        ...

"""The Wan 2.1 VAE as a video tokenizer, through diffusers (paper size).

latent = (posterior mean - mean_c) / std_c, deterministic (facts/world_model.md 1.4). The causal
encoder makes the first latent of a clip independent of what follows.
"""

from pathlib import Path

import torch
from diffusers import AutoencoderKLWan
from torch import Tensor

from wvl_models.contract.errors import CheckpointError, DataError
from wvl_models.world_model.tokenizer import SPATIAL_FACTOR, TEMPORAL_FACTOR

FOLDER = "vae"


class WanTokenizer:
    """Wraps `AutoencoderKLWan`; frames of one size."""

    def __init__(self, vae: AutoencoderKLWan, image_size: tuple[int, int]) -> None:
        if any(side % (2 * SPATIAL_FACTOR) for side in image_size):
            raise DataError(f"image size {image_size} must be a multiple of {2 * SPATIAL_FACTOR}.")
        self._vae, self._size = vae.eval().requires_grad_(False), image_size
        shape = (1, -1, 1, 1, 1)
        self._mean = torch.tensor(vae.config.latents_mean).view(shape)
        self._std = torch.tensor(vae.config.latents_std).view(shape)

    @property
    def latent_channels(self) -> int:
        """C."""
        return int(self._vae.config.z_dim)

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width)."""
        return self._size

    @torch.no_grad()
    def encode(self, video: Tensor) -> Tensor:
        """uint8 [B, 1 + 4n, H, W, 3] to latents [B, C, 1 + n, H/8, W/8]."""
        if tuple(video.shape[2:4]) != self._size or (video.shape[1] - 1) % TEMPORAL_FACTOR:
            raise DataError(
                f"this tokenizer takes videos of 1 + 4n frames of {self._size}, "
                f"got {tuple(video.shape)}."
            )
        parameter = next(self._vae.parameters())
        pixels = video.permute(0, 4, 1, 2, 3).to(parameter) / 127.5 - 1.0
        latents = self._vae.encode(pixels).latent_dist.mode().float()
        return (latents - self._mean.to(latents)) / self._std.to(latents)

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """Latents [B, C, 1 + n, H', W'] to uint8 [B, 1 + 4n, H, W, 3]."""
        parameter = next(self._vae.parameters())
        scaled = latents.to(parameter.device) * self._std.to(latents) + self._mean.to(latents)
        pixels = self._vae.decode(scaled.to(parameter.dtype)).sample.float()
        video = ((pixels + 1.0) * 127.5).round().clamp(0, 255).to(torch.uint8)
        return video.permute(0, 2, 3, 4, 1).cpu()

    def decode_last(self, latents: Tensor) -> Tensor:
        """The last frame alone; the decoder is causal, so it must see all latents."""
        return self.decode(latents)[:, -1]

    def still(self, frame: Tensor, num_latents: int) -> Tensor:
        """Latents [B, C, num_latents, H', W'] of a video in which `frame` lasts."""
        num_frames = 1 + TEMPORAL_FACTOR * (num_latents - 1)
        return self.encode(frame[:, None].expand(-1, num_frames, -1, -1, -1))

    def save(self, folder: Path) -> None:
        """Write `vae/` in diffusers' layout, and the image size beside it."""
        self._vae.register_to_config(wvl_image_size=list(self._size))
        self._vae.save_pretrained(folder / FOLDER, safe_serialization=True)

    @classmethod
    def load(cls, folder: Path) -> "WanTokenizer":
        """Read what `save` wrote; raises CheckpointError."""
        try:
            vae = AutoencoderKLWan.from_pretrained(
                folder / FOLDER, use_safetensors=True, local_files_only=True
            )
            height, width = vae.config.wvl_image_size
        except (OSError, ValueError, AttributeError) as error:
            reason = str(error).partition("\n")[0]
            raise CheckpointError(
                f"{folder / FOLDER} is not a Wan VAE of ours: {reason}."
            ) from error
        return cls(vae, (int(height), int(width)))

"""Image augmentation for SFT, on images [B, 3, S, S] in [0, 1] after `preprocess`.

OpenVLA-OFT's list (facts/policy_rl.md 1.7) without hue; `noise` is ours and stands in for the
blur and ghosts of imagined frames.
"""

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from wvl_models.contract.config import Config


class AugmentConfig(Config):
    """Half-widths of uniform draws, one draw per image."""

    crop_area: float | None = Field(default=0.9, gt=0, le=1)
    """Area of a random crop; must match `PolicyConfig.centre_crop`. None for no crop."""
    brightness: float = 0.2
    contrast: float = 0.2
    saturation: float = 0.2
    noise: float = 0.0


def augment(images: Tensor, config: AugmentConfig, generator: torch.Generator) -> Tensor:
    """A randomly altered copy."""
    batch = len(images)

    def draw(half: float) -> Tensor:
        return half * (2 * torch.rand(batch, 1, 1, 1, generator=generator) - 1)

    if config.crop_area is not None:
        images = _random_crop(images, config.crop_area, generator)
    images = images + draw(config.brightness)
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    images = mean + (1 + draw(config.contrast)) * (images - mean)
    grey = images.mean(dim=1, keepdim=True)
    images = grey + (1 + draw(config.saturation)) * (images - grey)
    if config.noise:
        images = images + config.noise * torch.randn(images.shape, generator=generator)
    return images.clamp(0, 1)


def _random_crop(images: Tensor, area: float, generator: torch.Generator) -> Tensor:
    side = area**0.5
    shift = (1 - side) * (2 * torch.rand(len(images), 2, generator=generator) - 1)
    theta = torch.zeros(len(images), 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = side
    theta[:, :, 2] = shift
    grid = functional.affine_grid(theta, list(images.shape), align_corners=True)
    return functional.grid_sample(images, grid, mode="bilinear", align_corners=True)

"""Frames to network input: the same function in SFT, in imagination and on the arm.

Order and arithmetic of OpenVLA-OFT's inference path (facts/policy_rl.md 1.7): JPEG round trip,
Lanczos resize with antialiasing, centre crop with a bilinear resize back, each rounded to uint8.
Normalisation by mean and deviation happens inside each tower, because the two differ.
"""

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from wvl_models.contract.camera import resample
from wvl_models.contract.errors import DataError
from wvl_models.contract.observation import U8
from wvl_models.policy.config import PolicyConfig

JPEG_QUALITY = 95
"""TensorFlow's `encode_jpeg` default."""


def to_images(frames: U8, config: PolicyConfig) -> Tensor:
    """Frames uint8 [B, H, W, 3] to images float32 [B, 3, S, S] in [0, 1]."""
    if frames.ndim != 4 or frames.dtype != np.uint8 or frames.shape[3] != 3:
        raise DataError(f"frames must be uint8 [B, H, W, 3], got {frames.dtype} {frames.shape}.")
    if config.jpeg_round_trip:
        frames = np.stack([_jpeg(frame) for frame in frames])
    size = config.image_size
    if frames.shape[1:3] != (size, size):
        height, width = frames.shape[1:3]
        frames = resample(frames, (0, width), (0, height), (size, size), kernel="lanczos3")
    images = torch.from_numpy(frames).permute(0, 3, 1, 2).float()
    if config.centre_crop is not None:
        images = centre_crop(images, config.centre_crop).round().clamp(0, 255)
    return images / 255.0


def centre_crop(images: Tensor, area: float) -> Tensor:
    """Keep the central `area` and resize back, TensorFlow's `crop_and_resize` semantics."""
    size = images.shape[-1]
    side = area**0.5
    grid = torch.linspace(-side, side, size, device=images.device)
    rows, columns = torch.meshgrid(grid, grid, indexing="ij")
    field = torch.stack([columns, rows], dim=-1).expand(len(images), -1, -1, -1)
    return functional.grid_sample(images, field, mode="bilinear", align_corners=True)


def _jpeg(frame: U8) -> U8:
    done, data = cv2.imencode(
        ".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    )
    assert done, "OpenCV could not encode a JPEG"
    return cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)

"""How actions reach the DiT: embedded target poses, and (ours) the gripper seen from each token.

The paper (3.2): "an action embedder MLP maps each input pose into a latent tensor ... adding them
directly to the diffusion timestamp embeddings". NVIDIA's newer chunk network groups the actions
of one latent frame; we follow it, with absolute target poses (facts/world_model.md 2.2, option B).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from wvl_models.contract import rotation
from wvl_models.contract.camera import CameraCalibration
from wvl_models.contract.errors import DataError
from wvl_models.contract.rotation import F64
from wvl_models.world_model.config import ActionConfig, PoseEncoding

POSITION_SCALE_M = 0.25
POSITION_CENTRE_M = np.array([0.45, 0.0, 0.15])
"""Workspace of a table-top Franka, mapped to about [-1, 1]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Conditioning:
    """What the world model is told about the actions of a chunk."""

    poses: Tensor
    """float32 [B, K, 7 or 10] encoded target poses."""
    pixels: Tensor | None
    """float32 [B, K, 2, 2]: gripper point and its foot on the table, in units of the view
    (0..1 left to right, 0..1 top to bottom); None without spatial conditioning."""

    def to(self, device: torch.device | str) -> "Conditioning":
        """The same on another device."""
        pixels = None if self.pixels is None else self.pixels.to(device)
        return Conditioning(poses=self.poses.to(device), pixels=pixels)

    @classmethod
    def cat(cls, parts: Sequence["Conditioning"]) -> "Conditioning":
        """One batch of several."""
        pixels = [part.pixels for part in parts if part.pixels is not None]
        return cls(
            poses=torch.cat([part.poses for part in parts]),
            pixels=torch.cat(pixels) if pixels else None,
        )


def condition(targets: F64, config: ActionConfig, camera: CameraCalibration) -> Conditioning:
    """Conditioning of absolute targets [B, K, 8] (`ActionSpec.integrate`) seen by a camera.

    `camera` is the view as a camera (`View.of`): its image is what the tokenizer sees.
    """
    if targets.ndim != 3 or targets.shape[-1] != 8:
        raise DataError(f"targets must be [B, K, 8], got {targets.shape}.")
    pixels = None
    if config.spatial:
        points = np.stack([targets[..., :3], targets[..., :3] * [1.0, 1.0, 0.0]], axis=-2)
        size = np.array([camera.intrinsics.width, camera.intrinsics.height], dtype=np.float64)
        seen = camera.project(points) / size
        pixels = torch.from_numpy(np.nan_to_num(seen).astype(np.float32))
    return Conditioning(
        poses=torch.from_numpy(encode_poses(targets, config.encoding)), pixels=pixels
    )


def encode_poses(targets: F64, encoding: PoseEncoding) -> np.ndarray:
    """float32 [..., 7 or 10] of targets [..., 8]; gripper as -1 closed, +1 open."""
    position = (targets[..., :3] - POSITION_CENTRE_M) / POSITION_SCALE_M
    gripper = 2.0 * targets[..., 7:] - 1.0
    if encoding is PoseEncoding.ROTVEC:
        turn = rotation.to_rotvec(targets[..., 3:7]) / np.pi
    else:
        matrix = rotation.to_matrix(targets[..., 3:7])
        turn = np.concatenate([matrix[..., :, 0], matrix[..., :, 1]], axis=-1)
    return np.concatenate([position, turn, gripper], axis=-1).astype(np.float32)


class ActionMLP(nn.Module):
    """Two biased linears with a tanh-GELU: NVIDIA's `action_embedder_*` (facts 1.7)."""

    def __init__(self, width_in: int, hidden: int, width_out: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width_in, hidden)
        self.fc2 = nn.Linear(hidden, width_out)

    def forward(self, x: Tensor) -> Tensor:
        """[..., in] to [..., out]."""
        return self.fc2(functional.gelu(self.fc1(x), approximate="tanh"))


class GripperOffset(nn.Module):
    """Ours: for every token, where gripper and its foot lie relative to the token's centre.

    Sines and cosines of the offsets of each step of the latent frame; the last layer starts at
    zero, so that a loaded checkpoint is not disturbed at the start of fine-tuning.
    """

    def __init__(self, config: ActionConfig, width: int) -> None:
        super().__init__()
        self.frequencies = config.spatial_frequencies
        features = config.group * 2 * 2 * (1 + 2 * config.spatial_frequencies)
        self.proj = nn.Linear(features, width)
        nn.init.zeros_(self.proj.weight)
        nn.init.zeros_(self.proj.bias)

    def forward(self, pixels_BTgp2: Tensor, grid_HW: tuple[int, int]) -> Tensor:
        """[B, T, group, points, 2] to [B, T, H*W, D]."""
        height, width = grid_HW
        device = pixels_BTgp2.device
        rows = (torch.arange(height, device=device) + 0.5) / height
        columns = (torch.arange(width, device=device) + 0.5) / width
        centres = torch.stack(torch.meshgrid(rows, columns, indexing="ij")[::-1], dim=-1)
        offset = pixels_BTgp2.flatten(2, 3)[:, :, None] - centres.flatten(0, 1)[:, None]
        scale = torch.pi * 2.0 ** torch.arange(self.frequencies, device=device)
        angle = offset[..., None] * scale
        features = torch.cat([offset[..., None], angle.sin(), angle.cos()], dim=-1)
        return self.proj(features.flatten(3).to(self.proj.weight.dtype))

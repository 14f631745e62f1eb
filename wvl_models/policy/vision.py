"""The two vision towers and the projector, with the parameter names of OpenVLA's checkpoints.

DINOv2 first, SigLIP second, in channels and in features; features are the output of block
depth - 2 without the final norm, class and register tokens dropped (facts/policy_rl.md 1.1:
some comments in the original say otherwise; the conversion script is the proof).
Shape legend: B batch, S patches, D tower width.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from wvl_models.policy.config import PolicyConfig, TowerConfig


class Attention(nn.Module):
    """timm's fused-qkv attention."""

    def __init__(self, width: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x_BSD: Tensor) -> Tensor:
        """[B, S, D] to [B, S, D]."""
        q, k, v = self.qkv(x_BSD).unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        return self.proj(
            functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        )


class Mlp(nn.Module):
    """timm's MLP with an exact GELU."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """[..., D] to [..., D]."""
        return self.fc2(functional.gelu(self.fc1(x)))


class LayerScale(nn.Module):
    """Per-channel gain; OpenVLA's files call timm's `gamma` `scale_factor`."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale_factor = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """Scale the last dimension."""
        return x * self.scale_factor


class VisionBlock(nn.Module):
    """Pre-norm transformer block."""

    def __init__(self, config: TowerConfig) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(config.width, eps=1e-6)
        self.attn = Attention(config.width, config.num_heads)
        self.norm2 = nn.LayerNorm(config.width, eps=1e-6)
        self.mlp = Mlp(config.width, config.mlp_width)
        if config.has_layer_scale:
            self.ls1, self.ls2 = LayerScale(config.width), LayerScale(config.width)
        else:
            self.ls1, self.ls2 = nn.Identity(), nn.Identity()

    def forward(self, x_BSD: Tensor) -> Tensor:
        """[B, S, D] to [B, S, D]."""
        x_BSD = x_BSD + self.ls1(self.attn(self.norm1(x_BSD)))
        return x_BSD + self.ls2(self.mlp(self.norm2(x_BSD)))


class PatchProjection(nn.Module):
    """timm's `patch_embed`: a strided convolution."""

    def __init__(self, patch_size: int, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, patch_size, patch_size)

    def forward(self, pixels: Tensor) -> Tensor:
        """[B, 3, H, W] to [B, S, D]."""
        return self.proj(pixels).flatten(2).transpose(1, 2)


class Tower(nn.Module):
    """One ViT up to block depth - 2; the unused tail of a checkpoint is not built."""

    def __init__(self, config: TowerConfig, patch_size: int, num_patches: int) -> None:
        super().__init__()
        self.patch_embed = PatchProjection(patch_size, config.width)
        self.pos_embed = nn.Parameter(
            config.position_std * torch.randn(1, num_patches, config.width)
        )
        self.num_prefix = 0
        if config.has_class_token:
            self.cls_token = nn.Parameter(0.02 * torch.randn(1, 1, config.width))
            self.num_prefix += 1
        if config.num_registers:
            self.reg_token = nn.Parameter(0.02 * torch.randn(1, config.num_registers, config.width))
            self.num_prefix += config.num_registers
        self.blocks = nn.ModuleList(VisionBlock(config) for _ in range(config.depth - 1))
        self.register_buffer("mean", torch.tensor(config.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(config.std).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Images [B, 3, H, W] in [0, 1] to patch features [B, S, D]."""
        x = self.patch_embed((images - self.mean) / self.std) + self.pos_embed
        prefix = [
            getattr(self, name).expand(len(x), -1, -1)
            for name in ("cls_token", "reg_token")
            if hasattr(self, name)
        ]
        x = torch.cat([*prefix, x], dim=1)
        for block in self.blocks:
            x = block(x)
        return x[:, self.num_prefix :]


class VisionBackbone(nn.Module):
    """Both towers side by side; features concatenated, DINOv2 first."""

    def __init__(self, config: PolicyConfig) -> None:
        super().__init__()
        args = (config.patch_size, config.num_patches)
        self.featurizer = Tower(config.dino, *args)
        self.fused_featurizer = Tower(config.siglip, *args)

    def forward(self, images: Tensor) -> Tensor:
        """Images [B, 3, H, W] in [0, 1] to [B, S, D_dino + D_siglip]."""
        return torch.cat([self.featurizer(images), self.fused_featurizer(images)], dim=-1)


class Projector(nn.Module):
    """Vision features to the language model's width: three linears with GELU between."""

    def __init__(self, width_in: int, hidden: int, width_out: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width_in, hidden)
        self.fc2 = nn.Linear(hidden, width_out)
        self.fc3 = nn.Linear(width_out, width_out)
        for layer, gain in ((self.fc1, 1.0), (self.fc2, 1.6), (self.fc3, 1.6)):
            # PyTorch's default shrinks by sqrt(3) and adds biases of the same size: after three
            # layers an image is 2 % of its own embedding (measured), and nothing is learned.
            nn.init.normal_(layer.weight, std=gain * layer.in_features**-0.5)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """[B, S, in] to [B, S, out]."""
        return self.fc3(functional.gelu(self.fc2(functional.gelu(self.fc1(x)))))

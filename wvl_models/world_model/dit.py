"""The diffusion transformer over video latents, conditioned on actions, with features for reward.

Parameter names are NVIDIA's (facts/world_model.md 1.9); `reward_head`, `gripper_offset` and
`still_embedder` are ours. Shape legend in `layers`.
"""

from functools import lru_cache

import torch
from torch import Tensor, nn

from wvl_models.world_model.conditioning import ActionMLP, Conditioning, GripperOffset
from wvl_models.world_model.config import WorldModelConfig
from wvl_models.world_model.layers import (
    Block,
    RMSNorm,
    TimestepEmbedding,
    adaln,
    modulation,
    norm,
    rope_table,
)

_rope = lru_cache(maxsize=16)(rope_table)


class PatchEmbed(nn.Module):
    """Tokens of 1 x p x p latent cells, channel-major inside a patch (c, t, h, w)."""

    def __init__(self, channels: int, patch: int, width: int) -> None:
        super().__init__()
        self.patch = patch
        self.proj = nn.Sequential(
            nn.Identity(), nn.Linear(channels * patch * patch, width, bias=False)
        )

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """[B, C, T, H*p, W*p] to [B, T, H*W, D]."""
        return self.proj(fold(x_BCTHW, self.patch))


class FinalLayer(nn.Module):
    """Modulated norm and the projection back to latent patches."""

    def __init__(self, width: int, rank: int, patch_width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, patch_width, bias=False)
        self.adaln_modulation = adaln(width, rank, 2)

    def forward(self, x_BTSD: Tensor, emb_BTD: Tensor, lora_BT3D: Tensor) -> Tensor:
        """[B, T, S, D] to [B, T, S, p*p*C]."""
        shift, scale = modulation(self.adaln_modulation, emb_BTD, lora_BT3D)
        return self.linear(norm(x_BTSD, shift, scale))


class RewardHead(nn.Module):
    """Per latent frame, one reward for each of its steps, pooled over tokens by attention.

    Mean pooling would dilute the few tokens that show the contact (facts/world_model.md 2.4).
    """

    def __init__(self, width: int, hidden: int, group: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.score = nn.Linear(width, group)
        self.value = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, group))

    def forward(self, x_BTSD: Tensor) -> Tensor:
        """[B, T, S, D] to rewards [B, T * group]."""
        x = self.norm(x_BTSD)
        weights = self.score(x).softmax(dim=2)
        return (weights * self.value(x)).sum(dim=2).flatten(1)


class CosmosDiT(nn.Module):
    """See the module docstring. One forward pass; noise and losses are in `diffusion`."""

    def __init__(self, config: WorldModelConfig) -> None:
        super().__init__()
        dit, action = config.dit, config.action
        self.config = config
        extra = 2  # condition mask and padding mask, as NVIDIA's input has them
        self.x_embedder = PatchEmbed(dit.latent_channels + extra, dit.patch, dit.width)
        self.t_embedder = nn.Sequential(nn.Identity(), TimestepEmbedding(dit.width))
        self.t_embedding_norm = RMSNorm(dit.width)
        self.blocks = nn.ModuleList(
            Block(dit.width, dit.num_heads, dit.mlp_ratio, dit.adaln_rank)
            for _ in range(dit.num_blocks)
        )
        self.final_layer = FinalLayer(
            dit.width, dit.adaln_rank, dit.patch * dit.patch * dit.latent_channels
        )
        poses = action.group * action.encoding.width
        self.action_embedder_B_D = ActionMLP(poses, action.hidden, dit.width)
        self.action_embedder_B_3D = ActionMLP(poses, action.hidden, 3 * dit.width)
        self.reward_head = RewardHead(dit.width, config.reward.hidden, action.group)
        self.gripper_offset = GripperOffset(action, dit.width) if action.spatial else None
        self.still_embedder = None
        if config.still_residual:
            self.still_embedder = PatchEmbed(dit.latent_channels, dit.patch, dit.width)
        self._init_weights()

    def forward(
        self,
        x_BCTHW: Tensor,
        t_BT: Tensor,
        is_context_T: Tensor,
        condition: Conditioning,
        still_BCTHW: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        """Output latents [B, C, T, H, W] and rewards [B, K].

        `t_BT` is sigma / (1 + sigma) per latent frame; `is_context_T` marks clean frames.
        """
        x, grid = self._embed(x_BCTHW, is_context_T, condition, still_BCTHW)
        emb, lora = self._modulation(t_BT, is_context_T, condition)
        cos, sin = _rope(
            grid,
            self.config.dit.width // self.config.dit.num_heads,
            self.config.dit.rope_ratio_hw,
            self.config.dit.rope_ratio_t,
        )
        rope = (cos.to(x.device, x.dtype), sin.to(x.device, x.dtype))
        for block in self.blocks:
            x = block(x, emb, lora, rope)
        latents = unfold(self.final_layer(x, emb, lora), self.config.dit.patch, grid)
        return latents, self.reward_head(x[:, 1:])

    def _embed(
        self,
        x_BCTHW: Tensor,
        is_context_T: Tensor,
        condition: Conditioning,
        still_BCTHW: Tensor | None,
    ) -> tuple[Tensor, tuple[int, int, int]]:
        batch, _, time, height, width = x_BCTHW.shape
        mask = is_context_T.to(x_BCTHW).view(1, 1, time, 1, 1).expand(batch, 1, time, height, width)
        tokens = self.x_embedder(torch.cat([x_BCTHW, mask, torch.zeros_like(mask)], dim=1))
        patch = self.config.dit.patch
        grid = (time, height // patch, width // patch)
        if self.still_embedder is not None:
            assert still_BCTHW is not None
            tokens = tokens + self.still_embedder(still_BCTHW)
        if self.gripper_offset is not None:
            assert condition.pixels is not None
            seen = condition.pixels.unflatten(1, (time - 1, self.config.action.group))
            offset = self.gripper_offset(seen, grid[1:])
            tokens = torch.cat([tokens[:, :1], tokens[:, 1:] + offset], dim=1)
        return tokens, grid

    def _modulation(
        self, t_BT: Tensor, is_context_T: Tensor, condition: Conditioning
    ) -> tuple[Tensor, Tensor]:
        sinusoid, lora = self.t_embedder(t_BT)
        grouped = condition.poses.unflatten(1, (-1, self.config.action.group)).flatten(2)
        grouped = grouped.to(sinusoid.dtype)
        first = sinusoid.new_zeros(len(grouped), 1, 1)
        embed = torch.cat(
            [first.expand(-1, -1, sinusoid.shape[-1]), self.action_embedder_B_D(grouped)], 1
        )
        shared = torch.cat(
            [first.expand(-1, -1, lora.shape[-1]), self.action_embedder_B_3D(grouped)], 1
        )
        free = (~is_context_T).to(sinusoid.dtype)[None, :, None]
        return self.t_embedding_norm(sinusoid + free * embed), lora + free * shared

    def _init_weights(self) -> None:
        """Adaptive norms and the output start at zero (DiT's adaLN-zero)."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(
                    module.weight,
                    std=0.02 if module.in_features > 512 else module.in_features**-0.5 * 0.5,
                )
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        for block in self.blocks:
            nn.init.zeros_(block.adaln_modulation_self_attn[2].weight)
            nn.init.zeros_(block.adaln_modulation_mlp[2].weight)
        nn.init.zeros_(self.final_layer.linear.weight)
        if self.gripper_offset is not None:
            nn.init.zeros_(self.gripper_offset.proj.weight)


def fold(x_BCTHW: Tensor, patch: int) -> Tensor:
    """[B, C, T, H*p, W*p] to [B, T, H*W, C*p*p]."""
    batch, channels, time, height, width = x_BCTHW.shape
    grid = x_BCTHW.view(batch, channels, time, height // patch, patch, width // patch, patch)
    return grid.permute(0, 2, 3, 5, 1, 4, 6).reshape(
        batch, time, (height // patch) * (width // patch), channels * patch * patch
    )


def unfold(x_BTSP: Tensor, patch: int, grid_THW: tuple[int, int, int]) -> Tensor:
    """[B, T, H*W, p*p*C] to [B, C, T, H*p, W*p]; channels last inside a patch, as NVIDIA."""
    _, height, width = grid_THW
    grid = x_BTSP.unflatten(2, (height, width)).unflatten(4, (patch, patch, -1))
    return grid.permute(0, 6, 1, 2, 4, 3, 5).flatten(5, 6).flatten(3, 4)

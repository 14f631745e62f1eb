"""Building blocks of the DiT with NVIDIA's parameter names, so that its checkpoint loads as is.

Read against nvidia-cosmos/cosmos-predict2 @661da47 (models/text2image_dit.py); the architecture
is summarised in facts/world_model.md 1.1. Shape legend: B batch, T latent frames, H and W token
grid, N = T*H*W tokens, D width, h heads, d head width.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

ROPE_BASE = 10000.0


class RMSNorm(nn.Module):
    """Root-mean-square norm with a gain, eps 1e-6."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise over the last dimension."""
        return functional.rms_norm(x, self.weight.shape, self.weight, 1e-6)


class SelfAttention(nn.Module):
    """Attention over all tokens of a clip, both ways; q and k are normalised per head."""

    def __init__(self, width: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        for name in ("q_proj", "k_proj", "v_proj", "output_proj"):
            setattr(self, name, nn.Linear(width, width, bias=False))
        self.q_norm = RMSNorm(width // num_heads)
        self.k_norm = RMSNorm(width // num_heads)

    def forward(self, x_BND: Tensor, rope: tuple[Tensor, Tensor]) -> Tensor:
        """[B, N, D] to [B, N, D]."""
        q, k, v = (
            proj(x_BND).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
            for proj in (self.q_proj, self.k_proj, self.v_proj)
        )
        q, k = rotate(self.q_norm(q), rope), rotate(self.k_norm(k), rope)
        out = functional.scaled_dot_product_attention(q, k, v)
        return self.output_proj(out.transpose(1, 2).flatten(2))


class MLP(nn.Module):
    """Two linear layers with an exact GELU, no bias."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.layer1 = nn.Linear(width, hidden, bias=False)
        self.layer2 = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """[..., D] to [..., D]."""
        return self.layer2(functional.gelu(self.layer1(x)))


def adaln(width: int, rank: int, num_parts: int) -> nn.Sequential:
    """SiLU, then two linears: the low-rank modulation; indices 1 and 2 carry the weights."""
    return nn.Sequential(
        nn.SiLU(),
        nn.Linear(width, rank, bias=False),
        nn.Linear(rank, num_parts * width, bias=False),
    )


class Block(nn.Module):
    """Self-attention and MLP, each `x += gate * f(LN(x) * (1 + scale) + shift)`.

    Cross-attention to text is left out: the action-conditioned checkpoint feeds zeros, its
    projections have no bias, so the sublayer adds exactly zero (facts/world_model.md 1.2).
    """

    def __init__(self, width: int, num_heads: int, mlp_ratio: int, rank: int) -> None:
        super().__init__()
        self.self_attn = SelfAttention(width, num_heads)
        self.mlp = MLP(width, mlp_ratio * width)
        self.adaln_modulation_self_attn = adaln(width, rank, 3)
        self.adaln_modulation_mlp = adaln(width, rank, 3)

    def forward(
        self, x_BTSD: Tensor, emb_BTD: Tensor, lora_BT3D: Tensor, rope: tuple[Tensor, Tensor]
    ) -> Tensor:
        """[B, T, H*W, D] to the same; modulation is per latent frame."""
        shift, scale, gate = modulation(self.adaln_modulation_self_attn, emb_BTD, lora_BT3D)
        flat = norm(x_BTSD, shift, scale).flatten(1, 2)
        x_BTSD = x_BTSD + gate * self.self_attn(flat, rope).view_as(x_BTSD)
        shift, scale, gate = modulation(self.adaln_modulation_mlp, emb_BTD, lora_BT3D)
        return x_BTSD + gate * self.mlp(norm(x_BTSD, shift, scale))


def modulation(layer: nn.Module, emb_BTD: Tensor, lora_BT3D: Tensor) -> list[Tensor]:
    """The layer's parts plus the shared term, each [B, T, 1, D]."""
    out = layer(emb_BTD)
    out = out + lora_BT3D[..., : out.shape[-1]]
    return [part.unsqueeze(2) for part in out.chunk(out.shape[-1] // emb_BTD.shape[-1], dim=-1)]


def norm(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """LayerNorm without affine (eps 1e-6), then scale and shift."""
    return functional.layer_norm(x, x.shape[-1:], eps=1e-6) * (1 + scale) + shift


def rotate(x_BhNd: Tensor, rope: tuple[Tensor, Tensor]) -> Tensor:
    """Rotary embedding with halves paired (order [t, h, w] twice)."""
    cos, sin = rope
    first, second = x_BhNd.chunk(2, dim=-1)
    return x_BhNd * cos + torch.cat([-second, first], dim=-1) * sin


def rope_table(
    grid_THW: tuple[int, int, int], head_width: int, ratio_hw: float, ratio_t: float
) -> tuple[Tensor, Tensor]:
    """cos and sin [N, d] for integer latent positions; no fps modulation."""
    width_hw = head_width // 6 * 2
    widths = (head_width - 2 * width_hw, width_hw, width_hw)
    angles = []
    for axis, (size, width) in enumerate(zip(grid_THW, widths, strict=True)):
        ratio = ratio_t if axis == 0 else ratio_hw
        theta = ROPE_BASE * ratio ** (width / (width - 2))
        frequency = theta ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
        along = torch.outer(torch.arange(size, dtype=torch.float64), frequency)
        shape = [1, 1, 1, width // 2]
        shape[axis] = size
        angles.append(along.view(shape).expand(*grid_THW, width // 2))
    table = torch.cat(angles, dim=-1).flatten(0, 2)
    table = torch.cat([table, table], dim=-1).float()
    return table.cos(), table.sin()


class TimestepEmbedding(nn.Module):
    """t in [0, 1], unscaled, to a sinusoid and to the shared modulation term."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.linear_1 = nn.Linear(width, width, bias=False)
        self.linear_2 = nn.Linear(width, 3 * width, bias=False)

    def forward(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """[...] to sinusoid [..., D] and modulation [..., 3D]."""
        half = self.width // 2
        frequency = torch.exp(
            -torch.log(torch.tensor(ROPE_BASE)) * torch.arange(half, device=t.device) / half
        )
        angle = t[..., None].float() * frequency
        sinusoid = torch.cat([angle.cos(), angle.sin()], dim=-1)
        sinusoid = sinusoid.to(self.linear_1.weight.dtype)
        return sinusoid, self.linear_2(functional.silu(self.linear_1(sinusoid)))

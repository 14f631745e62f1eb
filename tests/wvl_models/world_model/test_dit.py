"""The DiT against diffusers' CosmosTransformer3DModel on the same weights, and our additions."""

import re

import numpy as np
import pytest
import torch
from diffusers import CosmosTransformer3DModel
from torch import Tensor, nn

from tests.learning import example_camera, example_targets, shake, small_world_config
from wvl_models.world_model.conditioning import Conditioning, condition
from wvl_models.world_model.config import (
    ActionConfig,
    DiTConfig,
    Prediction,
    WorldModelConfig,
)
from wvl_models.world_model.dit import CosmosDiT, fold, unfold
from wvl_models.world_model.layers import rope_table

CHANNELS, HEIGHT, WIDTH = 12, 4, 6

PLAIN = small_world_config(
    action=ActionConfig(hidden=32), prediction=Prediction.VELOCITY, still_residual=False
)
"""NVIDIA's network: without our additions but the reward head."""

RENAMED = {
    "t_embedder.1.": "time_embed.t_embedder.",
    "t_embedding_norm.": "time_embed.norm.",
    "x_embedder.proj.1.": "patch_embed.proj.",
    "final_layer.adaln_modulation.1.": "norm_out.linear_1.",
    "final_layer.adaln_modulation.2.": "norm_out.linear_2.",
    "final_layer.linear.": "proj_out.",
    "blocks.": "transformer_blocks.",
    "adaln_modulation_self_attn.1.": "norm1.linear_1.",
    "adaln_modulation_self_attn.2.": "norm1.linear_2.",
    "adaln_modulation_mlp.1.": "norm3.linear_1.",
    "adaln_modulation_mlp.2.": "norm3.linear_2.",
    "self_attn.": "attn1.",
    "q_proj.": "to_q.",
    "k_proj.": "to_k.",
    "v_proj.": "to_v.",
    "output_proj.": "to_out.0.",
    "q_norm.": "norm_q.",
    "k_norm.": "norm_k.",
    "mlp.layer1.": "ff.net.0.proj.",
    "mlp.layer2.": "ff.net.2.",
}
"""facts/world_model.md 1.10."""

OURS = re.compile(r"action_embedder_|reward_head\.|gripper_offset\.|still_embedder\.")


def dit(config: WorldModelConfig = PLAIN) -> CosmosDiT:
    torch.manual_seed(0)
    built = CosmosDiT(config).eval()
    shake(built)
    return built


def conditioning(config: WorldModelConfig, batch: int = 2, seed: int = 0) -> Conditioning:
    rng = np.random.default_rng(seed)
    targets = np.stack([example_targets(rng, config.chunk_steps)[1:] for _ in range(batch)])
    return condition(targets, config.action, example_camera())


def latents(config: WorldModelConfig = PLAIN, seed: int = 0) -> Tensor:
    shape = (2, CHANNELS, config.num_latents, HEIGHT, WIDTH)
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def is_context(config: WorldModelConfig = PLAIN) -> Tensor:
    return torch.arange(config.num_latents) == 0


def times(config: WorldModelConfig = PLAIN) -> Tensor:
    return torch.where(is_context(config), 1e-4, torch.tensor([[0.9], [0.3]]))


class ActedTimeEmbedding(nn.Module):
    """NVIDIA's action conditioning around diffusers' timestep embedding (facts 1.10)."""

    def __init__(self, inner: nn.Module, narrow: Tensor, wide: Tensor) -> None:
        super().__init__()
        self.inner, self.narrow, self.wide = inner, narrow, wide

    def forward(self, hidden: Tensor, timestep: Tensor) -> tuple[Tensor, Tensor]:
        sinusoid = self.inner.time_proj(timestep).type_as(hidden)
        shared = self.inner.t_embedder(sinusoid)
        return shared + self.wide, self.inner.norm(sinusoid + self.narrow)


def diffusers_twin(ours: CosmosDiT) -> CosmosTransformer3DModel:
    config = ours.config.dit
    theirs = CosmosTransformer3DModel(
        in_channels=config.latent_channels + 2,
        out_channels=config.latent_channels,
        num_attention_heads=config.num_heads,
        attention_head_dim=config.width // config.num_heads,
        num_layers=config.num_blocks,
        mlp_ratio=float(config.mlp_ratio),
        text_embed_dim=8,
        adaln_lora_dim=config.adaln_rank,
        patch_size=(1, config.patch, config.patch),
        rope_scale=(config.rope_ratio_t, config.rope_ratio_hw, config.rope_ratio_hw),
        concat_padding_mask=False,
        extra_pos_embed_type=None,
    ).eval()
    state = theirs.state_dict()
    for name, value in ours.state_dict().items():
        if OURS.match(name):
            continue
        for ours_part, theirs_part in RENAMED.items():
            name = name.replace(ours_part, theirs_part)
        assert name in state, name
        state[name] = value
    theirs.load_state_dict(state)
    return theirs


@torch.no_grad()
def test_the_network_is_diffusers_cosmos_transformer() -> None:
    """Per-frame times, both masks, actions; text is zero and its sublayer stays in there."""
    ours = dit()
    acted = conditioning(PLAIN)
    out, _ = ours(latents(), times(), is_context(), acted, None)
    theirs = diffusers_twin(ours)
    groups = acted.poses.unflatten(1, (-1, 4)).flatten(2)
    parts = [
        torch.cat([torch.zeros_like(part[:, :1]), part], dim=1).flatten(0, 1)
        for part in (ours.action_embedder_B_D(groups), ours.action_embedder_B_3D(groups))
    ]
    theirs.time_embed = ActedTimeEmbedding(theirs.time_embed, *parts)
    mask = is_context().view(1, 1, -1, 1, 1).expand(2, 1, -1, HEIGHT, WIDTH).float()
    expected = theirs(
        torch.cat([latents(), mask, torch.zeros_like(mask)], dim=1),
        times()[:, None, :, None, None],
        torch.zeros(2, 3, 8),
        return_dict=False,
    )[0]
    assert expected.std() > 0.05
    torch.testing.assert_close(out, expected, atol=2e-5, rtol=1e-4)


@torch.no_grad()
def test_a_position_is_a_whole_latent_index() -> None:
    """No fps modulation (facts/world_model.md 1.1): diffusers' table with fps None."""
    ours = dit()
    theirs = diffusers_twin(ours)
    cos, sin = theirs.rope(torch.zeros(1, CHANNELS, 3, HEIGHT, WIDTH))
    width = PLAIN.dit.width // PLAIN.dit.num_heads
    own_cos, own_sin = rope_table((3, HEIGHT // 2, WIDTH // 2), width, 3.0, 1.0)
    torch.testing.assert_close(own_cos, cos)
    torch.testing.assert_close(own_sin, sin)


def test_the_paper_size_is_cosmos_predict2_2b_without_its_text() -> None:
    """1,956,413,440 parameters with cross-attention (facts 1.1); ours lacks 28 such sublayers."""
    config = WorldModelConfig.paper()
    with torch.device("meta"):
        paper = CosmosDiT(config)
    sizes = {name: p.numel() for name, p in paper.named_parameters()}
    cosmos = sum(size for name, size in sizes.items() if not OURS.match(name))
    width, text, rank, head = 2048, 1024, 256, 128
    cross = 2 * width * width + 2 * text * width + 2 * head  # q, output; k, v; q and k norms
    cross += width * rank + rank * 3 * width  # its own modulation
    assert cosmos + 28 * cross == 1_956_413_440
    assert paper.action_embedder_B_D.fc2.weight.shape == (2048, 8192)
    assert paper.action_embedder_B_3D.fc2.weight.shape == (6144, 8192)


def test_folding_is_channel_major_and_unfolding_channel_last() -> None:
    """(c, t, h, w) inside an input patch, channels last on the way out (facts 1.1)."""
    x = torch.arange(2 * 1 * 2 * 4).view(1, 2, 1, 2, 4).float()
    tokens = fold(x, 2)
    assert tokens[0, 0, 0].tolist() == [0, 1, 4, 5, 8, 9, 12, 13]
    assert tokens[0, 0, 1].tolist() == [2, 3, 6, 7, 10, 11, 14, 15]
    out = torch.tensor([0.0, 8, 1, 9, 4, 12, 5, 13])
    back = unfold(torch.stack([out, out + 2])[None, None], 2, (1, 1, 2))
    assert torch.equal(back, x)


@torch.no_grad()
def test_an_action_reaches_the_frame_it_belongs_to_first() -> None:
    """Changing the last four poses changes modulation of the last latent frame alone."""
    ours = dit()
    acted = conditioning(PLAIN)
    poses = acted.poses.clone()
    poses[:, -4:] += 0.5
    before, after = (
        ours._modulation(times(), is_context(), Conditioning(poses=p, pixels=None))
        for p in (acted.poses, poses)
    )
    for one, other in zip(before, after, strict=True):
        changed = (one - other).abs().amax(dim=(0, 2)) > 1e-6
        assert changed.tolist() == [False, False, True]


@torch.no_grad()
def test_rewards_are_one_per_step_from_the_latent_of_that_step() -> None:
    config = small_world_config()
    head = dit(config).reward_head
    features = torch.randn(2, 2, 5, 48, generator=torch.Generator().manual_seed(0))
    before = head(features)
    assert before.shape == (2, 8)
    features[:, 1] += torch.randn(2, 5, 48, generator=torch.Generator().manual_seed(1))
    changed = (head(features) - before).abs().amax(dim=0) > 1e-5
    assert changed.tolist() == [False] * 4 + [True] * 4


@torch.no_grad()
def test_one_token_can_decide_the_reward() -> None:
    """Attention pooling: mean pooling would dilute the few tokens that show the contact."""
    head = dit(small_world_config()).reward_head
    features = torch.zeros(1, 1, 100, 48)
    features[0, 0, 17] = torch.randn(48, generator=torch.Generator().manual_seed(0))
    head.score.weight.mul_(0)
    diluted = (head(features) - head(torch.zeros_like(features))).abs().max()
    head.score.weight.copy_(50 * features[0, 0, 17].expand(4, -1))
    decisive = (head(features) - head(torch.zeros_like(features))).abs().max()
    assert decisive > 20 * diluted


@torch.no_grad()
def test_our_additions_do_not_disturb_a_loaded_checkpoint() -> None:
    """The gripper offset starts at zero."""
    torch.manual_seed(0)
    fresh = CosmosDiT(small_world_config())
    assert not fresh.gripper_offset.proj.weight.any()
    assert not fresh.gripper_offset.proj.bias.any()


@pytest.mark.parametrize("heads", [5, 8])
def test_a_head_that_rotary_positions_cannot_split_is_refused(heads: int) -> None:
    with pytest.raises(ValueError, match="even whole number of at least 12"):
        DiTConfig(width=48, num_heads=heads)

"""The towers against HuggingFace's DINOv2 (with registers) and SigLIP on the same weights."""

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor
from transformers import (
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersModel,
    SiglipVisionConfig,
    SiglipVisionModel,
)

from tests.learning import shake, small_policy_config
from wvl_models.policy.config import PolicyConfig
from wvl_models.policy.vision import Tower, VisionBackbone

CONFIG: PolicyConfig = small_policy_config()


def images() -> Tensor:
    size = CONFIG.image_size
    return torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0))


def tower(which: str) -> Tower:
    torch.manual_seed(0)
    built = Tower(getattr(CONFIG, which), CONFIG.patch_size, CONFIG.num_patches).eval()
    shake(built)
    return built


def split_qkv(own: Mapping[str, Tensor], block: int, kind: str) -> tuple[Tensor, ...]:
    return own[f"blocks.{block}.attn.qkv.{kind}"].chunk(3)


@torch.no_grad()
def test_dino_is_dinov2_with_registers_up_to_the_block_before_the_last() -> None:
    ours = tower("dino")
    own, dino = ours.state_dict(), CONFIG.dino
    theirs = Dinov2WithRegistersModel(
        Dinov2WithRegistersConfig(
            hidden_size=dino.width,
            num_hidden_layers=dino.depth,
            num_attention_heads=dino.num_heads,
            mlp_ratio=dino.mlp_width // dino.width,
            image_size=CONFIG.image_size,
            patch_size=CONFIG.patch_size,
            num_register_tokens=dino.num_registers,
            layer_norm_eps=1e-6,
        )
    ).eval()
    state = theirs.state_dict()
    state["embeddings.cls_token"] = own["cls_token"]
    state["embeddings.register_tokens"] = own["reg_token"]
    place = torch.cat([torch.zeros(1, 1, dino.width), own["pos_embed"]], dim=1)
    state["embeddings.position_embeddings"] = place
    for kind in ("weight", "bias"):
        state[f"embeddings.patch_embeddings.projection.{kind}"] = own[f"patch_embed.proj.{kind}"]
        for i in range(dino.depth - 1):
            to = "encoder.layer"
            for a, part in zip("qkv", split_qkv(own, i, kind), strict=True):
                state[f"{to}.{i}.attention.{a}_proj.{kind}"] = part
            for a, b in (
                ("attention.o_proj", "attn.proj"),
                ("norm1", "norm1"),
                ("norm2", "norm2"),
                ("mlp.fc1", "mlp.fc1"),
                ("mlp.fc2", "mlp.fc2"),
            ):
                state[f"{to}.{i}.{a}.{kind}"] = own[f"blocks.{i}.{b}.{kind}"]
            for k in (1, 2):
                state[f"{to}.{i}.layer_scale{k}.lambda1"] = own[f"blocks.{i}.ls{k}.scale_factor"]
    theirs.load_state_dict(state)
    pixels = (images() - ours.mean) / ours.std
    hidden = theirs(pixels, output_hidden_states=True).hidden_states[dino.depth - 1]
    torch.testing.assert_close(ours(images()), hidden[:, 1 + dino.num_registers :])


@torch.no_grad()
def test_siglip_is_siglip_up_to_the_block_before_the_last() -> None:
    """timm's GELU is exact there, as in OpenVLA's files."""
    ours = tower("siglip")
    own, siglip = ours.state_dict(), CONFIG.siglip
    theirs = SiglipVisionModel(
        SiglipVisionConfig(
            hidden_size=siglip.width,
            intermediate_size=siglip.mlp_width,
            num_hidden_layers=siglip.depth,
            num_attention_heads=siglip.num_heads,
            image_size=CONFIG.image_size,
            patch_size=CONFIG.patch_size,
            hidden_act="gelu",
            layer_norm_eps=1e-6,
        )
    ).eval()
    state = theirs.state_dict()
    head = "vision_model." if "vision_model.embeddings.patch_embedding.weight" in state else ""
    state[f"{head}embeddings.position_embedding.weight"] = own["pos_embed"][0]
    for kind in ("weight", "bias"):
        state[f"{head}embeddings.patch_embedding.{kind}"] = own[f"patch_embed.proj.{kind}"]
        for i in range(siglip.depth - 1):
            to = f"{head}encoder.layers.{i}"
            for a, part in zip("qkv", split_qkv(own, i, kind), strict=True):
                state[f"{to}.self_attn.{a}_proj.{kind}"] = part
            for a, b in (
                ("self_attn.out_proj", "attn.proj"),
                ("layer_norm1", "norm1"),
                ("layer_norm2", "norm2"),
                ("mlp.fc1", "mlp.fc1"),
                ("mlp.fc2", "mlp.fc2"),
            ):
                state[f"{to}.{a}.{kind}"] = own[f"blocks.{i}.{b}.{kind}"]
    theirs.load_state_dict(state)
    pixels = (images() - ours.mean) / ours.std
    hidden = theirs(pixels, output_hidden_states=True).hidden_states[siglip.depth - 1]
    torch.testing.assert_close(ours(images()), hidden)


@torch.no_grad()
def test_dino_comes_first_in_the_features() -> None:
    """facts/policy_rl.md trap 1."""
    torch.manual_seed(0)
    backbone = VisionBackbone(CONFIG)
    features = backbone(images())
    assert features.shape == (2, CONFIG.num_patches, CONFIG.dino.width + CONFIG.siglip.width)
    torch.testing.assert_close(features[..., : CONFIG.dino.width], backbone.featurizer(images()))


def test_each_tower_normalises_by_its_own_mean() -> None:
    backbone = VisionBackbone(CONFIG)
    assert backbone.featurizer.mean.flatten().tolist() == pytest.approx([0.485, 0.456, 0.406])
    assert backbone.fused_featurizer.mean.flatten().tolist() == [0.5, 0.5, 0.5]

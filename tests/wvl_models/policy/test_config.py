"""The paper's size is the released layout: parameters counted without allocating any."""

import re
from collections.abc import Iterator

import pytest
import torch
from torch import nn

from tests.learning import STEPS, small_agent
from wvl_models.policy.config import PolicyConfig
from wvl_models.policy.model import OpenVLAOFT

BLOCK = (
    r"blocks\.\d+\.(norm[12]\.(weight|bias)|attn\.(qkv|proj)\.(weight|bias)"
    r"|mlp\.fc[12]\.(weight|bias))"
)
RELEASED_KEYS = re.compile(
    rf"vision_backbone\.featurizer\.(cls_token|reg_token|pos_embed|patch_embed\.proj\.(weight|bias)"
    rf"|{BLOCK}|blocks\.\d+\.ls[12]\.scale_factor)"
    rf"|vision_backbone\.fused_featurizer\.(pos_embed|patch_embed\.proj\.(weight|bias)|{BLOCK})"
    r"|projector\.fc[123]\.(weight|bias)"
    r"|language_model\.model\.(embed_tokens|norm)\.weight"
    r"|language_model\.model\.layers\.\d+\.(self_attn\.[qkvo]_proj|mlp\.(gate|up|down)_proj"
    r"|input_layernorm|post_attention_layernorm)\.weight"
    r"|language_model\.lm_head\.weight"
)
"""facts/policy_rl.md 1.4."""


@pytest.fixture(scope="module")
def paper() -> Iterator[OpenVLAOFT]:
    with torch.device("meta"):
        yield OpenVLAOFT(PolicyConfig.paper())


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_paper_size_has_the_parameters_of_openvla_7b(paper: OpenVLAOFT) -> None:
    """facts/policy_rl.md 1.1 to 1.3, less the vision tail that no feature passes through."""
    assert count(paper.projector) == 71_385_600
    assert count(paper.language_model) == pytest.approx(6738.9e6, rel=1e-4)
    dino_block = 4 * 1024**2 + 2 * 1024 * 4096 + 4 * 1024 + 5 * 1024 + 4 * 1024 + 2 * 1024
    assert count(paper.vision_backbone.featurizer) == pytest.approx(303.2e6 - dino_block, rel=1e-3)
    assert 7.48e9 < count(paper) < 7.541e9


def test_the_paper_size_has_the_released_names_and_shapes(paper: OpenVLAOFT) -> None:
    shapes = {name: tuple(value.shape) for name, value in paper.state_dict().items()}
    strange = [name for name in shapes if not RELEASED_KEYS.fullmatch(name)]
    assert strange == []
    for name, shape in {
        "vision_backbone.featurizer.reg_token": (1, 4, 1024),
        "vision_backbone.featurizer.pos_embed": (1, 256, 1024),
        "vision_backbone.featurizer.blocks.22.ls2.scale_factor": (1024,),
        "vision_backbone.fused_featurizer.blocks.25.mlp.fc1.weight": (4304, 1152),
        "vision_backbone.fused_featurizer.patch_embed.proj.weight": (1152, 3, 14, 14),
        "projector.fc1.weight": (8704, 2176),
        "language_model.model.embed_tokens.weight": (32064, 4096),
        "language_model.model.layers.31.mlp.down_proj.weight": (4096, 11008),
        "language_model.lm_head.weight": (32064, 4096),
    }.items():
        assert shapes[name] == shape
    assert "vision_backbone.featurizer.blocks.23.norm1.weight" not in shapes


def test_the_paper_size_speaks_in_the_released_action_ids() -> None:
    config = PolicyConfig.paper()
    assert config.language.first_action_id == 31744
    assert config.language.rms_eps == 1e-6
    assert config.chunk_steps == 24
    assert config.num_patches == 256


def test_tiny_stays_tiny() -> None:
    assert count(OpenVLAOFT(PolicyConfig.tiny())) < 1e6


def test_an_image_that_is_not_whole_patches_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of patch_size"):
        small_agent(image_size=30)


def test_the_chunk_length_comes_from_the_configuration() -> None:
    assert small_agent().network.num_action_tokens == 7 * STEPS

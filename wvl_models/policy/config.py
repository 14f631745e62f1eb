"""Sizes and switches of OpenVLA-OFT. `paper()` is the released layout with discrete tokens and
one image (what SimpleVLA-RL trains, facts/policy_rl.md 1.12); `tiny()` is the same classes at a
size that two CPU cores train from scratch.
"""

from typing import Literal

from pydantic import Field, model_validator

from wvl_models.contract.config import Config

NUM_BINS = 256
"""Action tokens per dimension (facts/policy_rl.md 1.9)."""


class TowerConfig(Config):
    """One vision transformer; parameter names are timm's."""

    width: int
    depth: int
    """Blocks in the checkpoint; features come from block depth - 2, the last one is unused."""
    num_heads: int
    mlp_width: int
    num_registers: int = 0
    has_class_token: bool = False
    has_layer_scale: bool = False
    position_std: float = 0.02
    """Spread of fresh position embeddings: timm's own. From scratch on little data a patch must
    know its place from the start, so `tiny` takes 0.5."""
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


class LanguageConfig(Config):
    """The Llama; rms_eps is 1e-6 where a checkpoint does not say (facts/policy_rl.md 1.3)."""

    width: int = 4096
    num_layers: int = 32
    num_heads: int = 32
    mlp_width: int = 11008
    base_vocabulary: int = 32000
    padded_vocabulary: int = 32064
    """base + 64: the rows after `base_vocabulary` are padding, never actions."""
    rms_eps: float = 1e-6
    rope_theta: float = 10000.0
    initial_std: float = 0.02
    """Spread of fresh weights: Llama's own; a width of 96 needs about 96 ** -0.5."""
    bos_id: int = 1
    eos_id: int = 2
    space_id: int = 29871
    """The lone word mark that precedes the actions in training prompts."""

    @property
    def first_action_id(self) -> int:
        """31744 at paper size: action ids are the last 256 of the base vocabulary."""
        return self.base_vocabulary - NUM_BINS


class PolicyConfig(Config):
    """A whole policy; saved with every checkpoint, so that K and A never come from argv."""

    size: Literal["tiny", "paper"]
    image_size: int = 224
    patch_size: int = 14
    dino: TowerConfig
    siglip: TowerConfig
    projector_width: int = 8704
    language: LanguageConfig
    chunk_steps: int = 24
    """Paper 4.1."""
    jpeg_round_trip: bool = True
    """OpenVLA-OFT encodes and decodes every image before resizing (facts/policy_rl.md 1.7)."""
    learned_queries: bool = False
    """Ours: each action placeholder is a learned vector instead of zero. A zero vector has no
    query, so that the first layer cannot tell placeholders apart; 32 pretrained layers get over
    that, three layers trained from scratch do not (docs/decisions/004-policy-tiny.md)."""
    centre_crop: float | None = Field(default=0.9, gt=0, le=1)
    """Area kept at inference when trained with random crops; None for no crop."""

    @model_validator(mode="after")
    def _check(self) -> "PolicyConfig":
        if self.image_size % self.patch_size:
            raise ValueError("image_size must be a multiple of patch_size")
        return self

    @property
    def num_patches(self) -> int:
        """Patches of one image."""
        return (self.image_size // self.patch_size) ** 2

    @classmethod
    def paper(cls) -> "PolicyConfig":
        """OpenVLA-7B: DINOv2-L with registers, SigLIP-So400m, Llama-2-7B."""
        return cls(
            size="paper",
            dino=TowerConfig(
                width=1024,
                depth=24,
                num_heads=16,
                mlp_width=4096,
                num_registers=4,
                has_class_token=True,
                has_layer_scale=True,
                mean=(0.485, 0.456, 0.406),
                std=(0.229, 0.224, 0.225),
            ),
            siglip=TowerConfig(
                width=1152,
                depth=27,
                num_heads=16,
                mlp_width=4304,
                mean=(0.5, 0.5, 0.5),
                std=(0.5, 0.5, 0.5),
            ),
            language=LanguageConfig(),
        )

    @classmethod
    def tiny(cls) -> "PolicyConfig":
        """About 0.7 M parameters on 64x64 images."""
        return cls(
            size="tiny",
            image_size=64,
            patch_size=8,
            dino=TowerConfig(
                width=64,
                depth=3,
                num_heads=2,
                mlp_width=128,
                num_registers=1,
                has_class_token=True,
                has_layer_scale=True,
                position_std=0.5,
                mean=(0.485, 0.456, 0.406),
                std=(0.229, 0.224, 0.225),
            ),
            siglip=TowerConfig(
                width=64,
                depth=3,
                num_heads=2,
                mlp_width=128,
                position_std=0.5,
                mean=(0.5, 0.5, 0.5),
                std=(0.5, 0.5, 0.5),
            ),
            projector_width=192,
            language=LanguageConfig(
                width=96,
                num_layers=3,
                num_heads=4,
                mlp_width=192,
                base_vocabulary=512,
                padded_vocabulary=576,
                initial_std=0.1,
                space_id=4,
            ),
            learned_queries=True,
            jpeg_round_trip=False,
            centre_crop=None,
        )

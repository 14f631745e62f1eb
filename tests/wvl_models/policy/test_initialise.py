"""The closed-form start of the vision towers."""

import numpy as np
import pytest
import torch

from tests.learning import SIDE, example_reel, small_agent
from wvl_models.contract.errors import DataError
from wvl_models.policy.initialise import initialise_vision, place_code


def test_a_patch_that_looks_like_the_mean_image_is_nearly_zero() -> None:
    frames = example_reel(np.random.default_rng(0)).frames
    network = small_agent().network
    initialise_vision(network, frames)
    images = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255
    for tower in (network.vision_backbone.featurizer, network.vision_backbone.fused_featurizer):
        with torch.no_grad():
            pixels = (torch.cat([images, images.mean(0, keepdim=True)]) - tower.mean) / tower.std
            content = (tower.patch_embed(pixels) + tower.pos_embed)[..., :8]
        assert content[-1].abs().max() < 1e-4
        assert content[:-1].abs().max() > 0.5


def test_every_patch_knows_its_place() -> None:
    code = place_code(4, 8)
    assert code.shape == (16, 8)
    assert torch.cdist(code, code).fill_diagonal_(1).min() > 0.1


def test_one_frame_has_no_mean_to_stand_out_from() -> None:
    with pytest.raises(DataError, match="at least two frames"):
        initialise_vision(small_agent().network, np.zeros((1, SIDE, SIDE, 3), dtype=np.uint8))

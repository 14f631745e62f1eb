"""A closed-form start for vision towers that are trained from scratch on one fixed camera (ours).

Half of a patch's width carries its principal components *around the mean image*, the other half
a sine code of its place: from the first step on, a patch that looks like the empty table is
nearly zero, and what stands out knows where it is. Both live in ordinary parameters
(`patch_embed`, `pos_embed`); training changes them as any others. Not used where weights are
loaded.
"""

import numpy as np
import torch
from torch import Tensor

from wvl_models.contract.errors import DataError
from wvl_models.contract.observation import U8
from wvl_models.policy.model import OpenVLAOFT
from wvl_models.policy.preprocess import to_images
from wvl_models.policy.vision import Tower


def initialise_vision(network: OpenVLAOFT, frames: U8) -> None:
    """Set patch and position embeddings of both towers from frames uint8 [N, H, W, 3]."""
    if len(frames) < 2:
        raise DataError("initialising the vision towers takes at least two frames.")
    images = to_images(frames, network.config)
    backbone = network.vision_backbone
    for tower in (backbone.featurizer, backbone.fused_featurizer):
        _initialise(tower, images, network.config.patch_size)


@torch.no_grad()
def _initialise(tower: Tower, images: Tensor, patch: int) -> None:
    pixels = (images - tower.mean) / tower.std
    rows = torch.nn.functional.unfold(pixels, patch, stride=patch).transpose(1, 2)  # [N, S, 3pp]
    mean = rows.mean(dim=0)
    centred = (rows - mean).flatten(0, 1).double()
    values, vectors = torch.linalg.eigh(centred.T @ centred / len(centred))
    width = tower.pos_embed.shape[-1]
    num_content = min(width // 2, rows.shape[-1])
    # One common scale keeps the energy order; the strongest component gets unit variance within
    # the patches that move, which are few.
    basis = (vectors[:, -num_content:].flip(1) / values[-1].sqrt()).T.float()
    weight = tower.patch_embed.proj.weight
    weight.zero_()
    weight[:num_content] = basis.view(num_content, *weight.shape[1:])
    tower.patch_embed.proj.bias.zero_()
    tower.pos_embed.zero_()
    tower.pos_embed[0, :, :num_content] = -mean @ basis.T
    side = int(np.sqrt(len(mean)))
    tower.pos_embed[0, :, num_content:] = place_code(side, width - num_content)


def place_code(side: int, width: int) -> Tensor:
    """Sines and cosines of row and column [side * side, width]."""
    place = (torch.arange(side) + 0.5) / side
    frequencies = 2.0 ** torch.arange(-1, width // 4 - 1) * torch.pi
    angle = place[:, None] * frequencies
    axis = torch.cat([angle.sin(), angle.cos()], dim=1)
    rows = axis[:, None].expand(side, side, -1)
    columns = axis[None].expand(side, side, -1)
    code = torch.cat([rows, columns], dim=-1).flatten(0, 1)
    return torch.nn.functional.pad(code, (0, width - code.shape[1]))

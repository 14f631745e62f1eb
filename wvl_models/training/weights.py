"""Tensors of a checkpoint into a network: nothing unexpected, misshapen or infinite gets in."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from wvl_models.contract.errors import CheckpointError


@torch.no_grad()
def copy_weights(
    network: nn.Module, tensors: Iterable[tuple[str, Tensor]], source: str
) -> list[str]:
    """Copy by name; returns the sorted names of what the checkpoint did not bring.

    Raises CheckpointError that names the tensor, and `source`.
    """
    own = network.state_dict()
    lacking = set(own)
    for name, value in tensors:
        if name not in own:
            raise CheckpointError(f"{source}: unexpected tensor {name}.")
        if own[name].shape != value.shape:
            raise CheckpointError(
                f"{source}: {name} has shape {tuple(value.shape)}, this configuration needs "
                f"{tuple(own[name].shape)}."
            )
        if not torch.isfinite(value).all():
            raise CheckpointError(f"{source}: {name} holds NaN or Inf.")
        own[name].copy_(value)
        lacking.discard(name)
    return sorted(lacking)

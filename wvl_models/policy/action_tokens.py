"""256 bins per action dimension and their token ids (facts/policy_rl.md 1.9, golden values in
the tests).

Token id = base_vocabulary - digitised bin, so +1 is the smallest action id and -1 the largest.
Class index c in 0..255 is id - first_action_id; class 0 is bin 256.
"""

import numpy as np
import torch
from torch import Tensor

from wvl_models.contract.rotation import F64
from wvl_models.policy.config import NUM_BINS

_EDGES = np.linspace(-1.0, 1.0, NUM_BINS)
_CENTRES = (_EDGES[:-1] + _EDGES[1:]) / 2.0


def to_classes(normalised: F64) -> np.ndarray:
    """Class indices int64 of normalised actions in [-1, 1]."""
    bins = np.digitize(np.clip(normalised, -1.0, 1.0), _EDGES)
    return (NUM_BINS - bins).astype(np.int64)


def from_classes(classes: np.ndarray) -> F64:
    """Bin centres of class indices; the two largest ids share the last centre."""
    return _CENTRES[np.clip(NUM_BINS - classes - 1, 0, NUM_BINS - 2)]


def smooth_targets(classes: Tensor, sigma_bins: float) -> Tensor:
    """Probabilities [..., 256]: a Gaussian around the true bin (ours; 0 gives one-hot).

    Neighbouring bins are nearly the same action; telling the loss so lets a tiny policy learn
    from tens of demonstrations (facts/toy_loop.md section 2).
    """
    grid = torch.arange(NUM_BINS, device=classes.device)
    distance = (grid - classes[..., None]).float()
    if sigma_bins == 0:
        return (distance == 0).float()
    weights = torch.exp(-0.5 * (distance / sigma_bins).square())
    return weights / weights.sum(dim=-1, keepdim=True)

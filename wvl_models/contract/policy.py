"""What the robot side knows of a policy: a protocol, so that torch never enters its process."""

from collections.abc import Sequence
from typing import Protocol

from wvl_models.contract.action import ActionSpec
from wvl_models.contract.camera import Intrinsics
from wvl_models.contract.observation import Observation
from wvl_models.contract.rotation import F64


class Policy(Protocol):
    """Turns observations into action chunks, greedily and without state between calls."""

    @property
    def spec(self) -> ActionSpec:
        """Rate, chunk length and ranges of the actions."""
        ...

    def act(self, observations: Sequence[Observation], camera: Intrinsics) -> F64:
        """Denormalised action chunks [N, K, 7], one for each observation.

        `camera` is what the observations' frames were taken with; the policy looks at them
        through its own `View`.
        """
        ...

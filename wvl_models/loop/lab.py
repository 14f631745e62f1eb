"""The world outside, as the circle needs it: somebody demonstrates, deploys and tries out.

On the virtual cell this is `wvl_robot.virtual.lab`; on a real rig it is an operator, see
`stages.operated`. The circle itself knows no robot.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from wvl_models.contract.camera import CameraCalibration
from wvl_models.contract.trial import Trial


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One scripted demonstration that is asked for."""

    seed: int
    near_share: float
    """Probability that it is meant to miss."""
    aim_sigma_m: float
    jitter_sigma_m: float


class Scene(Protocol):
    """What the models must know of the place."""

    @property
    def camera(self) -> CameraCalibration:
        """The models' view of this lab as a camera."""
        ...

    @property
    def instruction(self) -> str:
        """Of the lab's task."""
        ...

    @property
    def horizon_steps(self) -> int:
        """Actions of an episode."""
        ...


class Lab(Scene, Protocol):
    """Fast, many episodes; ids are yielded once an episode is safe in the store."""

    def demonstrate(self, attempts: Sequence[Attempt]) -> Iterator[str]:
        """Demonstrations."""
        ...

    def deploy(
        self, policy: Path, seeds: Sequence[int], temperatures: Sequence[float]
    ) -> Iterator[str]:
        """Recorded episodes of a published policy."""
        ...

    def try_out(self, policy: Path, seeds: Sequence[int]) -> Iterator[Trial]:
        """Trials of a published policy, greedy, not recorded."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class RigScene:
    """A real rig: an operator records, the circle only reads."""

    camera: CameraCalibration
    instruction: str
    horizon_steps: int


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveDeployment:
    """A deployment during which the policy was swapped."""

    before: tuple[str, ...]
    """Episodes under the old version."""
    after: tuple[str, ...]
    """Episodes under the new version."""
    swap_s: float
    """From the request to the answer that the new version serves."""


class LiveLab(Protocol):
    """Few episodes, through everything that a real rig runs."""

    def demonstrate(self, seeds: Sequence[int]) -> tuple[str, ...]:
        """Ids of demonstrations."""
        ...

    def deploy(self, before: str, after: str, seeds: Sequence[int]) -> LiveDeployment:
        """Deploy version `before`, swap to `after` in the running session, deploy that."""
        ...

"""An episode as models see it: view-sized frames, target poses, rewards, in memory.

Policy, world model, imagination and evaluation all start from reels, so that the image went
through the same `View` for each of them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from wvl_models.contract.camera import F32, CameraCalibration, View
from wvl_models.contract.errors import DataError
from wvl_models.contract.observation import U8
from wvl_models.contract.rotation import F64
from wvl_models.episodes.views import EpisodeView


@dataclass(frozen=True, kw_only=True, slots=True)
class Reel:
    """T observations and the T - 1 actions between them."""

    episode_id: str
    task: str
    instruction: str
    camera: CameraCalibration
    """The view as a camera, where it stood in this episode."""
    frames: U8
    """uint8 [T, H, W, 3]"""
    targets: F64
    """[T, 8] setpoint rows in force at each observation; action k leads to row k + 1."""
    rewards: F32
    """float32 [T] of 0 and 1: is observation k a success state."""

    def __post_init__(self) -> None:
        if not len(self.frames) == len(self.targets) == len(self.rewards) >= 2:
            raise DataError(
                f"episode {self.episode_id}: {len(self.frames)} frames, {len(self.targets)} "
                f"targets and {len(self.rewards)} rewards make no reel."
            )

    @property
    def is_success(self) -> bool:
        """Whether any observation is a success state."""
        return bool((self.rewards > 0.5).any())


def read_reels(episodes: EpisodeView, ids: Iterable[str], view: View) -> Iterator[Reel]:
    """The reels of some episodes, one by one."""
    for episode_id in ids:
        header = episodes.header(episode_id)
        arrays = episodes.read(episode_id)
        yield Reel(
            episode_id=episode_id,
            task=header.task,
            instruction=header.instruction,
            camera=view.of(header.calibration),
            frames=view.through(arrays.rgb, header.calibration.intrinsics),
            targets=arrays.target,
            rewards=episodes.rewards(episode_id),
        )

"""What the stages of one run share: settings, store, registry, lab, progress."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wvl_models.contract.errors import CheckpointError, ConfigError
from wvl_models.episodes.reels import Reel, read_reels
from wvl_models.episodes.snapshot import EpisodeFilter
from wvl_models.episodes.store import EpisodeStore
from wvl_models.episodes.views import EpisodeView
from wvl_models.loop.config import LoopConfig, Seeds
from wvl_models.loop.curves import Curves
from wvl_models.loop.lab import Lab, LiveLab
from wvl_models.loop.progress import Progress
from wvl_models.loop.run import Run
from wvl_models.registry.registry import Registry
from wvl_models.training.state import StateFolder

WEIGHTS = Path(__file__).parent.parent / "weights"
"""Pretrained weights that ship with the package, by size."""


@dataclass(frozen=True, kw_only=True)
class Circle:
    """Handed to every stage."""

    run: Run
    store: EpisodeStore
    registry: Registry
    lab: Lab
    live: LiveLab | None
    progress: Progress
    commit: str

    @property
    def config(self) -> LoopConfig:
        """Settings of the run."""
        return self.run.config

    @property
    def seeds(self) -> Seeds:
        """Which initial states serve what."""
        return Seeds(self.config.seed)

    def pretrained(self, kind: str) -> Path:
        """Folder of shipped weights; raises CheckpointError where there are none."""
        folder = WEIGHTS / self.config.size / kind
        if not folder.is_dir():
            raise CheckpointError(
                f"no pretrained {kind} of size '{self.config.size}' ships with this package. "
                "Bring your own with `wvl pretrain` (tiny) or `wvl import` (paper)."
            )
        return folder

    def view(self, ids: Iterable[str]) -> EpisodeView:
        """A view of exactly these episodes."""
        wanted = tuple(ids)
        if not wanted:
            raise ConfigError("this stage has no episodes to work on; collect some first.")
        return self.store.view(EpisodeFilter(ids=wanted))

    def reels(self, ids: Sequence[str]) -> list[Reel]:
        """Episodes as the models see them."""
        return list(read_reels(self.view(ids), ids, self.lab_view))

    @property
    def lab_view(self) -> Any:
        """The models' view (Any: `contract.camera.View`)."""
        from wvl_models.contract.camera import View

        return View(intrinsics=self.lab.camera.intrinsics)

    def state(self, stage: str) -> StateFolder:
        """Where a training stage keeps its state while it runs."""
        return StateFolder(path=self.run.work(stage) / "state", fingerprint=stage)

    def curves(self, stage: str) -> Curves:
        """Where a stage logs its scalars."""
        return Curves(self.run.curves(stage))

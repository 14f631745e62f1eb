"""What the stages of one run share: settings, store, registry, lab, progress."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from wvl_models.contract.camera import View
from wvl_models.contract.errors import CheckpointError, ConfigError
from wvl_models.contract.pose import Setpoint
from wvl_models.episodes.reels import Reel, read_reels
from wvl_models.episodes.snapshot import EpisodeFilter
from wvl_models.episodes.store import EpisodeStore
from wvl_models.episodes.views import EpisodeView
from wvl_models.loop.config import LoopConfig, Seeds
from wvl_models.loop.curves import Curves
from wvl_models.loop.lab import Lab, LiveLab, Scene
from wvl_models.loop.progress import Progress
from wvl_models.loop.run import Run, fresh_folder
from wvl_models.policy.agent import PolicyAgent
from wvl_models.policy.checkpoint import save_policy
from wvl_models.registry.canary import canary_observation, record_canary
from wvl_models.registry.registry import Registry
from wvl_models.training.state import StateFolder
from wvl_models.world_model.checkpoint import save_world_model
from wvl_models.world_model.model import CosmosWorldModel

WEIGHTS = Path(__file__).parent.parent / "weights"
"""Pretrained weights that ship with the package, by size."""

SAVE_EVERY_STEPS = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Circle:
    """Handed to every stage."""

    run: Run
    store: EpisodeStore
    registry: Registry
    scene: Scene
    lab: Lab | None
    """None where an operator is the lab."""
    live: LiveLab | None
    progress: Progress
    commit: str
    _seen: dict[str, Reel] = field(default_factory=dict)
    """Reels that a stage has read already; 10 ms each from disk, and three stages want the same."""

    @property
    def config(self) -> LoopConfig:
        """Settings of the run."""
        return self.run.config

    @property
    def seeds(self) -> Seeds:
        """Which initial states serve what."""
        return Seeds(self.config.seed)

    def require_lab(self) -> Lab:
        """The lab that records by itself; ConfigError where there is none."""
        if self.lab is None:
            raise ConfigError("this run has no lab of its own: an operator records its episodes.")
        return self.lab

    def pretrained(self, kind: str) -> Path:
        """Folder of shipped weights; raises CheckpointError where there are none."""
        folder = WEIGHTS / self.config.size / kind
        if not folder.is_dir():
            raise CheckpointError(
                f"no pretrained {kind} of size '{self.config.size}' ships with this package. "
                f"Put one into {folder}: `wvl pretrain` makes those of size 'tiny'."
            )
        return folder

    def policy_before(self, turn: int) -> str:
        """Version of the policy in force when a turn begins."""
        if turn == 1:
            return str(self.run.result("sft")["version"])
        return str(self.run.result(f"gate-{turn - 1}")["in_force"])

    def experience(self, turn: int) -> list[str]:
        """Recorded episodes up to a turn that are not held out; live deployments come on top."""
        collected = self.run.result("collect")
        ids = [*collected["demonstrations"], *collected["sans"]]
        for past in range(1, turn + 1):
            ids += self.run.result(f"rollouts-{past}")["train"]
        return ids

    def view(self, ids: Iterable[str]) -> EpisodeView:
        """A view of exactly these episodes."""
        wanted = tuple(ids)
        if not wanted:
            raise ConfigError("this stage has no episodes to work on; collect some first.")
        return self.store.view(EpisodeFilter(ids=wanted))

    def reels(self, ids: Sequence[str]) -> list[Reel]:
        """Episodes as the models see them."""
        size = View(intrinsics=self.scene.camera.intrinsics)
        view, unseen = self.view(ids), [name for name in ids if name not in self._seen]
        for reel in read_reels(view, unseen, size):
            self._seen[reel.episode_id] = reel
        return [self._seen[name] for name in ids]

    @contextmanager
    def store_lent(self) -> Iterator[None]:
        """The store may be written by the live session, which is another process, meanwhile."""
        self.store.close()
        yield

    def state(self, stage: str) -> StateFolder:
        """Where a training stage keeps its state while it runs."""
        path = self.run.work(stage) / "state"
        return StateFolder(path=path, fingerprint=stage, every=SAVE_EVERY_STEPS)

    def curves(self, stage: str) -> Curves:
        """Where a stage logs its scalars."""
        return Curves(self.run.curves(stage))

    def publish_policy(
        self,
        agent: PolicyAgent,
        stage: str,
        *,
        parent: str | None,
        example: Reel,
        ids: Sequence[str],
    ) -> str:
        """A new version with a canary on the example's first frame; does not make it current."""
        agent.eval()
        with fresh_folder(self.run.work(stage) / "checkpoint") as folder:
            save_policy(agent, folder, f"wvl_{self.config.rig}")
            target = Setpoint.from_row(example.targets[0])
            observation = canary_observation(example.frames[0], target, example.instruction)
            canary = record_canary(agent, observation, agent.view.intrinsics, folder)
        manifest = self.registry.publish(
            "policy",
            self.run.work(stage) / "checkpoint",
            factory="openvla_oft",
            parent=parent,
            commit=self.commit,
            snapshot=self.view(ids).snapshot.snapshot_id,
            configuration={"stage": stage, "loop": self.config.model_dump(mode="json")},
            canary=canary,
        )
        return manifest.version

    def publish_world_model(self, model: CosmosWorldModel, stage: str, ids: Sequence[str]) -> str:
        """A new version; does not make it current."""
        with fresh_folder(self.run.work(stage) / "checkpoint") as folder:
            save_world_model(model, folder)
        manifest = self.registry.publish(
            "world_model",
            self.run.work(stage) / "checkpoint",
            factory="cosmos",
            parent=None,
            commit=self.commit,
            snapshot=self.view(ids).snapshot.snapshot_id,
            configuration={"stage": stage, "loop": self.config.model_dump(mode="json")},
        )
        return manifest.version

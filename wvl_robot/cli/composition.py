"""Joins the rooms: which lab, which live graph a run of the circle gets."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from wvl_models.contract.task import TaskConfig, load_task
from wvl_models.episodes.store import EpisodeStore
from wvl_models.loop.circle import Circle
from wvl_models.loop.lab import LiveLab, RigScene
from wvl_models.loop.progress import Progress
from wvl_models.loop.run import Run
from wvl_models.registry.registry import Registry
from wvl_robot.cli.provenance import source_commit
from wvl_robot.rig.calibration import load_calibration
from wvl_robot.rig.config import load_rig, rig_view
from wvl_robot.ros.live_lab import RosLiveLab
from wvl_robot.share import share_folder
from wvl_robot.virtual.lab import VirtualLab
from wvl_robot.virtual.workers import CellPlan


def virtual_lab(task: TaskConfig, rig: str, store: EpisodeStore) -> VirtualLab:
    """The lockstep lab of a task; raises ConfigError for an unknown rig."""
    plan = CellPlan(share=share_folder(), rig=rig, task=task, commit=source_commit())
    return VirtualLab(plan, store)


@contextmanager
def open_circle(run: Run, progress: Progress) -> Iterator[Circle]:
    """A run with its lab, its live graph, its store and its registry; closed afterwards.

    Raises SetupError where the live graph cannot be had and the run wants live episodes.
    """
    config, share = run.config, share_folder()
    task = load_task(share, config.task)
    registry = Registry(_folder(run, config.registry, "registry"))
    with ExitStack() as stack:
        store = stack.enter_context(EpisodeStore.create(_folder(run, config.store, "episodes")))
        lab = None
        if not config.is_operated:
            lab = stack.enter_context(virtual_lab(task, config.rig, store))
        yield Circle(
            run=run,
            store=store,
            registry=registry,
            scene=lab or rig_scene(share, config.rig, task),
            lab=lab,
            live=_live_lab(run, share, store, registry),
            progress=progress,
            commit=source_commit(),
        )


def rig_scene(share: Path, name: str, task: TaskConfig) -> RigScene:
    """A rig's view as a camera, and the task; raises ConfigError for an unknown rig."""
    rig = load_rig(share, name)
    calibration = load_calibration(share, rig)
    view = rig_view(rig, calibration.intrinsics)
    return RigScene(
        camera=view.of(calibration),
        instruction=task.instruction,
        horizon_steps=task.horizon_steps,
    )


def _folder(run: Run, given: str, own: str) -> Path:
    return Path(given) if given else run.folder / own


def _live_lab(run: Run, share: Path, store: EpisodeStore, registry: Registry) -> LiveLab | None:
    config = run.config
    if not (config.data.live or config.trials.live):
        return None
    return RosLiveLab(
        share=share,
        task=config.task,
        rig=config.rig,
        store=store.root,
        registry=registry.root,
        commit=source_commit(),
        log_folder=run.folder / "logs",
    )

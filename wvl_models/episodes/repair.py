"""Deal with what a crash left in a store. Nothing is deleted that holds a step or a label."""

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from wvl_models.contract.errors import DataError, StoreError
from wvl_models.episodes.filesystem import FileSystem
from wvl_models.episodes.layout import StoreLayout
from wvl_models.episodes.records import Ending, Manifest
from wvl_models.episodes.recovery import recover


class RepairKind(StrEnum):
    """What became of something that a crash left behind."""

    RECOVERED = "recovered"
    """Its complete steps are an ABORTED episode now."""
    CLEARED = "cleared"
    """There was no step in it, or it had been committed already."""
    SET_ASIDE = "set_aside"
    """It cannot be used; it lies in `aside/` for a person to look at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Repair:
    """One repaired staging folder, or a log (`episode_id` empty)."""

    episode_id: str
    kind: RepairKind
    detail: str
    manifest: Manifest | None = None
    """Of the episode that was recovered."""


def repair_staging(files: FileSystem, layout: StoreLayout, episode_id: str) -> Repair:
    """Make an ABORTED episode of a staging folder, or clear it, or set it aside."""
    try:
        manifest = recover(
            files,
            layout,
            episode_id,
            ending=Ending.RECOVERED,
            reason="the recording process died",
            is_sync_doubtful=True,
        )
    except (StoreError, DataError) as error:
        target = move_aside(files, layout, layout.staging(episode_id).folder)
        return Repair(
            episode_id=episode_id,
            kind=RepairKind.SET_ASIDE,
            detail=f"{error} It lies in {target} now.",
        )
    if manifest is None:
        return Repair(episode_id=episode_id, kind=RepairKind.CLEARED, detail="no new step in it")
    return Repair(
        episode_id=episode_id,
        kind=RepairKind.RECOVERED,
        detail=f"{manifest.num_steps} complete steps",
        manifest=manifest,
    )


class Log(Protocol):
    """The log of labels or of suggestions."""

    @property
    def path(self) -> Path:
        """The file."""
        ...

    def repair(self, keep_original: Path) -> int:
        """See `RecordLog.repair`."""
        ...


def repair_log(files: FileSystem, layout: StoreLayout, log: Log) -> tuple[Repair, ...]:
    """Give up the damaged lines of a log, keeping the damaged file."""
    _make_aside(files, layout)
    original = _free_name(layout, log.path.name)
    num_lost = log.repair(original)
    if not num_lost:
        return ()
    detail = f"{num_lost} damaged lines of {log.path.name} given up; as it was: {original}"
    return (Repair(episode_id="", kind=RepairKind.SET_ASIDE, detail=detail),)


def move_aside(files: FileSystem, layout: StoreLayout, folder: Path) -> Path:
    """Take a folder out of the store's reach; returns where it lies now."""
    _make_aside(files, layout)
    target = _free_name(layout, folder.name)
    files.rename(folder, target)
    files.sync_folder(folder.parent)
    files.sync_folder(layout.aside)
    return target


def _make_aside(files: FileSystem, layout: StoreLayout) -> None:
    """What is moved there is only safe when the folder's own name is."""
    layout.aside.mkdir(exist_ok=True)
    files.sync_folder(layout.root)


def _free_name(layout: StoreLayout, name: str) -> Path:
    """A path in `aside/` that is not taken."""
    number = 0
    while os.path.lexists(layout.aside / f"{name}.{number}"):
        number += 1
    return layout.aside / f"{name}.{number}"

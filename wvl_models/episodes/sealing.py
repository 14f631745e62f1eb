"""Commit: the one way by which an episode gets from `staging/` into `episodes/`.

Data is synced, then the manifest is written, then the folder is renamed, then the rename is
synced. A crash before the rename leaves a staging folder, a crash after it a committed episode;
there is no third state.
"""

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from wvl_models.contract.episode import EpisodeHeader, Label
from wvl_models.contract.errors import StoreError
from wvl_models.episodes.arrays import EpisodeSignals
from wvl_models.episodes.chunks import with_checksum
from wvl_models.episodes.filesystem import FileSystem
from wvl_models.episodes.frames import FrameWriter
from wvl_models.episodes.layout import StoreLayout
from wvl_models.episodes.reading import group_document
from wvl_models.episodes.records import (
    MAX_STEPS,
    Ending,
    FileRecord,
    HeaderRecord,
    LabelRecord,
    Manifest,
    render_document,
)
from wvl_models.episodes.schema import (
    ARRAYS,
    GROUP_DOCUMENT,
    RGB,
    SCHEMA_VERSION,
    array_document,
    chunk_file,
)

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording:
    """A complete episode whose frames already lie in staging."""

    header: EpisodeHeader
    signals: EpisodeSignals
    frames: FrameWriter
    image_shape: tuple[int, int]
    """Height and width."""
    label: Label | None
    """As `admit_label` returned it."""
    ending: Ending


def seal(files: FileSystem, layout: StoreLayout, recording: Recording) -> Manifest:
    """Commit `recording`; on the disk when this returns. OSError: nothing is committed."""
    staging = layout.staging(recording.header.episode_id)
    records = _write_arrays(files, staging.group, recording)
    manifest = _manifest(recording, records)
    document = render_document(group_document(manifest))
    _write_synced(files, {staging.manifest: document}, [staging.group])
    _rename_for_good(files, staging.group, layout.episode(recording.header.episode_id))
    try:
        files.remove(staging.folder)
    except OSError as error:
        _LOGGER.warning("%s is committed but its staging folder stays: %s", staging.folder, error)
    return manifest


def _rename_for_good(files: FileSystem, source: Path, target: Path) -> None:
    """Rename and sync; undone where the sync fails, so that an error means "not committed"."""
    files.rename(source, target)
    try:
        files.sync_folder(target.parent)
    except OSError:
        files.rename(target, source)
        raise


def admit_label(label: Label, num_steps: int) -> Label:
    """The label with the present time where it has none; StoreError if it cannot be stored."""
    if not label.stamp_utc:
        label = replace(label, stamp_utc=datetime.now(UTC).isoformat(timespec="milliseconds"))
    LabelRecord.of(label)
    interval_ends = [last for _, last in label.success_intervals]
    for name, ends in (
        ("success_intervals", interval_ends),
        ("sub_goals", [goal.step + 1 for goal in label.sub_goals]),
    ):
        if ends and ends[-1] > num_steps:
            raise StoreError(
                f"the label's {name} reach step {ends[-1]} of an episode with {num_steps} steps."
            )
    return label


def _write_arrays(files: FileSystem, group: Path, recording: Recording) -> dict[str, FileRecord]:
    """All files but the manifest, synced; the frames are there already and get their index."""
    records = {chunk_file(RGB): recording.frames.finish()}
    contents = {}
    for name, table in recording.signals.tables().items():
        files.make_folder(group / name)
        contents[chunk_file(name)] = with_checksum(table.tobytes())
    for array in ARRAYS:
        document = array_document(array, recording.signals.num_steps, *recording.image_shape)
        contents[f"{array}/{GROUP_DOCUMENT}"] = render_document(document)
    paths = {group / path: data for path, data in contents.items()}
    folders = [group / array for array in ARRAYS]
    _write_synced(files, paths, folders, [recording.frames.sync])
    recording.frames.close()
    return records | {path: _record(data) for path, data in contents.items()}


def _write_synced(
    files: FileSystem,
    contents: Mapping[Path, bytes],
    folders: Sequence[Path],
    syncs: Sequence[Callable[[], None]] = (),
) -> None:
    """New files and the names in `folders`, on the disk when this returns; `syncs` with them."""
    with ExitStack() as opened:
        waiting = list(syncs)
        for path, data in contents.items():
            descriptor = files.create(path)
            opened.callback(files.close, descriptor)
            files.write(descriptor, data)
            waiting.append(partial(files.sync, descriptor))
        files.together([*waiting, *(partial(files.sync_folder, folder) for folder in folders)])


def _record(data: bytes) -> FileRecord:
    return FileRecord(num_bytes=len(data), sha256=hashlib.sha256(data).hexdigest())


def _manifest(recording: Recording, records: dict[str, FileRecord]) -> Manifest:
    signals = recording.signals
    if signals.num_steps > MAX_STEPS:
        raise StoreError(f"an episode has at most {MAX_STEPS} steps, got {signals.num_steps}.")
    return Manifest.sealed(
        schema_version=SCHEMA_VERSION,
        header=HeaderRecord.of(recording.header),
        num_steps=signals.num_steps,
        height=recording.image_shape[0],
        width=recording.image_shape[1],
        policy_versions=signals.policy_versions,
        device_domains=signals.device_domains,
        ending=recording.ending,
        first_label=None if recording.label is None else LabelRecord.of(recording.label),
        files=records,
    )

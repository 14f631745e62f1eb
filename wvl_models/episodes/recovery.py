"""Make what is left in a staging folder an ABORTED episode of its complete steps; invent nothing.

A step is complete when its journal line and its frame are both intact; the first that is not ends
the episode. Used after a crash, and by `EpisodeWriter.abort`, so that there is one way.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from pydantic import Field

from wvl_models.contract.episode import EpisodeHeader, Label, Outcome
from wvl_models.contract.errors import DataError, StoreError
from wvl_models.episodes.arrays import EpisodeSignals
from wvl_models.episodes.chunks import FrameSpan
from wvl_models.episodes.filesystem import FileSystem, open_inside, read_inside
from wvl_models.episodes.frames import FrameWriter, count_intact
from wvl_models.episodes.journal import parse_journal
from wvl_models.episodes.layout import Staging, StoreLayout
from wvl_models.episodes.records import (
    MAX_DOCUMENT_BYTES,
    MAX_IMAGE_SIDE,
    MAX_STEPS,
    STORE_AUTHOR,
    Ending,
    HeaderRecord,
    Manifest,
    Record,
    parse_json,
    parse_record,
)
from wvl_models.episodes.rows import StepRow
from wvl_models.episodes.schema import RGB, chunk_file
from wvl_models.episodes.sealing import Recording, seal

_MAX_JOURNAL_BYTES = MAX_STEPS * 4096
"""A line has about 1.5 kB."""


class _JournalledStep(Record):
    """A line of `steps.jsonl`."""

    model_config = Record.model_config | {"allow_inf_nan": True}  # a reward may be NaN

    step: int
    frame: tuple[int, int]
    image: tuple[
        Annotated[int, Field(ge=1, le=MAX_IMAGE_SIDE)],
        Annotated[int, Field(ge=1, le=MAX_IMAGE_SIDE)],
    ]
    numbers: list[float]
    integers: list[int]
    policy_version: str
    device_domain: str

    def row(self) -> StepRow:
        """What the episode keeps of it."""
        return StepRow(
            numbers=self.numbers,
            integers=self.integers,
            policy_version=self.policy_version,
            device_domain=self.device_domain,
        )


@dataclass(frozen=True, slots=True)
class _Remains:
    """Complete steps found in a staging folder."""

    rows: list[StepRow]
    spans: list[FrameSpan]
    image_shape: tuple[int, int]


def recover(
    files: FileSystem,
    layout: StoreLayout,
    episode_id: str,
    *,
    ending: Ending,
    reason: str,
    is_sync_doubtful: bool,
) -> Manifest | None:
    """Commit the complete steps of a staging folder as ABORTED and clear it away.

    `is_sync_doubtful`: a sync of the frames failed, or nobody knows; they are copied.

    Returns None where there was no step yet. StoreError or DataError: what lies there cannot be
    used. May be repeated after any failure.
    """
    staging = layout.staging(episode_id)
    if os.path.lexists(layout.episode(episode_id)):  # died between rename and clearing away
        files.remove(staging.folder)
        return None
    remains = _find_steps(layout, staging, episode_id)
    if not remains.rows:
        files.remove(staging.folder)
        files.sync_folder(layout.all_staging)
        return None
    header = _read_header(layout, episode_id)
    _keep_only_frames(files, staging)
    reopen = FrameWriter.copy if is_sync_doubtful else FrameWriter.resume
    frames = reopen(files, staging.frames, remains.spans)
    recording = Recording(
        header=header,
        signals=EpisodeSignals.from_rows(remains.rows),
        frames=frames,
        image_shape=remains.image_shape,
        label=Label(
            outcome=Outcome.ABORTED,
            author=STORE_AUTHOR,
            notes=reason,
            stamp_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        ),
        ending=ending,
    )
    try:
        return seal(files, layout, recording)
    finally:
        frames.close()


def _read_header(layout: StoreLayout, episode_id: str) -> EpisodeHeader:
    source = f"staging/{episode_id}/header.json"
    parts = (episode_id, "header.json")
    with _usable(source):
        data = read_inside(layout.all_staging, parts, limit=MAX_DOCUMENT_BYTES)
    document = parse_json(data, source=source)
    record = parse_record(document, HeaderRecord, source=source)
    if record.episode_id != episode_id:
        raise StoreError(f"{source} belongs to episode {record.episode_id}.")
    return record.value()


def _find_steps(layout: StoreLayout, staging: Staging, episode_id: str) -> _Remains:
    journalled = _read_journal(layout, episode_id)
    if not journalled:
        return _Remains([], [], (0, 0))
    shape = journalled[0].image
    spans = [FrameSpan(*line.frame) for line in journalled]
    parts = (episode_id, staging.group.name, *chunk_file(RGB).split("/"))
    with (
        _usable(f"staging/{episode_id} has {len(spans)} steps but their frames"),
        open_inside(layout.all_staging, parts) as descriptor,
    ):
        num_complete = count_intact(descriptor, spans, shape)
    if num_complete == 0:
        raise StoreError(f"staging/{episode_id} has {len(spans)} steps but not one intact frame.")
    rows = [line.row() for line in journalled[:num_complete]]
    return _Remains(rows, spans[:num_complete], shape)


@contextmanager
def _usable(what: str) -> Iterator[None]:
    """StoreError where a file is missing or a link: no other episode's repair waits for it."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            raise
        raise StoreError(f"{what} cannot be read: {error.strerror}.") from error


def _read_journal(layout: StoreLayout, episode_id: str) -> list[_JournalledStep]:
    """Lines that follow on each other without a gap."""
    try:
        parts = (episode_id, "steps.jsonl")
        data = read_inside(layout.all_staging, parts, limit=_MAX_JOURNAL_BYTES)
    except FileNotFoundError:
        return []
    steps: list[_JournalledStep] = []
    end = 0
    for record in parse_journal(data).records:
        try:
            step = parse_record(record, _JournalledStep, source=f"staging/{episode_id}/steps.jsonl")
            EpisodeSignals.from_rows([step.row()])
        except (StoreError, DataError):
            break
        if (step.step, step.frame[0]) != (len(steps), end) or step.frame[1] < 1:
            break
        if steps and step.image != steps[0].image:
            break
        end += step.frame[1]
        steps.append(step)
    return steps


def _keep_only_frames(files: FileSystem, staging: Staging) -> None:
    """Clear what a commit that failed half-way had written."""
    rgb: Path = staging.frames.parent
    for folder, keep in ((staging.group, rgb), (rgb, staging.frames)):
        for path in sorted(folder.iterdir()):
            if path != keep:
                files.remove(path)

"""Record one episode while the robot runs: steps are appended in `staging/`, then sealed.

A step costs 3 to 7 ms at 640x480 (encode, digest, two appends) and no fsync. What a crash of the
process leaves is complete up to its last acknowledged step, and `recovery` makes an aborted
episode of it.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from types import TracebackType
from typing import Self

from wvl_models.contract.episode import EpisodeHeader, Label, Step
from wvl_models.contract.errors import DataError, StoreError, WvlError
from wvl_models.episodes.arrays import EpisodeSignals
from wvl_models.episodes.filesystem import FileSystem, store_errors
from wvl_models.episodes.frames import FrameWriter
from wvl_models.episodes.journal import journal_line
from wvl_models.episodes.layout import StoreLayout
from wvl_models.episodes.records import Ending, HeaderRecord, Manifest, render_document
from wvl_models.episodes.recovery import recover
from wvl_models.episodes.rows import StepRow, row_of
from wvl_models.episodes.schema import RGB
from wvl_models.episodes.sealing import Recording, admit_label, seal

_LOGGER = logging.getLogger(__name__)


class WriterState(Enum):
    """Where an `EpisodeWriter` stands."""

    OPEN = "open"
    FAILED = "failed"
    """A write failed; only `abort` is left."""
    ENDED = "ended"


class EpisodeWriter:
    """Appends steps and ends in `commit` or `abort`; made by `EpisodeStore.begin`.

    One thread calls it. As a context manager it aborts whatever was not committed.
    """

    def __init__(
        self,
        files: FileSystem,
        layout: StoreLayout,
        header: EpisodeHeader,
        when_sealed: Callable[[Manifest], None],
    ) -> None:
        self._files = files
        self._layout = layout
        self._header = header
        self._when_sealed = when_sealed
        self._rows: list[StepRow] = []
        self._last_tick_ns: int | None = None
        self._image_shape: tuple[int, int] | None = None
        self._state = WriterState.OPEN
        with store_errors(f"begin episode {header.episode_id}"):
            self._frames, self._steps = _open_staging(files, layout, header)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._state is WriterState.ENDED:
            return
        try:
            self.abort("not committed" if error is None else f"{type(error).__name__}: {error}")
        except WvlError as failure:
            if error is None:
                raise
            _LOGGER.warning("%s", failure)

    @property
    def episode_id(self) -> str:
        """The episode's name, also of the folder it will get."""
        return self._header.episode_id

    @property
    def num_steps(self) -> int:
        """Steps appended so far."""
        return len(self._rows)

    @property
    def state(self) -> WriterState:
        """Whether steps may be appended."""
        return self._state

    def append(self, step: Step) -> None:
        """Add one step; when this returns, a crash of the process no longer loses it.

        DataError: the step does not fit the episode; nothing is written and the next one may.
        StoreError: the disk failed; only `abort` is left.
        """
        self._require_open("append to")
        self._check(step)
        row = row_of(step)
        rgb = step.observation.frame.rgb
        with self._writing(f"append step {self.num_steps} to"):
            span = self._frames.append(rgb)
            place = {"step": self.num_steps, "frame": [span.offset, span.num_bytes]}
            line = journal_line(place | {"image": list(rgb.shape[:2])} | row.as_json())
            self._files.write(self._steps, line)
        self._rows.append(row)
        self._last_tick_ns = step.observation.stamp_ns
        self._image_shape = (rgb.shape[0], rgb.shape[1])

    def commit(self, label: Label | None = None) -> str:
        """Seal the episode with its first label; on the disk when this returns its id."""
        self._require_open("commit")
        if self._image_shape is None:
            raise StoreError(f"episode {self.episode_id} has no steps; abort it instead.")
        label = None if label is None else admit_label(label, self.num_steps)
        recording = Recording(
            header=self._header,
            signals=EpisodeSignals.from_rows(self._rows),
            frames=self._frames,
            image_shape=self._image_shape,
            label=label,
            ending=Ending.COMMITTED,
        )
        with self._writing("commit"):
            descriptor, self._steps = self._steps, -1
            self._files.close(descriptor)
            manifest = seal(self._files, self._layout, recording)
        self._state = WriterState.ENDED
        self._when_sealed(manifest)
        return self.episode_id

    def abort(self, reason: str) -> str | None:
        """End the episode early. Its complete steps are kept and labelled ABORTED.

        Returns the id, or None where there was no step. StoreError: the disk still fails; the
        staging folder stays, and `EpisodeStore.repair` will do this later.
        """
        if self._state is WriterState.ENDED:
            raise StoreError(f"episode {self.episode_id} has ended already.")
        self._state = WriterState.ENDED
        with store_errors(f"abort episode {self.episode_id}"):
            self._close()
            manifest = recover(
                self._files,
                self._layout,
                self.episode_id,
                ending=Ending.ABORTED,
                reason=reason,
                is_sync_doubtful=self._frames.is_sync_doubtful,
            )
        if manifest is None:
            return None
        self._when_sealed(manifest)
        return self.episode_id

    @contextmanager
    def _writing(self, doing: str) -> Iterator[None]:
        try:
            with store_errors(f"{doing} episode {self.episode_id}"):
                yield
        except StoreError:
            self._state = WriterState.FAILED
            raise

    def _require_open(self, doing: str) -> None:
        if self._state is not WriterState.OPEN:
            raise StoreError(
                f"cannot {doing} episode {self.episode_id}: it has {self._state.value}."
                + (" Abort it." if self._state is WriterState.FAILED else "")
            )

    def _check(self, step: Step) -> None:
        observation = step.observation
        shape = observation.frame.rgb.shape[:2]
        if self._image_shape not in (None, shape):
            raise DataError(f"the image changed from {self._image_shape} to {shape} in an episode.")
        if self._last_tick_ns is not None and observation.stamp_ns <= self._last_tick_ns:
            raise DataError(
                f"step {self.num_steps} has tick {observation.stamp_ns} ns, not later than "
                f"{self._last_tick_ns} ns before it."
            )
        if observation.instruction != self._header.instruction:
            raise DataError(
                f"the observation's instruction {observation.instruction!r} is not the episode's "
                f"{self._header.instruction!r}."
            )
        if not (step.reward != step.reward or 0.0 <= step.reward <= 1.0):
            raise DataError(f"reward must lie in [0, 1] or be NaN, got {step.reward}.")

    def _close(self) -> None:
        self._frames.close()
        if self._steps >= 0:
            descriptor, self._steps = self._steps, -1
            self._files.close(descriptor)


def _open_staging(
    files: FileSystem, layout: StoreLayout, header: EpisodeHeader
) -> tuple[FrameWriter, int]:
    """Make the staging folder and its header durable; returns the two files to append to."""
    staging = layout.staging(header.episode_id)
    document = render_document(HeaderRecord.of(header).model_dump(mode="json"))
    files.make_folder(staging.folder)
    try:
        files.write_file(staging.header, document)
        files.make_folder(staging.group)
        files.make_folder(staging.group / RGB)
        frames = FrameWriter.create(files, staging.frames)
        steps = files.create(staging.steps)
        for folder in (staging.group, staging.folder, layout.all_staging):
            files.sync_folder(folder)
    except OSError:
        _remove_quietly(files, layout, header.episode_id)
        raise
    return frames, steps


def _remove_quietly(files: FileSystem, layout: StoreLayout, episode_id: str) -> None:
    """Undo a failed begin; where that fails too, `repair` removes the empty folder."""
    try:
        files.remove(layout.staging(episode_id).folder)
    except OSError as error:
        _LOGGER.warning("staging of %s stays: %s", episode_id, error)

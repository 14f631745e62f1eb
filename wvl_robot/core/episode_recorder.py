"""EpisodeRecorder: an EpisodeSink that writes in its own thread, so that no disk delays a tick.

Steps wait in a bounded queue. When the disk is too slow for it, or a write fails, the next `append`
raises: an episode with a hole in it must not go on.
"""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

from wvl_models.contract.episode import EpisodeHeader, Label, Step
from wvl_models.contract.errors import StoreError
from wvl_models.episodes.store import EpisodeStore
from wvl_models.episodes.writer import EpisodeWriter

_LOGGER = logging.getLogger(__name__)

MAX_QUEUED_STEPS = 50
"""Five seconds at 10 Hz, 46 MB of 640x480 frames."""


class EpisodeRecorder:
    """Records into an `EpisodeStore`; one episode at a time, called from the session's thread."""

    def __init__(self, store: EpisodeStore, max_queued_steps: int = MAX_QUEUED_STEPS) -> None:
        self._store, self._max_queued_steps = store, max_queued_steps
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="episode-writer")
        self._writer: EpisodeWriter | None = None
        self._queue_lock = threading.Lock()
        self._num_queued = 0
        self._failure: Exception | None = None

    @property
    def num_queued(self) -> int:
        """Steps that wait to be written."""
        return self._num_queued

    def start(self, header: EpisodeHeader) -> None:
        """Open an episode; StoreError where there is no room or no permission."""
        if self._writer is not None:
            raise StoreError(
                f"episode {self._writer.episode_id} is being recorded; finish or abort it first."
            )
        self._failure = None
        try:
            self._writer = self._thread.submit(self._store.begin, header).result()
        except RuntimeError as error:
            raise _ended(error) from error

    def append(self, step: Step) -> None:
        """Queue a step. StoreError: an earlier one could not be written, or the disk is behind."""
        writer = self._open_writer()
        self._raise_failure()
        if self._num_queued >= self._max_queued_steps:
            raise StoreError(
                f"the disk is too slow: {self._num_queued} steps wait to be written. "
                "Record to a faster disk, or smaller images."
            )
        try:
            self._thread.submit(self._write, writer, step)
        except RuntimeError as error:
            raise _ended(error) from error
        self._count(1)

    def finish(self, label: Label | None) -> str:
        """Commit and return the episode's id; blocks until it is safe on disk.

        StoreError where it cannot be; what was written is then kept as ABORTED.
        """
        writer = self._open_writer()
        try:
            return self._thread.submit(self._commit, writer, label).result()
        except Exception as error:
            self.abort(str(error))
            raise StoreError(f"episode {writer.episode_id} is not committed: {error}") from error
        finally:
            self._writer = None

    def abort(self, reason: str) -> None:
        """Keep what was written, as ABORTED; never raises. Without an episode it does nothing."""
        if self._writer is None:
            return
        writer, self._writer = self._writer, None
        try:
            self._thread.submit(writer.abort, reason).result()
        except Exception as error:  # whatever it is: the arm comes first, `repair` comes later
            _LOGGER.error("%s stays to be repaired: %s", writer.episode_id, error)

    def close(self) -> None:
        """End the thread; an episode that is still open is aborted."""
        self.abort("the recorder was closed")
        self._thread.shutdown()

    def _write(self, writer: EpisodeWriter, step: Step) -> None:
        """In the writer's thread; nothing is written after a failure."""
        try:
            if self._failure is None:
                writer.append(step)
        except Exception as error:
            self._failure = error
        finally:
            self._count(-1)

    def _commit(self, writer: EpisodeWriter, label: Label | None) -> str:
        """In the writer's thread, after every step that was queued."""
        self._raise_failure()
        return writer.commit(label)

    def _count(self, change: int) -> None:
        with self._queue_lock:
            self._num_queued += change

    def _open_writer(self) -> EpisodeWriter:
        if self._writer is None:
            raise StoreError("no episode is being recorded; start one first.")
        return self._writer

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise StoreError(f"a step could not be written: {self._failure}") from self._failure


def _ended(error: RuntimeError) -> StoreError:
    return StoreError(f"the thread that writes episodes has ended ({error}); restart the session.")

"""Row 10: the disk is full at byte k, becomes read-only, or cannot sync.

The recording goes through the session's own sink, so that what is tried is what runs on the arm:
no disk may do more to the session than raise StoreError.
"""

import errno
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from wvl_models.contract.errors import StoreError
from wvl_models.episodes.filesystem import FileSystem
from wvl_models.episodes.store import EpisodeStore
from wvl_robot.core.episode_recorder import EpisodeRecorder
from wvl_robot.faults.failing_disk import FailingDisk, fails_from, fails_once, full_after
from wvl_robot.faults.power_loss import PowerLossDisk, Survival
from wvl_robot.faults.promise import judge, promise
from wvl_robot.faults.sample_store import SUCCESS, contents, header_of, is_staging_empty, record
from wvl_robot.faults.store_operations import (
    Deed,
    Operation,
    after,
    before,
    draw_operation,
    perform,
    prepare,
    remains,
)
from wvl_robot.faults.trial import FaultRow, RowPlan, Trial

MOST_BYTES = 30_000
"""A recording of four steps writes some 25 kB."""

MOST_CALLS = 60
MOST_SYNCS = 10

WORST_EPISODE_BYTES = 64 << 20
"""As long as no larger one is in the store (`store._LEAST_FREE_BYTES`)."""


class FullDisk:
    """Row 10."""

    def __init__(self) -> None:
        self._kinds: Mapping[str, Callable[[np.random.Generator, Path], None]] = {
            "full": lambda draw, folder: _record_on(
                draw, folder, FailingDisk(full_after(int(draw.integers(MOST_BYTES))))
            ),
            "read-only": lambda draw, folder: _record_on(
                draw, folder, FailingDisk(fails_from(int(draw.integers(MOST_CALLS)), errno.EROFS))
            ),
            "full at any call": lambda draw, folder: _do_on(draw, folder, errno.ENOSPC),
            "error at any call": lambda draw, folder: _do_on(draw, folder, errno.EIO),
            "failed sync": _lose_what_a_failed_sync_dropped,
            "no room": _begin_without_room,
        }
        self.plan = RowPlan(
            number=10,
            title="full, read-only or failing disk",
            pass_line="refused in a sentence, never half committed; nothing else changes; "
            "all works once the disk does",
            kinds=tuple(self._kinds),
            per_change=10,
            nightly=1000,
        )

    def run(self, kind: str, seed: int, folder: Path) -> Trial:
        """See `FaultRow`."""

        def attempt() -> Mapping[str, float]:
            self._kinds[kind](np.random.default_rng(seed), folder)
            return {}

        return judge(self.plan, kind, seed, attempt)

    def close(self) -> None:
        """Nothing is shared."""


def open_row() -> FaultRow:
    """See `rows`."""
    return FullDisk()


def _record_on(draw: np.random.Generator, folder: Path, disk: FailingDisk) -> None:
    """A session records on a disk that fails for good."""
    operation = draw_operation(draw, Deed.RECORD, "new")
    root = _new_store(folder, operation)
    is_committed = _record_as_a_session(root, disk, operation)
    _judge(root, operation, is_done=is_committed, is_in_doubt=True)


def _record_as_a_session(root: Path, disk: FileSystem, operation: Operation) -> bool:
    """Whether the episode was acknowledged; the sink raises nothing but StoreError."""
    with EpisodeStore(root, disk) as store:
        recorder = EpisodeRecorder(store)
        try:
            recorder.start(header_of(operation.episode_id))
            for step in operation.steps:
                recorder.append(step)
            recorder.finish(SUCCESS)
        except StoreError as error:
            _require_sentence(error)
            return False
        finally:
            recorder.close()
    return True


def _do_on(draw: np.random.Generator, folder: Path, code: int) -> None:
    """Some deed on a disk that fails at one call and then works again."""
    deeds = list(Deed)
    operation = draw_operation(draw, deeds[int(draw.integers(len(deeds)))], "new")
    root = _new_store(folder, operation)
    disk = FailingDisk()
    prepare(root, disk, operation)
    disk.fault = fails_once(len(disk.calls) + int(draw.integers(MOST_CALLS)), code)
    is_done = True
    try:
        perform(root, disk, operation)
    except StoreError as error:
        _require_sentence(error)
        is_done = False
    _judge(root, operation, is_done=is_done)


def _lose_what_a_failed_sync_dropped(draw: np.random.Generator, folder: Path) -> None:
    """EIO on one fsync, the session goes on, and later the power fails."""
    (folder / "disk").mkdir()
    disk = PowerLossDisk(folder / "disk")
    root = folder / "disk" / "store"
    EpisodeStore.create(root, disk)
    operation = draw_operation(draw, Deed.RECORD, "new")
    disk.bad_sync = disk.num_syncs + int(draw.integers(MOST_SYNCS))
    is_committed = _record_as_a_session(root, disk, operation)
    with EpisodeStore(root, disk) as store:
        store.repair()
    acknowledged = contents(root).get(operation.episode_id)
    promise(not is_committed or acknowledged == after(operation), "a committed episode is lost")
    disk.lose_power(folder / "found", Survival.LOST, draw)
    found = contents(folder / "found" / "store").get(operation.episode_id)
    promise(found == acknowledged, f"{acknowledged} became {found} after the power loss")


def _begin_without_room(draw: np.random.Generator, folder: Path) -> None:
    """A disk with too little room, or just enough."""
    operation = draw_operation(draw, Deed.RECORD, "new")
    root = _new_store(folder, operation)
    num_free = int(WORST_EPISODE_BYTES * draw.uniform(0.0, 2.0))
    has_room = num_free >= WORST_EPISODE_BYTES
    is_committed = _record_as_a_session(root, SmallDisk(num_free), operation)
    promise(is_committed == has_room, f"{num_free} bytes free: committed is {is_committed}")
    _judge(root, operation, is_done=has_room)


class SmallDisk(FileSystem):
    """The real disk, which says that so many bytes are free."""

    def __init__(self, num_free: int) -> None:
        self._num_free = num_free

    def free_bytes(self, path: Path) -> int:
        """See `FileSystem`."""
        return self._num_free


def _new_store(folder: Path, operation: Operation) -> Path:
    root = folder / "store"
    with EpisodeStore.create(root, FailingDisk()) as store:
        record(store, "old", operation.steps)
    return root


def _require_sentence(error: StoreError) -> None:
    text = str(error)
    promise(bool(text) and "\n" not in text and "Traceback" not in text, f"no sentence: {text!r}")


def _judge(root: Path, operation: Operation, *, is_done: bool, is_in_doubt: bool = False) -> None:
    """What is in the store now, what a repair makes of it, and whether it can be used again.

    In doubt: the disk failed between the commit's rename and its sync, and again when the rename
    was taken back; the episode was refused and is there all the same, whole.
    """
    name, old = operation.episode_id, contents(root)["old"]
    with EpisodeStore(root, FailingDisk()) as store:
        store.repair()
        promise(is_staging_empty(root), "something is left in staging after the repair")
        found = contents(root)
        allowed = [after(operation)] if is_done else [before(operation), *remains(operation)]
        if is_in_doubt:
            allowed.append(after(operation))
        if operation.deed in (Deed.REPAIR, Deed.SET_ASIDE):
            allowed = [after(operation), before(operation)]
        promise(found.get(name) in allowed, f"done is {is_done}, but {name} is {found.get(name)}")
        promise(found["old"] == old, "another episode changed")
        record(store, "later", operation.steps)
    promise(contents(root)["later"] == old, "the store cannot be used again")

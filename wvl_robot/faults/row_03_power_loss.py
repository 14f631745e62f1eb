"""Row 3: the power goes at a random call of a store's life; simulated, see `power_loss`.

A trial is a new store and one deed after the other in random order; the cut comes anywhere in it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from wvl_models.episodes.store import EpisodeStore
from wvl_robot.faults.failing_disk import Crash, FailingDisk
from wvl_robot.faults.plain_row import PlainRow
from wvl_robot.faults.power_loss import PowerLossDisk, Survival
from wvl_robot.faults.promise import promise
from wvl_robot.faults.sample_store import contents, is_staging_empty
from wvl_robot.faults.store_operations import (
    Deed,
    Operation,
    after,
    before,
    draw_operation,
    perform,
    prepare,
    remains,
    require_kept_aside,
)
from wvl_robot.faults.trial import FaultRow, RowPlan

PLAN = RowPlan(
    number=3,
    title="power loss",
    pass_line="nothing acknowledged is lost or changed; what is there is whole",
    kinds=tuple(Survival),
    per_change=6,
    nightly=2000,
)

MOST_CALLS = 300
"""Calls of a long life; a shorter one loses its power after the end."""


def open_row() -> FaultRow:
    """See `rows`."""
    return PlainRow(PLAN, _attempt)


def _attempt(kind: str, seed: int, folder: Path) -> Mapping[str, float]:
    survival = Survival(kind)
    draw = np.random.default_rng(seed)
    deeds = list(Deed)
    draw.shuffle(deeds)
    operations = [draw_operation(draw, deed, f"e-{deed}") for deed in deeds]
    disk, num_done = _live(operations, folder / "disk", int(draw.integers(MOST_CALLS)))
    disk.lose_power(folder / "found", survival, draw)
    root = folder / "found" / "store"
    if num_done < 0:  # not even the store was acknowledged
        return {}
    with EpisodeStore(root, FailingDisk()) as store:
        store.repair()
    promise(is_staging_empty(root), "something is left in staging after the repair")
    _judge(root, operations[:num_done], operations[num_done : num_done + 1])
    return {"acknowledged": num_done}


def _live(operations: Sequence[Operation], folder: Path, cut_at: int) -> tuple[PowerLossDisk, int]:
    """The disk at the power cut, and how many deeds were acknowledged; -1: not even the store."""
    folder.mkdir()
    disk = PowerLossDisk(folder, cut_at)
    num_done = -1
    try:
        EpisodeStore.create(folder / "store", disk)
        num_done = 0
        for operation in operations:
            prepare(folder / "store", disk, operation)
            perform(folder / "store", disk, operation)
            num_done += 1
    except Crash:
        pass
    return disk, num_done


def _judge(root: Path, done: Sequence[Operation], begun: Sequence[Operation]) -> None:
    found = contents(root)
    for operation in done:
        name = operation.episode_id
        promise(
            found.get(name) == after(operation), f"{name} is lost or changed: {found.get(name)}"
        )
        if operation.deed is Deed.SET_ASIDE:
            require_kept_aside(root, operation)
    for operation in begun:  # its preparation may have been cut, too
        name = operation.episode_id
        allowed = [None, before(operation), after(operation), *remains(operation)]
        if operation.deed in (Deed.LABEL, Deed.UNDO, Deed.SET_ASIDE):
            allowed += remains(_as_recording(operation))
        promise(found.get(name) in allowed, f"{name} is in a third state: {found.get(name)}")
    known = {operation.episode_id for operation in (*done, *begun)}
    promise(found.keys() <= known, f"episodes out of nowhere: {sorted(found.keys() - known)}")


def _as_recording(operation: Operation) -> Operation:
    return Operation(deed=Deed.RECORD, episode_id=operation.episode_id, steps=operation.steps)

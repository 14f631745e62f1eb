"""Row 2: the process dies in every single call that changes the disk.

One trial goes through all calls of one operation, so that every call is met in `make test`; the
seed draws the episode and how much of the last write is torn. Real kills are row 1.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from wvl_models.episodes.store import EpisodeStore
from wvl_robot.faults.failing_disk import Crash, FailingDisk, crashes
from wvl_robot.faults.plain_row import PlainRow
from wvl_robot.faults.promise import promise
from wvl_robot.faults.sample_store import contents, draw_steps, is_staging_empty, record
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
    number=2,
    title="death in every call of a change",
    pass_line="the old state or the new one, never a third; no acknowledged step is lost",
    kinds=tuple(Deed),
    per_change=1,
    nightly=100,
)


def open_row() -> FaultRow:
    """See `rows`."""
    return PlainRow(PLAN, _attempt)


def _attempt(kind: str, seed: int, folder: Path) -> Mapping[str, float]:
    deed = Deed(kind)
    draw = np.random.default_rng(seed)
    operation = draw_operation(draw, deed, "new")
    with EpisodeStore.create(folder / "before", FailingDisk()) as store:
        record(store, "old", draw_steps(draw, 2))
    prepare(folder / "before", FailingDisk(), operation)
    num_calls = 0
    while _dies(operation, folder, num_calls, float(draw.uniform())):
        num_calls += 1
    promise(num_calls > 0, "the operation made no call that changes the disk")
    return {"calls": num_calls}


def _dies(operation: Operation, folder: Path, call: int, torn_share: float) -> bool:
    """Die in one call and judge; False where the operation has no such call."""
    root = folder / f"call-{call}"
    shutil.copytree(folder / "before", root)
    old = contents(root)["old"]
    disk = FailingDisk(crashes(call, torn_share))
    try:
        perform(root, disk, operation)
    except Crash:
        pass
    else:
        return False
    _judge(root, operation, f"after death in call {call} ({disk.calls[call]})")
    promise(contents(root)["old"] == old, f"another episode changed by death in call {call}")
    shutil.rmtree(root)
    return True


def _judge(root: Path, operation: Operation, when: str) -> None:
    name = operation.episode_id
    allowed = [before(operation), after(operation)]
    promise(contents(root).get(name) in allowed, f"a third state {when}, before the repair")
    with EpisodeStore(root, FailingDisk()) as store:
        store.repair()
    promise(is_staging_empty(root), f"something is left in staging {when}")
    if operation.deed is Deed.REPAIR:
        allowed = [after(operation)]
    else:
        allowed += remains(operation)
    found = contents(root)
    promise(found.keys() <= {"old", name}, f"episodes out of nowhere {when}: {sorted(found)}")
    promise(found.get(name) in allowed, f"a third state {when}, after the repair")
    if operation.deed is Deed.SET_ASIDE and name not in found:
        require_kept_aside(root, operation)

"""Row 13: committed episodes that were damaged or forged on the disk.

The episode is camera-like noise, whose images compress by nothing, so that its files are as large
as its arrays; memory is what tracemalloc sees (numpy included) on top of what was there.
"""

import gc
import tracemalloc
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from wvl_models.contract.errors import StoreError
from wvl_models.episodes.arrays import EpisodeArrays
from wvl_models.episodes.store import EpisodeStore
from wvl_models.episodes.verify import Damage
from wvl_robot.faults.failing_disk import FailingDisk
from wvl_robot.faults.mutations import MUTATIONS
from wvl_robot.faults.plain_row import PlainRow
from wvl_robot.faults.promise import promise
from wvl_robot.faults.sample_store import digest_of, draw_steps, header_of
from wvl_robot.faults.trial import FaultRow, RowPlan

PLAN = RowPlan(
    number=13,
    title="malformed Zarr",
    pass_line="named by verify, never read as other data, memory within twice the files",
    kinds=tuple(MUTATIONS),
    per_change=7,
    nightly=700,
)

NUM_STEPS = 24
SIDE = 128

SLACK_BYTES = 1 << 19
"""What any check costs: tables and documents in Python's own objects."""


def open_row() -> FaultRow:
    """See `rows`."""
    return PlainRow(PLAN, _attempt)


def _attempt(kind: str, seed: int, folder: Path) -> Mapping[str, float]:
    draw = np.random.default_rng(seed)
    arrays = EpisodeArrays.from_steps(draw_steps(draw, NUM_STEPS, side=SIDE))
    with EpisodeStore.create(folder / "store", FailingDisk()) as store:
        store.add(header_of("a"), arrays)
    num_bytes = store.facts("a").num_bytes
    named = MUTATIONS[kind](store.root / "episodes" / "a", draw)
    gc.collect()
    tracemalloc.start()
    try:
        damages = EpisodeStore(store.root).verify("a")
        read = _read_or_refuse(store)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    _require_named(damages, named)
    if read is not None:
        is_same = digest_of(read) == digest_of(arrays)
        promise(is_same, "damaged data were read as if they were whole")
    promise(
        peak_bytes <= 2 * num_bytes + SLACK_BYTES,
        f"{peak_bytes} bytes of memory for an episode of {num_bytes}",
    )
    return {"memory_per_file_bytes": peak_bytes / num_bytes}


def _require_named(damages: Sequence[Damage], named: str) -> None:
    promise(bool(damages), f"verify finds nothing wrong; {named} is")
    paths = [damage.path for damage in damages]
    promise(
        any(path.startswith(named) for path in paths) or "zarr.json" in paths,
        f"verify names {paths} and not {named}",
    )


def _read_or_refuse(store: EpisodeStore) -> EpisodeArrays | None:
    """None: refused, with the episode's name."""
    try:
        return EpisodeStore(store.root).read("a")
    except StoreError as error:
        promise("episode a" in str(error), f"refused without a name: {error}")
        return None

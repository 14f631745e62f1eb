"""The LeRobot data set format v3.0 as we write and read it: places, features, our own additions.

Read against lerobot 0.4.4 (`lerobot.datasets`); docs/decisions/010-exchange.md says what the real
package made of it. Names that begin with `wvl.` are ours: LeRobot's policies take what begins
with `observation` or `action` and leave the rest alone.

    meta/info.json                                  version, rate, features, templates of paths
    meta/stats.json  meta/tasks.parquet             figures; the instructions
    meta/episodes/chunk-000/file-000.parquet        a row for each episode
    data/chunk-000/file-000.parquet                 a row for each step
    videos/<feature>/chunk-000/file-000.mp4         many episodes one behind the other
    meta/wvl.json  README.md                        ours: what was exported, and what is lost
"""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from wvl_models.episodes.records import (
    Digest,
    Ending,
    HeaderRecord,
    LabelRecord,
    Record,
)
from wvl_models.episodes.schema import TABLES, Signal, Table

CODEBASE_VERSION = "v3.0"

INFO = "meta/info.json"
STATS = "meta/stats.json"
TASKS = "meta/tasks.parquet"
EPISODES = "meta/episodes"
DATA = "data"
README = "README.md"
OWN_DOCUMENT = "meta/wvl.json"

DATA_TEMPLATE = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
VIDEO_TEMPLATE = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"

FILES_PER_CHUNK = 1000
DATA_FILE_MB = 100
VIDEO_FILE_MB = 200
"""LeRobot's defaults."""

STATE = "observation.state"
ACTION = "action"
NEXT_REWARD = "next.reward"
NEXT_SUCCESS = "next.success"
NEXT_DONE = "next.done"
IMAGES = "observation.images."

OWN = "wvl."
"""Begins the names of the columns that hold what we recorded, bit for bit."""

OWN_SCHEMA = 1

STATE_NAMES = (
    *(f"joint_{k}_rad" for k in range(1, 8)),
    *("ee_x_m", "ee_y_m", "ee_z_m", "ee_qx", "ee_qy", "ee_qz", "ee_qw"),
    "gripper_width_m",
)

ACTION_NAMES = ("x_m", "y_m", "z_m", "qx", "qy", "qz", "qw", "gripper_open")

INDEX_FEATURES = {
    "timestamp": "float32",
    "frame_index": "int64",
    "episode_index": "int64",
    "index": "int64",
    "task_index": "int64",
}
"""What every LeRobot data set has."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FilePlace:
    """Which of the numbered files."""

    chunk: int = 0
    file: int = 0

    def next(self) -> "FilePlace":
        """The one after it."""
        if self.file + 1 < FILES_PER_CHUNK:
            return FilePlace(chunk=self.chunk, file=self.file + 1)
        return FilePlace(chunk=self.chunk + 1)

    def parts(self, *folder: str, suffix: str) -> tuple[str, ...]:
        """The path below the data set's root."""
        return (*folder, f"chunk-{self.chunk:03d}", f"file-{self.file:03d}.{suffix}")


class OwnEpisode(Record):
    """What an episode is beyond its steps: column `wvl/record` of `meta/episodes`, as JSON."""

    header: HeaderRecord
    digest: Digest
    ending: Ending
    policy_versions: tuple[str, ...]
    device_domains: tuple[str, ...]
    first_label: LabelRecord | None
    labels: tuple[LabelRecord, ...]
    """In force, oldest first; the last one is current."""


class OwnDocument(Record):
    """`meta/wvl.json`: marks a data set as ours and says what the export was."""

    schema_version: Annotated[int, Field(ge=1, le=OWN_SCHEMA)]
    camera: str
    """Feature with the images."""
    images: str
    """`png` is lossless, `av1` and `h264` are not."""
    encoder: str
    psnr_db: float | None
    """Of all decoded frames against the stored ones; None: nothing was lost."""
    worst_psnr_db: float | None
    snapshot_id: str
    software: str


def own_signals() -> tuple[tuple[Table, Signal], ...]:
    """Everything the store keeps of a step beside the image; columns `wvl.<name>`."""
    return tuple((table, signal) for table in TABLES for signal in table.signals)


def scalar_feature(dtype: str) -> dict[str, Any]:
    """A feature of one number (Any: JSON)."""
    return {"dtype": dtype, "shape": [1], "names": None}


def vector_feature(dtype: str, names: tuple[str, ...]) -> dict[str, Any]:
    """A feature of several numbers (Any: JSON)."""
    return {"dtype": dtype, "shape": [len(names)], "names": list(names)}

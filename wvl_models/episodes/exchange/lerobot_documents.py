"""What may be chosen about a LeRobot data set, and the documents that describe it."""

import json
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import version
from math import isfinite
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from wvl_models.contract.errors import ConfigError
from wvl_models.episodes.exchange import lerobot_format as layout
from wvl_models.episodes.exchange.card import data_set_card
from wvl_models.episodes.exchange.lerobot_format import OwnDocument
from wvl_models.episodes.exchange.lerobot_stats import Stats, as_json
from wvl_models.episodes.exchange.lerobot_tables import (
    index_features,
    own_features,
    plain_features,
)
from wvl_models.episodes.exchange.video import Codec, Loss

_MB = 1 << 20


class ImageCoding(StrEnum):
    """How images leave the store."""

    AV1 = "av1"
    """LeRobot's default; lossy, small."""
    H264 = "h264"
    """Lossy; plays everywhere."""
    PNG = "png"
    """Lossless, inside the parquet files; large."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LeRobotOptions:
    """What may be chosen about an export."""

    camera: str = "front"
    """The images become the feature `observation.images.<camera>`."""
    images: ImageCoding = ImageCoding.AV1
    data_file_bytes: int = layout.DATA_FILE_MB * _MB
    video_file_bytes: int = layout.VIDEO_FILE_MB * _MB

    def __post_init__(self) -> None:
        if not self.camera.replace("_", "").isalnum():
            raise ConfigError(
                f"a camera is named with letters, digits and underscores, not {self.camera!r}."
            )

    @property
    def feature(self) -> str:
        """Of the images."""
        return layout.IMAGES + self.camera

    @property
    def codec(self) -> Codec | None:
        """None where pictures are kept one by one."""
        return None if self.images is ImageCoding.PNG else Codec(self.images.value)


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """What a data set came to hold."""

    options: LeRobotOptions
    rate_hz: int
    shape: tuple[int, int]
    """Height and width."""
    has_state: bool
    num_episodes: int
    num_steps: int
    tasks: dict[str, int]
    """Number of each instruction."""
    stats: dict[str, Stats]
    snapshot_id: str


def write_documents(root: Path, content: Content, loss: Loss) -> None:
    """Everything that is known only at the end."""
    info = _info(content)
    options = content.options
    own = OwnDocument(
        schema_version=layout.OWN_SCHEMA,
        camera=options.feature,
        images=options.images.value,
        encoder="" if options.codec is None else f"{options.codec.encoder} {options.codec.options}",
        psnr_db=finite(loss.psnr_db),
        worst_psnr_db=finite(loss.worst_psnr_db),
        snapshot_id=content.snapshot_id,
        software=f"world-vla-loop {version('world-vla-loop')}, PyAV {version('av')}",
    )
    _write_json(root / layout.INFO, info)
    _write_json(root / layout.STATS, as_json(content.stats))
    _write_json(root / layout.OWN_DOCUMENT, own.model_dump(mode="json"))
    (root / layout.README).write_text(data_set_card(info, own), encoding="utf-8")
    pq.write_table(_task_table(content.tasks), root / layout.TASKS)


def _info(content: Content) -> dict[str, Any]:
    """`meta/info.json` (Any: JSON)."""
    num_episodes = content.num_episodes
    features = plain_features(has_state=content.has_state) | index_features() | own_features()
    return {
        "codebase_version": layout.CODEBASE_VERSION,
        "robot_type": "franka",
        "total_episodes": num_episodes,
        "total_frames": content.num_steps,
        "total_tasks": len(content.tasks),
        "chunks_size": layout.FILES_PER_CHUNK,
        "data_files_size_in_mb": layout.DATA_FILE_MB,
        "video_files_size_in_mb": layout.VIDEO_FILE_MB,
        "fps": content.rate_hz,
        "splits": {"train": f"0:{num_episodes}"},
        "data_path": layout.DATA_TEMPLATE,
        "video_path": None if content.options.codec is None else layout.VIDEO_TEMPLATE,
        "features": {content.options.feature: _image_feature(content)} | features,
    }


def _image_feature(content: Content) -> dict[str, Any]:
    """The images in `info.json` (Any: JSON)."""
    codec, (height, width) = content.options.codec, content.shape
    feature: dict[str, Any] = {
        "dtype": "image" if codec is None else "video",
        "shape": [height, width, 3],
        "names": ["height", "width", "channels"],
    }
    if codec is None:
        return feature
    return feature | {
        "info": {
            "video.height": height,
            "video.width": width,
            "video.codec": codec.value,
            "video.pix_fmt": "yuv420p",
            "video.is_depth_map": False,
            "video.fps": content.rate_hz,
            "video.channels": 3,
            "has_audio": False,
        }
    }


def _task_table(tasks: dict[str, int]) -> pa.Table:
    """Instructions by number; pandas, with which LeRobot reads it, makes the text the index."""
    table = pa.table({"task_index": list(tasks.values()), "task": list(tasks)})
    kinds = {"task_index": ("int64", "int64"), "task": ("unicode", "object")}
    columns = [
        {"name": n, "field_name": n, "pandas_type": p, "numpy_type": k, "metadata": None}
        for n, (p, k) in kinds.items()
    ]
    about = {"index_columns": ["task"], "column_indexes": [], "columns": columns}
    return table.replace_schema_metadata({"pandas": json.dumps(about)})


def finite(psnr_db: float) -> float | None:
    """Decibels to write down; None for no loss."""
    return round(psnr_db, 2) if isfinite(psnr_db) else None


def _write_json(path: Path, data: Any) -> None:
    """Any: JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=1, allow_nan=False) + "\n", encoding="utf-8")

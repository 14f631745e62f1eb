"""One episode of the store as the rows and figures of a LeRobot data set. Nothing of the disk."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from wvl_models.contract.camera import F32
from wvl_models.contract.episode import Outcome
from wvl_models.episodes.arrays import EpisodeArrays, EpisodeSignals
from wvl_models.episodes.exchange import lerobot_format as layout
from wvl_models.episodes.exchange.lerobot_format import (
    FilePlace,
    OwnEpisode,
    own_signals,
    scalar_feature,
    vector_feature,
)
from wvl_models.episodes.exchange.lerobot_stats import Stats, image_stats, vector_stats
from wvl_models.episodes.exchange.pictures import encode_png

_MEASURED = ("joint_positions_rad", "ee_pose", "gripper_width_m")

_PICTURE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
"""How the `datasets` library keeps an image in a table."""


def is_measured(signals: EpisodeSignals) -> bool:
    """Whether everything that `observation.state` holds was measured."""
    return not any(np.isnan(getattr(signals, name)).any() for name in _MEASURED)


def plain_features(*, has_state: bool) -> dict[str, dict[str, Any]]:
    """The features that LeRobot's own tools look at, but for images and indices (Any: JSON)."""
    state = {layout.STATE: vector_feature("float32", layout.STATE_NAMES)} if has_state else {}
    return state | {
        layout.ACTION: vector_feature("float32", layout.ACTION_NAMES),
        layout.NEXT_REWARD: scalar_feature("float32"),
        layout.NEXT_SUCCESS: scalar_feature("bool"),
        layout.NEXT_DONE: scalar_feature("bool"),
    }


def index_features() -> dict[str, dict[str, Any]]:
    """The features that count steps, episodes and tasks (Any: JSON)."""
    return {name: scalar_feature(dtype) for name, dtype in layout.INDEX_FEATURES.items()}


def own_features() -> dict[str, dict[str, Any]]:
    """The features that hold what the store holds (Any: JSON)."""
    features = {}
    for table, signal in own_signals():
        names = tuple(f"{signal.name}_{k}" for k in range(signal.width))
        dtype = signal.dtype or table.dtype
        features[layout.OWN + signal.name] = (
            scalar_feature(dtype) if signal.width == 1 else vector_feature(dtype, names)
        )
    return features


def plain_columns(
    arrays: EpisodeSignals, rewards: F32, *, has_state: bool
) -> dict[str, NDArray[Any]]:
    """The values of `plain_features` (Any: one dtype each).

    Our reward k says whether observation k is a success state; LeRobot's belongs to the state
    that action k leads to, so it is ours one step later. Where the last action led is not on
    record: the state before it stands in.
    """
    is_last = np.arange(arrays.num_steps) == arrays.num_steps - 1
    following = np.append(rewards[1:], rewards[-1:]).astype(np.float32)
    columns: dict[str, NDArray[Any]] = {}
    if has_state:
        parts = [getattr(arrays, name).reshape(arrays.num_steps, -1) for name in _MEASURED]
        columns[layout.STATE] = np.concatenate(parts, axis=1).astype(np.float32)
    return columns | {
        layout.ACTION: arrays.sent.astype(np.float32),
        layout.NEXT_REWARD: following,
        layout.NEXT_SUCCESS: following > 0.5,
        layout.NEXT_DONE: is_last,
    }


def index_columns(
    num_steps: int, *, rate_hz: int, episode: int, first: int, task: int
) -> dict[str, NDArray[Any]]:
    """The values of `index_features` (Any: one dtype each); time counts from the first step.

    The clocks of the recording are in `wvl.tick_ns` and its neighbours.
    """
    steps = np.arange(num_steps)
    return {
        "timestamp": (steps / rate_hz).astype(np.float32),
        "frame_index": steps,
        "episode_index": np.full(num_steps, episode),
        "index": first + steps,
        "task_index": np.full(num_steps, task),
    }


def step_table(
    arrays: EpisodeArrays, columns: dict[str, NDArray[Any]], picture_feature: str | None
) -> pa.Table:
    """The rows of one episode in `data/`; with pictures inside where a feature is named."""
    own = {layout.OWN + s.name: getattr(arrays, s.name) for _, s in own_signals()}
    fields = {name: _column(values) for name, values in (columns | own).items()}
    if picture_feature is not None:
        pictures = [{"bytes": encode_png(rgb), "path": None} for rgb in arrays.rgb]
        fields[picture_feature] = pa.array(pictures, type=_PICTURE)
    return pa.table(fields)


def episode_stats(
    arrays: EpisodeArrays, columns: dict[str, NDArray[Any]], camera: str
) -> dict[str, Stats]:
    """Figures of everything that LeRobot's tools may normalise with."""
    stats = {name: vector_stats(values) for name, values in columns.items()}
    return stats | {camera: image_stats(arrays.rgb)}


def episode_row(
    *,
    index: int,
    first: int,
    num_steps: int,
    own: OwnEpisode,
    stats: dict[str, Stats],
    data: FilePlace,
    video: tuple[str, FilePlace, float, float] | None,
) -> dict[str, Any]:
    """One row of `meta/episodes` (Any: JSON); `video` is feature, file, begin and end in it (s)."""
    row: dict[str, Any] = {
        "episode_index": index,
        "tasks": [own.header.instruction],
        "length": num_steps,
        "data/chunk_index": data.chunk,
        "data/file_index": data.file,
        "dataset_from_index": first,
        "dataset_to_index": first + num_steps,
    }
    if video is not None:
        feature, place, begin_s, end_s = video
        row |= {
            f"videos/{feature}/chunk_index": place.chunk,
            f"videos/{feature}/file_index": place.file,
            f"videos/{feature}/from_timestamp": begin_s,
            f"videos/{feature}/to_timestamp": end_s,
        }
    for name, figures in stats.items():
        row |= {f"stats/{name}/{figure}": value.tolist() for figure, value in figures.items()}
    return row | _own_columns(own)


def _own_columns(own: OwnEpisode) -> dict[str, Any]:
    """What a person may want to filter by, and the whole as JSON (Any: JSON)."""
    current = own.labels[-1] if own.labels else None
    outcome: Outcome | None = None if current is None else current.outcome
    return {
        "wvl/episode_id": own.header.episode_id,
        "wvl/task": own.header.task,
        "wvl/outcome": "" if outcome is None else outcome.value,
        "wvl/label_author": "" if current is None else current.author,
        "wvl/origin": own.header.origin.value,
        "wvl/operator": own.header.operator,
        "wvl/calibration_id": own.header.calibration.calibration_id,
        "wvl/policy_versions": ",".join(v for v in own.policy_versions if v),
        "wvl/digest": own.digest,
        "wvl/record": own.model_dump_json(),
    }


def _column(values: NDArray[Any]) -> pa.Array:
    """[T] as numbers, [T, width] as lists of that fixed length (Any: any number)."""
    native = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("="), copy=False)
    if native.ndim == 1:
        return pa.array(native)
    return pa.FixedSizeListArray.from_arrays(pa.array(native.ravel()), native.shape[1])

"""What one episode looks like on disk: three Zarr v3 arrays in one group, and what each column is.

    <episode_id>/zarr.json               group; attribute `wvl` is the manifest, written last
    <episode_id>/rgb/c.0.0.0.0           [T, H, W, 3] uint8, one shard, one frame per inner chunk
    <episode_id>/floats/c.0.0            [T, 53] float64: robot, setpoints, reward
    <episode_id>/integers/c.0.0          [T, 14] int64: codes, booleans, every clock
    <episode_id>/<array>/zarr.json       shape, codecs, and in `signals` which columns are what

For example, `group = zarr.open(folder); group["floats"].attrs["signals"]["target"]["columns"]`
says [28, 36], and `group["floats"][:, 28:36]` are the targets. Three arrays and not twenty-five,
because every array costs two files, a folder and three fsyncs
(docs/decisions/005-episode-store.md). Every chunk ends in a crc32c.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from wvl_models.contract.observation import RobotMode
from wvl_models.contract.verdict import Reason, Verdict

SCHEMA_VERSION = 1

ROBOT_MODES: tuple[RobotMode, ...] = tuple(RobotMode)
"""Codes of `robot_mode` on disk. Append, never reorder."""

ZSTD_LEVEL = 1
"""17x on rendered frames at 0.9 ms per 640x480, 1.1x on camera noise at 1.1 ms; level 3 gains 5 %
for 1.5 times the time (docs/decisions/005-episode-store.md)."""

RGB = "rgb"
GROUP_DOCUMENT = "zarr.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Signal:
    """One named quantity per step, and how many columns of a table hold it."""

    name: str
    meaning: str
    width: int = 1
    """1 is handed out as [T], more as [T, width]."""
    dtype: str = ""
    """In memory, where it differs from the table's."""
    may_be_unmeasured: bool = False
    """NaN in every step where the source has no such sensor (imagination)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """One array [T, columns] and the signals side by side in it."""

    name: str
    dtype: str
    signals: tuple[Signal, ...]

    @property
    def num_columns(self) -> int:
        """Columns of all signals together."""
        return sum(signal.width for signal in self.signals)

    def columns(self) -> dict[str, tuple[int, int]]:
        """First and last (exclusive) column of each signal."""
        ranges, first = {}, 0
        for signal in self.signals:
            ranges[signal.name] = (first, first + signal.width)
            first += signal.width
        return ranges

    def num_bytes(self, num_steps: int) -> int:
        """Size of the array without its checksum."""
        return num_steps * self.num_columns * np.dtype(self.dtype).itemsize


def _measured(name: str, width: int, meaning: str) -> Signal:
    return Signal(name=name, width=width, meaning=meaning, may_be_unmeasured=True)


def _setpoint(name: str, meaning: str) -> Signal:
    row = "position (m), quaternion xyzw, gripper (1 open, 0 closed), in base"
    return Signal(name=name, width=8, meaning=f"{meaning}: {row}")


FLOATS = Table(
    name="floats",
    dtype="float64",
    signals=(
        _measured("joint_positions_rad", 7, "measured"),
        _measured("joint_velocities_radps", 7, "measured"),
        _measured("ee_pose", 7, "measured base_T_ee: position (m), quaternion xyzw"),
        _measured("wrench", 6, "estimated external force (N) and torque (Nm) in base"),
        _measured("gripper_width_m", 1, "measured opening"),
        _setpoint("target", "in force at the observation"),
        _setpoint("decided", "asked for by operator or policy"),
        _setpoint("sent", "what left the safety gate"),
        Signal(
            name="reward",
            dtype="float32",
            meaning="1 where the observation shows a success state, NaN where nobody could tell; "
            "as recorded: labels lie beside the episodes",
        ),
    ),
)

INTEGERS = Table(
    name="integers",
    dtype="int64",
    signals=(
        Signal(name="gripper_is_grasped", dtype="bool", meaning="measured, 0 or 1"),
        Signal(name="robot_mode", meaning="code, see legend"),
        Signal(name="verdict", meaning="of the safety gate, see legend"),
        Signal(name="reason", meaning="of the safety gate, see legend"),
        Signal(name="is_intervention", dtype="bool", meaning="1: a human overrode the policy"),
        Signal(name="tick_ns", meaning="of the session, monotonic"),
        Signal(name="frame_ns", meaning="arrival of the frame, monotonic"),
        Signal(name="frame_device_ns", meaning="the camera's clock, in its domain"),
        Signal(name="frame_number", meaning="the camera's counter; a gap is a lost frame"),
        Signal(name="robot_ns", meaning="reading of the arm, monotonic"),
        Signal(name="decided_ns", meaning="monotonic"),
        Signal(name="sent_ns", meaning="monotonic"),
        Signal(name="policy_version", meaning="index into the group's `policy_versions`"),
        Signal(name="device_domain", meaning="index into the group's `device_domains`"),
    ),
)

TABLES: tuple[Table, ...] = (FLOATS, INTEGERS)

ARRAYS: tuple[str, ...] = (RGB, *(table.name for table in TABLES))

_LEGEND = {
    "robot_mode": [mode.value for mode in ROBOT_MODES],
    "verdict": {verdict.name: verdict.value for verdict in Verdict},
    "reason": {reason.name: reason.value for reason in Reason},
}

_BYTES_CODEC: dict[str, Any] = {"name": "bytes", "configuration": {"endian": "little"}}
_CRC_CODEC: dict[str, Any] = {"name": "crc32c"}


def chunk_file(array: str) -> str:
    """Path inside the group of the one chunk of an array."""
    return "rgb/c.0.0.0.0" if array == RGB else f"{array}/c.0.0"


def array_document(array: str, num_steps: int, height: int, width: int) -> dict[str, Any]:
    """The `zarr.json` of an array (Any: JSON); a function of the episode's size alone."""
    if array == RGB:
        return _rgb_document((num_steps, height, width, 3))
    table = next(t for t in TABLES if t.name == array)
    shape = [num_steps, table.num_columns]
    signals = {
        signal.name: {"columns": list(columns), "meaning": signal.meaning}
        for signal, columns in zip(table.signals, table.columns().values(), strict=True)
    }
    attributes: dict[str, Any] = {"signals": signals}
    if table is INTEGERS:
        attributes["legend"] = _LEGEND
    return {
        **_array_frame(shape, table.dtype, attributes),
        "fill_value": 0.0 if table is FLOATS else 0,
        "codecs": [_BYTES_CODEC, _CRC_CODEC],
        "dimension_names": ["step", "column"],
    }


def _rgb_document(shape: tuple[int, ...]) -> dict[str, Any]:
    """One shard, so that frames are appended to one file and a window is one read."""
    zstd = {"name": "zstd", "configuration": {"level": ZSTD_LEVEL, "checksum": False}}
    sharding = {
        "name": "sharding_indexed",
        "configuration": {
            "chunk_shape": [1, *shape[1:]],
            "codecs": [{"name": "bytes"}, zstd, _CRC_CODEC],
            "index_codecs": [_BYTES_CODEC, _CRC_CODEC],
            "index_location": "end",
        },
    }
    attributes = {"meaning": "camera frames, RGB, undistorted"}
    return {
        **_array_frame(list(shape), "uint8", attributes),
        "fill_value": 0,
        "codecs": [sharding],
        "dimension_names": ["step", "row", "column", "channel"],
    }


def _array_frame(shape: list[int], dtype: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """What all arrays share; each is one chunk."""
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": shape,
        "data_type": dtype,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": shape}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "."}},
        "attributes": dict(attributes),
        "storage_transformers": [],
    }

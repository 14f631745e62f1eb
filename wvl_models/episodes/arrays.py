"""An episode in memory: one read-only numpy array per signal, validated. Nothing of the disk.

`EpisodeSignals` is everything but the images (what labels, statistics and plots need);
`EpisodeArrays` adds them. T is the number of steps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from wvl_models.contract.camera import F32
from wvl_models.contract.episode import Step
from wvl_models.contract.errors import DataError
from wvl_models.contract.observation import U8, CameraFrame, Observation, RobotState
from wvl_models.contract.pose import Pose, Setpoint
from wvl_models.contract.rotation import F64
from wvl_models.contract.verdict import Reason, Verdict
from wvl_models.episodes.rows import StepRow, columns_of, row_of
from wvl_models.episodes.schema import ROBOT_MODES, TABLES, Signal, Table

I64 = NDArray[np.int64]
Bools = NDArray[np.bool_]

_UNIT_TOLERANCE = 1e-3
"""As `contract.pose`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EpisodeSignals:
    """T steps without their images. Arrays are views, made read-only; do not write the originals.

    Robot signals may be NaN in all steps (imagination has no joints), never in some.
    """

    joint_positions_rad: F64  # [T, 7]
    joint_velocities_radps: F64  # [T, 7]
    ee_pose: F64  # [T, 7] measured base_T_ee: position, quaternion xyzw
    wrench: F64  # [T, 6]
    gripper_width_m: F64  # [T]
    gripper_is_grasped: Bools  # [T]
    target: F64  # [T, 8] Setpoint rows in force at the observation
    decided: F64  # [T, 8]
    sent: F64  # [T, 8]
    verdict: I64  # [T] codes of contract.verdict
    reason: I64  # [T]
    reward: F32  # [T] in [0, 1], NaN unknown
    is_intervention: Bools  # [T]
    robot_mode: I64  # [T] index into schema.ROBOT_MODES
    policy_version: I64  # [T] index into policy_versions
    device_domain: I64  # [T] index into device_domains
    tick_ns: I64  # [T] strictly increasing
    frame_ns: I64  # [T]
    frame_device_ns: I64  # [T]
    frame_number: I64  # [T]
    robot_ns: I64  # [T]
    decided_ns: I64  # [T]
    sent_ns: I64  # [T]
    policy_versions: tuple[str, ...] = ("",)
    device_domains: tuple[str, ...] = ("",)

    def __post_init__(self) -> None:
        num_steps = len(self.tick_ns)
        if num_steps < 1:
            raise DataError("an episode needs at least one step.")
        for table in TABLES:
            for signal in table.signals:
                array = _checked(signal, table, getattr(self, signal.name), num_steps)
                object.__setattr__(self, signal.name, array)
        _check_values(self)

    @property
    def num_steps(self) -> int:
        """T."""
        return len(self.tick_ns)

    def tables(self) -> dict[str, NDArray[Any]]:
        """The arrays of the schema, contiguous (Any: one dtype each)."""
        tables = {}
        for table in TABLES:
            columns = [
                getattr(self, signal.name).reshape(self.num_steps, -1) for signal in table.signals
            ]
            dtype = np.dtype(table.dtype).newbyteorder("<")
            tables[table.name] = np.concatenate(columns, axis=1, dtype=dtype)
        return tables

    @classmethod
    def from_steps(cls, steps: Sequence[Step]) -> Self:
        """The signals of a recording; on `EpisodeArrays` with the images."""
        return cls(**columns_of([row_of(step) for step in steps]))

    @classmethod
    def from_rows(cls, rows: Sequence[StepRow]) -> "EpisodeSignals":
        """The signals of journalled steps; DataError where a row does not fit."""
        return EpisodeSignals(**columns_of(rows))

    def setpoint(self, signal: str, step: int) -> Setpoint:
        """`target`, `decided` or `sent` of one step."""
        return Setpoint.from_row(getattr(self, signal)[step])


def signals_of_tables(tables: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The columns of stored tables by signal; undoes `EpisodeSignals.tables` (Any: dtypes)."""
    values: dict[str, NDArray[Any]] = {}
    for table in TABLES:
        array = tables[table.name]
        for signal, (first, last) in zip(table.signals, table.columns().values(), strict=True):
            values[signal.name] = array[:, first] if signal.width == 1 else array[:, first:last]
    return values


@dataclass(frozen=True, kw_only=True, slots=True)
class EpisodeArrays(EpisodeSignals):
    """T steps with their images."""

    rgb: U8  # [T, H, W, 3]

    def __post_init__(self) -> None:
        # The zero-argument super() does not work in a dataclass with slots.
        EpisodeSignals.__post_init__(self)
        rgb = np.asarray(self.rgb)
        if rgb.dtype != np.uint8 or rgb.ndim != 4 or rgb.shape[3] != 3 or 0 in rgb.shape:
            raise DataError(f"rgb must be uint8 [T, H, W, 3], got {rgb.dtype} {rgb.shape}.")
        if len(rgb) != self.num_steps:
            raise DataError(f"rgb has {len(rgb)} frames for {self.num_steps} steps.")
        object.__setattr__(self, "rgb", _read_only(rgb))

    @classmethod
    def from_steps(cls, steps: Sequence[Step]) -> Self:
        """The arrays of a recording."""
        columns = columns_of([row_of(step) for step in steps])
        return cls(rgb=np.stack([step.observation.frame.rgb for step in steps]), **columns)

    def step(self, index: int, instruction: str) -> Step:
        """One step as the session saw it; DataError where the robot was not measured."""
        mode = ROBOT_MODES[int(self.robot_mode[index])]
        robot = RobotState(
            stamp_ns=int(self.robot_ns[index]),
            joint_positions_rad=self.joint_positions_rad[index],
            joint_velocities_radps=self.joint_velocities_radps[index],
            base_T_ee=_pose(self.ee_pose[index]),
            wrench=self.wrench[index],
            gripper_width_m=float(self.gripper_width_m[index]),
            gripper_is_grasped=bool(self.gripper_is_grasped[index]),
            mode=mode,
        )
        frame = CameraFrame(
            stamp_ns=int(self.frame_ns[index]),
            rgb=self.rgb[index],
            frame_number=int(self.frame_number[index]),
            device_stamp_ns=int(self.frame_device_ns[index]),
            device_domain=self.device_domains[int(self.device_domain[index])],
        )
        return Step(
            observation=Observation(
                stamp_ns=int(self.tick_ns[index]),
                frame=frame,
                robot=robot,
                target=self.setpoint("target", index),
                instruction=instruction,
            ),
            decided=self.setpoint("decided", index),
            sent=self.setpoint("sent", index),
            verdict=Verdict(int(self.verdict[index])),
            reason=Reason(int(self.reason[index])),
            reward=float(self.reward[index]),
            is_intervention=bool(self.is_intervention[index]),
            policy_version=self.policy_versions[int(self.policy_version[index])],
            decided_ns=int(self.decided_ns[index]),
            sent_ns=int(self.sent_ns[index]),
        )


def _pose(row: F64) -> Pose:
    return Pose(position_m=row[:3], quaternion_xyzw=row[3:])


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    view = array.view()
    view.setflags(write=False)
    return view


def _checked(signal: Signal, table: Table, value: Any, num_steps: int) -> NDArray[Any]:
    """Shape, dtype without loss, and finite where it must be (Any: what a caller passed)."""
    array = np.asarray(value)
    shape = (num_steps,) if signal.width == 1 else (num_steps, signal.width)
    if array.shape != shape:
        raise DataError(f"{signal.name} must have shape {shape}, got {array.shape}.")
    dtype = np.dtype(signal.dtype or table.dtype)
    if array.dtype != dtype:
        with np.errstate(invalid="ignore", over="ignore"):
            converted = array.astype(dtype)
        if dtype != np.float32 and not np.array_equal(
            converted, array, equal_nan=dtype.kind == "f"
        ):
            raise DataError(f"{signal.name} must be {dtype}, got {array.dtype} that does not fit.")
        array = converted
    if dtype.kind == "f" and signal.name != "reward":
        is_missing = signal.may_be_unmeasured and bool(np.isnan(array).all())
        if not is_missing and not np.isfinite(array).all():
            raise DataError(f"{signal.name} must be finite in every step.")
    return _read_only(array)


def _check_values(signals: EpisodeSignals) -> None:
    if (np.diff(signals.tick_ns) <= 0).any():
        raise DataError("tick_ns must increase from step to step.")
    reward = signals.reward[~np.isnan(signals.reward)]
    if ((reward < 0) | (reward > 1)).any():
        raise DataError("reward must lie in [0, 1], or be NaN where nobody can tell.")
    for name in ("target", "decided", "sent"):
        rows = getattr(signals, name)
        if (np.abs(np.linalg.norm(rows[:, 3:7], axis=1) - 1.0) > _UNIT_TOLERANCE).any():
            raise DataError(f"{name} must hold unit quaternions in columns 3 to 6.")
        if not np.isin(rows[:, 7], (0.0, 1.0)).all():
            raise DataError(f"{name} must hold a gripper of 0 or 1 in column 7.")
    for name, num_codes in (
        ("robot_mode", len(ROBOT_MODES)),
        ("verdict", len(Verdict)),
        ("reason", len(Reason)),
        ("policy_version", len(signals.policy_versions)),
        ("device_domain", len(signals.device_domains)),
    ):
        codes = getattr(signals, name)
        if ((codes < 0) | (codes >= num_codes)).any():
            raise DataError(f"{name} must be a code below {num_codes}.")

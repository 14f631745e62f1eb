"""Episodes of somebody else's LeRobot data set, under a mapping that says what is what.

What the data set does not hold is recorded as unknown and never invented: measurements and
rewards as NaN, the one clock of the data set for every clock, `OTHER` as the robot's mode, no
grasp, and a verdict of PASS, because no gate of ours stood in between. The header's notes say so.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wvl_models.contract.camera import F32, CameraCalibration, Intrinsics
from wvl_models.contract.episode import EpisodeHeader, Label, Outcome, intervals_of
from wvl_models.contract.errors import ConfigError, DataError
from wvl_models.contract.observation import RobotMode
from wvl_models.contract.pose import Pose
from wvl_models.contract.rotation import F64
from wvl_models.episodes.arrays import EpisodeArrays
from wvl_models.episodes.exchange.foreign_motion import (
    Columns,
    is_open,
    poses_of,
    setpoints_of,
    take,
)
from wvl_models.episodes.exchange.importing import Arrival
from wvl_models.episodes.exchange.lerobot_dataset import LeRobotDataSet
from wvl_models.episodes.exchange.lerobot_info import Entry
from wvl_models.episodes.exchange.mapping import JointColumns, Mapping
from wvl_models.episodes.records import check_episode_id
from wvl_models.episodes.schema import ROBOT_MODES

AUTHOR = "import"
"""Of labels that the data set or the mapping states."""

CLOCK = "lerobot"
"""Domain of the only clock that such a data set has: seconds since its episode began."""

_FIRST_TICK_NS = 1_000_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class _Steps:
    """Which steps of the data set become steps of the episode."""

    observed: NDArray[np.int64]
    """Index of each observation."""
    led: NDArray[np.int64]
    """Index of the last action before the next observation."""


def foreign_arrivals(
    data_set: LeRobotDataSet, mapping: Mapping, name: str | None = None
) -> Iterator[Arrival]:
    """Every episode, named `<name>-000000` and on; the folder's name where none is given.

    ConfigError or DataError, before anything is read, where the mapping does not fit.
    """
    prefix = check_episode_id(name or data_set.name)
    every = _stride(data_set, mapping)
    calibration = _calibration(data_set, mapping)
    for feature in mapping.features():
        data_set.feature(feature)
    created_utc = mapping.created_utc or datetime.now(UTC).isoformat(timespec="seconds")
    tasks = data_set.tasks()
    for entry in data_set.entries():
        columns = data_set.read_columns(entry, ("task_index", *mapping.features()))
        header = EpisodeHeader(
            episode_id=f"{prefix}-{entry.index:06d}",
            task=mapping.task,
            instruction=_instruction(tasks, columns, data_set),
            rig=mapping.rig,
            calibration=calibration,
            operator=mapping.operator,
            origin=mapping.origin,
            rate_hz=data_set.fps / every,
            created_utc=created_utc,
            commit="",
            notes=_notes(data_set, mapping, entry),
        )
        start = _start(columns, mapping)
        steps = _steps(entry.num_steps, every, has_start=start is not None)
        label = _label(columns, mapping, steps)
        yield Arrival(
            header=header,
            arrays=partial(_arrays, data_set, entry, mapping, columns, start, steps),
            first_label=label,
        )


def _arrays(
    data_set: LeRobotDataSet,
    entry: Entry,
    mapping: Mapping,
    columns: Columns,
    start: F64 | None,
    steps: _Steps,
) -> EpisodeArrays:
    setpoints = setpoints_of(columns, mapping, start)
    before = np.concatenate([setpoints[:1] if start is None else start[None], setpoints[:-1]])
    sent = setpoints[steps.led]
    num_steps = len(steps.observed)
    tick_ns = _FIRST_TICK_NS + np.rint(steps.observed * 1e9 / data_set.fps).astype(np.int64)
    zeros = np.zeros(num_steps, dtype=np.int64)
    return EpisodeArrays(
        rgb=data_set.read_images(entry, mapping.camera.feature)[steps.observed],
        **_measured(columns, mapping, steps.observed),
        target=before[steps.observed],
        decided=sent,
        sent=sent,
        reward=_rewards(columns, mapping)[steps.observed],
        is_intervention=_flags(columns, mapping.intervention, entry)[steps.observed],
        gripper_is_grasped=zeros.astype(bool),
        robot_mode=np.full(num_steps, ROBOT_MODES.index(RobotMode.OTHER)),
        verdict=zeros,
        reason=zeros,
        policy_version=zeros,
        device_domain=zeros,
        frame_number=steps.observed,
        frame_device_ns=tick_ns - _FIRST_TICK_NS,
        **dict.fromkeys(("tick_ns", "frame_ns", "robot_ns", "decided_ns", "sent_ns"), tick_ns),
        policy_versions=(mapping.policy_version,),
        device_domains=(CLOCK,),
    )


def _measured(columns: Columns, mapping: Mapping, at: NDArray[np.int64]) -> dict[str, Any]:
    """What the robot measured, NaN where the mapping names nothing (Any: arrays by signal)."""
    num_steps = len(at)
    width = np.full(num_steps, np.nan)
    if mapping.gripper_width is not None:
        where = mapping.gripper_width
        value = take(columns, where.feature, (where.gripper.column,))[at, 0]
        share = (value - where.gripper.closed) / (where.gripper.open - where.gripper.closed)
        width = share * where.max_width_m
    pose = mapping.ee_pose
    return {
        "joint_positions_rad": _joints(columns, mapping.joint_positions, at),
        "joint_velocities_radps": _joints(columns, mapping.joint_velocities, at),
        "ee_pose": np.full((num_steps, 7), np.nan) if pose is None else poses_of(columns, pose)[at],
        "wrench": np.full((num_steps, 6), np.nan),
        "gripper_width_m": width,
    }


def _joints(columns: Columns, where: JointColumns | None, at: NDArray[np.int64]) -> F64:
    if where is None:
        return np.full((len(at), 7), np.nan)
    return take(columns, where.feature, where.columns)[at]


def _start(columns: Columns, mapping: Mapping) -> F64 | None:
    """[8] the setpoint in force at the first observation: the arm stands where it is measured."""
    if mapping.ee_pose is None:
        return None
    where = mapping.gripper_width
    opening = (
        is_open(columns, mapping.action.feature, mapping.action.gripper)
        if where is None
        else is_open(columns, where.feature, where.gripper)
    )
    return np.append(poses_of(columns, mapping.ee_pose)[0], float(opening[0]))


def _steps(num_steps: int, every: int, *, has_start: bool) -> _Steps:
    """Without a start the first step is left out: nobody knows what the arm had been told."""
    observed = np.arange(0 if has_start else 1, num_steps, every)
    if not len(observed):
        raise DataError("an episode of one step without ee_pose cannot be imported.")
    return _Steps(observed=observed, led=np.minimum(observed + every - 1, num_steps - 1))


def _rewards(columns: Columns, mapping: Mapping) -> F32:
    """[T] of the observations: LeRobot's reward belongs to the state that follows the action."""
    num_steps = len(columns[mapping.action.feature])
    rewards = np.full(num_steps, np.nan, dtype=np.float32)
    if mapping.next_reward is not None:
        rewards[1:] = take(columns, mapping.next_reward, (0,))[:-1, 0]
    return rewards


def _label(columns: Columns, mapping: Mapping, steps: _Steps) -> Label | None:
    """What the data set says of its episode, or the mapping of all of them."""
    if mapping.next_success is None:
        return None if mapping.outcome is None else Label(outcome=mapping.outcome, author=AUTHOR)
    following = take(columns, mapping.next_success, (0,))[:, 0] > 0.5
    if not following.any():
        return Label(outcome=Outcome.FAILURE, author=AUTHOR)
    state = np.append([False], following[:-1])[steps.observed]
    return Label(outcome=Outcome.SUCCESS, success_intervals=intervals_of(state), author=AUTHOR)


def _flags(columns: Columns, feature: str | None, entry: Entry) -> NDArray[np.bool_]:
    if feature is None:
        return np.zeros(entry.num_steps, dtype=bool)
    return take(columns, feature, (0,))[:, 0] > 0.5


def _instruction(tasks: dict[int, str], columns: Columns, data_set: LeRobotDataSet) -> str:
    number = int(columns["task_index"][0])
    if number not in tasks:
        raise DataError(f"{data_set.root} has no task {number}.")
    return tasks[number]


def _stride(data_set: LeRobotDataSet, mapping: Mapping) -> int:
    if mapping.rate_hz is None:
        return 1
    every = data_set.fps / mapping.rate_hz
    if every < 1 or abs(every - round(every)) > 1e-6:
        raise ConfigError(
            f"rate_hz {mapping.rate_hz:g} does not divide the {data_set.fps:g} Hz of "
            f"{data_set.root}; steps are kept or left out, never interpolated."
        )
    return round(every)


def _calibration(data_set: LeRobotDataSet, mapping: Mapping) -> CameraCalibration:
    camera = mapping.camera
    height, width = data_set.image_shape(camera.feature)
    return CameraCalibration(
        name=camera.name,
        intrinsics=Intrinsics(
            width=width, height=height, fx=camera.fx, fy=camera.fy, cx=camera.cx, cy=camera.cy
        ),
        base_T_camera=Pose(
            position_m=np.array(camera.position_m),
            quaternion_xyzw=np.array(camera.quaternion_xyzw),
        ),
    )


def _notes(data_set: LeRobotDataSet, mapping: Mapping, entry: Entry) -> str:
    missing: dict[str, Any] = {
        "joint positions": mapping.joint_positions,
        "joint velocities": mapping.joint_velocities,
        "ee pose": mapping.ee_pose,
        "gripper width": mapping.gripper_width,
        "reward": mapping.next_reward,
        "time of recording": mapping.created_utc,
    }
    unknown = [name for name, given in missing.items() if given is None]
    unknown += ["wrench", "clocks", "grasp", "robot mode", "verdict"]
    return (
        f"imported from the LeRobot data set {data_set.name}, episode {entry.index}; "
        f"not known: {', '.join(unknown)}"
    )

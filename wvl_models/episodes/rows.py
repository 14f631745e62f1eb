"""One step as a row of plain numbers, and many rows as named columns.

The row is what a crash-safe journal can hold line by line; the columns are what `arrays` makes
episodes of. Live recording, repair and tests all come through here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wvl_models.contract.episode import Step
from wvl_models.contract.errors import DataError
from wvl_models.episodes.schema import FLOATS, INTEGERS, ROBOT_MODES


@dataclass(frozen=True, kw_only=True, slots=True)
class StepRow:
    """One step as plain numbers in the order of the tables: what a crash-safe journal can hold."""

    numbers: list[float]
    """Columns of the table of floats."""
    integers: list[int]
    """Columns of the table of integers, but for the two that the strings below become."""
    policy_version: str
    device_domain: str

    def as_json(self) -> dict[str, Any]:
        """The fields by name (Any: JSON)."""
        return {
            "numbers": self.numbers,
            "integers": self.integers,
            "policy_version": self.policy_version,
            "device_domain": self.device_domain,
        }


_TEXTS = {"policy_version": "policy_versions", "device_domain": "device_domains"}
"""Signals that are an index into a list of strings, and the name of that list."""

_CODES = tuple(signal for signal in INTEGERS.signals if signal.name not in _TEXTS)


def row_of(step: Step) -> StepRow:
    """The numbers of a step."""
    values = _values_of(step)
    return StepRow(
        numbers=[number for s in FLOATS.signals for number in np.ravel(values[s.name]).tolist()],
        integers=[int(values[s.name]) for s in _CODES],
        policy_version=step.policy_version,
        device_domain=step.observation.frame.device_domain,
    )


def columns_of(rows: Sequence[StepRow]) -> dict[str, Any]:
    """Arrays [T] or [T, width] by signal, and the lists of strings (Any: both kinds)."""
    if not rows:
        raise DataError("an episode needs at least one step.")
    values: dict[str, Any] = {}
    for signals, rows_of_kind, dtype in (
        (FLOATS.signals, [row.numbers for row in rows], np.float64),
        (_CODES, [row.integers for row in rows], np.int64),
    ):
        array = np.array(rows_of_kind, dtype=dtype)
        first = 0
        for signal in signals:
            part = array[:, first : first + signal.width]
            values[signal.name] = part[:, 0] if signal.width == 1 else part
            first += signal.width
        if array.shape[1] != first:
            raise DataError(f"a step has {array.shape[1]} numbers where {first} belong.")
    for name, plural in _TEXTS.items():
        texts = [getattr(row, name) for row in rows]
        known = tuple(dict.fromkeys(texts))
        values[name] = np.array([known.index(text) for text in texts], dtype=np.int64)
        values[plural] = known
    return values


def _values_of(step: Step) -> dict[str, Any]:
    """Every signal of a step (Any: numbers and arrays)."""
    observation = step.observation
    robot, frame = observation.robot, observation.frame
    pose = robot.base_T_ee
    return {
        "joint_positions_rad": robot.joint_positions_rad,
        "joint_velocities_radps": robot.joint_velocities_radps,
        "ee_pose": np.concatenate([pose.position_m, pose.quaternion_xyzw]),
        "wrench": robot.wrench,
        "gripper_width_m": robot.gripper_width_m,
        "gripper_is_grasped": robot.gripper_is_grasped,
        "target": observation.target.as_row(),
        "decided": step.decided.as_row(),
        "sent": step.sent.as_row(),
        "verdict": step.verdict,
        "reason": step.reason,
        "reward": step.reward,
        "is_intervention": step.is_intervention,
        "robot_mode": ROBOT_MODES.index(robot.mode),
        "tick_ns": observation.stamp_ns,
        "frame_ns": frame.stamp_ns,
        "frame_device_ns": frame.device_stamp_ns,
        "frame_number": frame.frame_number,
        "robot_ns": robot.stamp_ns,
        "decided_ns": step.decided_ns,
        "sent_ns": step.sent_ns,
    }

"""An episode: its header, its steps and what an operator says of it. On disk: `episodes` room.

An episode of N steps holds N observations and N setpoints; setpoint k is decided at observation
k and leads to observation k + 1, so the last setpoint has no consequence on record. The reward
of step k says whether *observation k* is a success state (paper 3.1: "binary values indicating
whether the current state is a success state").
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from wvl_models.contract.camera import CameraCalibration
from wvl_models.contract.errors import DataError
from wvl_models.contract.observation import Observation
from wvl_models.contract.pose import Setpoint
from wvl_models.contract.verdict import Reason, Verdict


class Outcome(StrEnum):
    """How an episode ended."""

    SUCCESS = "success"
    NEAR_SUCCESS = "near_success"
    FAILURE = "failure"
    ABORTED = "aborted"


class Origin(StrEnum):
    """Who decided the actions."""

    TELEOP = "teleop"
    POLICY = "policy"
    SCRIPTED = "scripted"
    IMAGINED = "imagined"


@dataclass(frozen=True, kw_only=True, slots=True)
class EpisodeHeader:
    """What is known before the first step."""

    episode_id: str
    task: str
    instruction: str
    rig: str
    calibration: CameraCalibration
    operator: str
    origin: Origin
    rate_hz: float
    created_utc: str
    """ISO 8601 wall-clock time; steps carry monotonic stamps only."""
    commit: str
    """Software revision that recorded the episode."""
    seed: int | None = None
    """Seed of the virtual cell's reset; None on a real rig."""
    notes: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One tick: what was seen, what was decided, what was really sent."""

    observation: Observation
    decided: Setpoint
    """What teleoperator or policy asked for."""
    sent: Setpoint
    """What left the safety gate towards the arm; the previous target where it was refused."""
    verdict: Verdict
    reason: Reason
    reward: float
    """1.0 where `observation` shows a success state, else 0.0; NaN where nobody can tell yet."""
    is_intervention: bool
    """A human overrode the policy in this step."""
    policy_version: str
    """Empty where no policy was involved."""
    decided_ns: int
    sent_ns: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SubGoal:
    """A note at one step, such as "cube grasped"; for people, never for rewards."""

    step: int
    text: str

    def __post_init__(self) -> None:
        if self.step < 0 or not self.text:
            raise DataError(f"a sub-goal needs a step from 0 and a text, got {self}.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    """One operator's (or predicate's) judgement of one episode."""

    outcome: Outcome
    success_intervals: tuple[tuple[int, int], ...] = ()
    """Half-open step ranges in which the state is a success state; a slip ends an interval."""
    author: str = ""
    confidence: float = 1.0
    """0 to 1."""
    notes: str = ""
    stamp_utc: str = field(default="")
    sub_goals: tuple[SubGoal, ...] = ()
    """By step; one step may have several."""

    def __post_init__(self) -> None:
        check_judgement(self.success_intervals, self.confidence)
        check_order(goal.step for goal in self.sub_goals)

    def rewards(self, num_steps: int) -> np.ndarray:
        """[num_steps] float32 of 0 and 1."""
        if self.success_intervals and self.success_intervals[-1][1] > num_steps:
            raise DataError(
                f"success_intervals reach step {self.success_intervals[-1][1]} of an episode "
                f"with {num_steps} steps."
            )
        rewards = np.zeros(num_steps, dtype=np.float32)
        for first, last in self.success_intervals:
            rewards[first:last] = 1.0
        return rewards


def check_judgement(success_intervals: tuple[tuple[int, int], ...], confidence: float) -> None:
    """DataError unless a label may say this; the same holds for a suggestion."""
    if not 0.0 <= confidence <= 1.0:
        raise DataError(f"confidence must lie in [0, 1], got {confidence}.")
    end = 0
    for first, last in success_intervals:
        if not end <= first < last:
            raise DataError(
                f"success_intervals must be increasing, disjoint and not empty: "
                f"{success_intervals}."
            )
        end = last


def check_order(sub_goal_steps: Iterable[int]) -> None:
    """DataError unless the steps of a label's sub-goals are sorted."""
    steps = list(sub_goal_steps)
    if steps != sorted(steps):
        raise DataError(f"sub_goals must be in the order of their steps: {steps}.")


def intervals_of(rewards: np.ndarray) -> tuple[tuple[int, int], ...]:
    """Half-open ranges where `rewards` [T] exceeds 0.5; undoes `Label.rewards`."""
    inside = np.concatenate([[False], np.asarray(rewards) > 0.5, [False]])
    edges = np.flatnonzero(inside[1:] != inside[:-1])
    return tuple((int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True))

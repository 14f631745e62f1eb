"""The scripted operator: what a person would do at the controls, with a person's mistakes.

It knows where the objects were put (the reset's seed) and nothing else, plans key poses once and
plays them back at 10 Hz. `Manner` says how the attempt goes wrong; near-successes are missed by
1-3 cm, slipped, closed early or released early, as in the paper's SANS data (3.1) and in
facts/toy_loop.md section 2. Labels come from the outcome, never from the manner: an attempt that
was aimed 1 cm off still succeeds now and then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

import numpy as np

from wvl_models.contract import rotation
from wvl_models.contract.action import ActionSpec
from wvl_models.contract.pose import Pose, Setpoint
from wvl_models.contract.rotation import F64
from wvl_robot.ports.teleop import TeleopCommand, TeleopEvent
from wvl_robot.virtual.tasks import CUBE_HALF_M, MUG_HEIGHT_M, Layout, VirtualTask

HOVER_HEIGHT_M = 0.11
PLATE_TOP_M = 0.012
JITTER_RHO, JITTER_SIGMA_M = 0.8, 0.0012
"""A hand's tremble: AR(1) in position (facts/toy_loop.md section 2)."""


class Manner(StrEnum):
    """How an attempt is made."""

    PRECISE = "precise"
    OFFSET = "offset"
    EARLY_CLOSE = "early_close"
    SLIP = "slip"
    EARLY_RELEASE = "early_release"
    WANDER = "wander"


MANNERS_OF: Mapping[str, tuple[Manner, ...]] = {
    "lift_cube": (Manner.OFFSET, Manner.EARLY_CLOSE, Manner.SLIP, Manner.WANDER),
    "cube_on_plate": (Manner.OFFSET, Manner.SLIP, Manner.EARLY_RELEASE, Manner.WANDER),
    "mug_on_plate": (Manner.OFFSET, Manner.SLIP, Manner.EARLY_RELEASE, Manner.WANDER),
    "push_to_goal": (Manner.OFFSET, Manner.EARLY_RELEASE, Manner.WANDER),
}
"""Ways to miss that make sense for a task."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Imprecision:
    """How well the operator aims."""

    aim_sigma_m: float = 0.004
    """Spread of the aim when the attempt is meant to succeed."""
    offset_m: tuple[float, float] = (0.005, 0.03)
    """Range of a deliberate miss; it starts below 1 cm so that the boundary is covered."""
    jitter_sigma_m: float = JITTER_SIGMA_M


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyPose:
    """Where to be at a step, and what the gripper does from there on."""

    step: int
    position_m: F64
    gripper_open: bool


def plan_targets(
    task: VirtualTask,
    layout: Layout,
    start: Setpoint,
    manner: Manner,
    imprecision: Imprecision,
    rng: np.random.Generator,
) -> F64:
    """Targets [T, 8] for one attempt; row k is the setpoint of tick k."""
    keys = _KEYS[task.name](layout, _Attempt(manner=manner, imprecision=imprecision, rng=rng))
    first = KeyPose(step=0, position_m=start.pose.position_m, gripper_open=keys[0].gripper_open)
    positions, opens = _interpolate([first, *keys])
    jitter = _jitter(len(positions), imprecision.jitter_sigma_m, rng)
    rows = np.empty((len(positions), 8))
    rows[:, :3] = positions + jitter
    rows[:, 3:7] = start.pose.quaternion_xyzw
    rows[:, 7] = opens
    return rows[1:]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Attempt:
    """Draws the errors of one attempt."""

    manner: Manner
    imprecision: Imprecision
    rng: np.random.Generator

    def aim(self) -> F64:
        """[3] horizontal error of the grasp or push point."""
        error = np.zeros(3)
        error[:2] = self.rng.normal(0.0, self.imprecision.aim_sigma_m, 2)
        if self.manner is Manner.OFFSET:
            error[:2] = self._circle(*self.imprecision.offset_m)
        if self.manner is Manner.WANDER:
            error[:2] = self._circle(0.02, 0.08)
        return error

    def height(self) -> float:
        """How far above the right height the fingers close."""
        if self.manner is not Manner.EARLY_CLOSE:
            return float(self.rng.normal(0.0, 0.002))
        return float(self.rng.uniform(0.02, 0.05))

    def drop_steps(self) -> int | None:
        """Steps after the lift began at which the fingers open; None for never."""
        return int(self.rng.integers(1, 5)) if self.manner is Manner.SLIP else None

    def release_error(self) -> F64:
        """[3] where the object is let go, relative to the plate: short of it and too high."""
        if self.manner is not Manner.EARLY_RELEASE:
            return np.array([0.0, 0.0, 0.004])
        return np.array([0.0, self.rng.uniform(0.04, 0.08), self.rng.uniform(0.004, 0.03)])

    def short_of_goal(self) -> float:
        """How far before the goal a push stops."""
        if self.manner is Manner.EARLY_RELEASE:
            return float(self.rng.uniform(0.015, 0.06))
        return 0.0

    def _circle(self, low_m: float, high_m: float) -> F64:
        angle_rad = self.rng.uniform(0, 2 * np.pi)
        return self.rng.uniform(low_m, high_m) * np.array([np.cos(angle_rad), np.sin(angle_rad)])


def _at(layout: Layout, name: str, height_m: float) -> F64:
    place = layout[name]
    return np.array([place.x_m, place.y_m, height_m])


def _grasp_keys(point: F64, grip_height_m: float, attempt: _Attempt) -> list[KeyPose]:
    """Hover in the first chunk, descend and close in the second.

    The outcome falls inside one chunk and not at its border: facts/toy_loop.md pitfall 2.
    """
    above = point + attempt.aim()
    above[2] = HOVER_HEIGHT_M
    grip = above.copy()
    grip[2] = max(grip_height_m + attempt.height(), 0.014)
    return [
        KeyPose(step=20, position_m=above, gripper_open=True),
        KeyPose(step=25, position_m=above, gripper_open=True),
        KeyPose(step=33, position_m=grip, gripper_open=True),
        KeyPose(step=34, position_m=grip, gripper_open=False),
        KeyPose(step=38, position_m=grip, gripper_open=False),
    ]


def _drop(keys: list[KeyPose], from_step: int, attempt: _Attempt) -> list[KeyPose]:
    """Open the fingers for good at a random step after `from_step` when the manner is to slip."""
    after = attempt.drop_steps()
    if after is None:
        return keys
    positions, _ = _interpolate(keys)
    drop = from_step + after
    lost = KeyPose(step=drop, position_m=positions[drop - keys[0].step], gripper_open=False)
    before = [key for key in keys if key.step < drop]
    later = [replace(key, gripper_open=True) for key in keys if key.step > drop]
    return [*before, lost, *later]


def _lift_cube(layout: Layout, attempt: _Attempt) -> list[KeyPose]:
    keys = _grasp_keys(_at(layout, "cube", 0.0), CUBE_HALF_M, attempt)
    top = keys[-1].position_m + [0.0, 0.0, 0.12]
    keys.append(KeyPose(step=47, position_m=top, gripper_open=False))
    keys.append(KeyPose(step=48, position_m=top, gripper_open=False))
    return _drop(keys, 38, attempt)


def _to_plate(layout: Layout, name: str, grip_height_m: float, attempt: _Attempt) -> list[KeyPose]:
    """Grasp `name`, carry it over the plate, set it down, let go, rise."""
    keys = _grasp_keys(_at(layout, name, 0.0), grip_height_m, attempt)
    grip = keys[-1].position_m
    goal = _at(layout, "plate", grip[2] + PLATE_TOP_M) + attempt.release_error()
    goal[:2] += attempt.rng.normal(0.0, attempt.imprecision.aim_sigma_m, 2)
    high = max(grip[2], grip_height_m) + 0.07
    for step, position, is_open in (
        (45, [grip[0], grip[1], high], False),
        (60, [goal[0], goal[1], high], False),
        (66, goal, False),
        (67, goal, True),
        (69, goal, True),
        (72, [goal[0], goal[1], goal[2] + 0.06], True),
    ):
        keys.append(KeyPose(step=step, position_m=np.array(position), gripper_open=is_open))
    return _drop(keys, 40, attempt)


def _cube_on_plate(layout: Layout, attempt: _Attempt) -> list[KeyPose]:
    return _to_plate(layout, "cube", CUBE_HALF_M, attempt)


def _mug_on_plate(layout: Layout, attempt: _Attempt) -> list[KeyPose]:
    return _to_plate(layout, "mug", MUG_HEIGHT_M * 0.62, attempt)


def _push_to_goal(layout: Layout, attempt: _Attempt) -> list[KeyPose]:
    block, goal = _at(layout, "block", 0.03), _at(layout, "goal", 0.03)
    direction = (goal - block) / np.linalg.norm(goal - block)
    reach_m = 0.024 + 0.010
    behind = block - (reach_m + 0.03) * direction + attempt.aim()
    behind[2] = 0.03
    end = goal - (reach_m + attempt.short_of_goal()) * direction
    end += behind - block + (reach_m + 0.03) * direction
    end[2] = 0.03
    above = behind + [0.0, 0.0, 0.06]
    return [
        KeyPose(step=14, position_m=above, gripper_open=False),
        KeyPose(step=22, position_m=behind, gripper_open=False),
        KeyPose(step=25, position_m=behind, gripper_open=False),
        KeyPose(step=43, position_m=end, gripper_open=False),
        KeyPose(step=48, position_m=end, gripper_open=False),
    ]


_KEYS = {
    "lift_cube": _lift_cube,
    "cube_on_plate": _cube_on_plate,
    "mug_on_plate": _mug_on_plate,
    "push_to_goal": _push_to_goal,
}


def _interpolate(keys: Sequence[KeyPose]) -> tuple[F64, F64]:
    """Positions [T, 3] and gripper [T] for steps keys[0].step .. keys[-1].step inclusive."""
    positions, opens = [keys[0].position_m], [float(keys[0].gripper_open)]
    for before, after in pairwise(keys):
        fraction = np.arange(1, after.step - before.step + 1) / (after.step - before.step)
        smooth = fraction * fraction * (3.0 - 2.0 * fraction)
        positions += list(
            before.position_m + smooth[:, None] * (after.position_m - before.position_m)
        )
        opens += [float(after.gripper_open)] * len(fraction)
    return np.array(positions), np.array(opens)


def _jitter(num_steps: int, sigma_m: float, rng: np.random.Generator) -> F64:
    """AR(1) tremble [T, 3], zero at the first step."""
    innovations = rng.normal(0.0, sigma_m * np.sqrt(1 - JITTER_RHO**2), (num_steps, 3))
    tremble = np.zeros((num_steps, 3))
    for k in range(1, num_steps):
        tremble[k] = JITTER_RHO * tremble[k - 1] + innovations[k]
    return tremble


class ScriptedOperator:
    """The scripted operator as a `Teleop`: one attempt per `begin`, stop at its end."""

    def __init__(self, task: VirtualTask, imprecision: Imprecision, near_share: float) -> None:
        """`near_share` is the probability that an attempt is meant to miss."""
        self._task, self._imprecision, self._near_share = task, imprecision, near_share
        self._bridge = ActionSpec.unnormalised()
        self._rng = np.random.default_rng(0)
        self._layout: Layout = {}
        self._targets: F64 | None = None
        self._step = 0
        self.manner = Manner.PRECISE

    def begin(self, seed: int | None) -> None:
        """Decide how to go about the reset drawn from `seed`."""
        seed = 0 if seed is None else seed
        self._rng = np.random.default_rng([seed, 1])
        self._layout = self._task.layout(np.random.default_rng(seed))
        self.manner = Manner.PRECISE
        if self._rng.uniform() < self._near_share:
            self.manner = Manner(str(self._rng.choice(list(MANNERS_OF[self._task.name]))))
        self._targets, self._step = None, 0

    def read(self, target: Setpoint) -> TeleopCommand:
        """The delta from `target` to the plan's next row; STOP after the last."""
        if self._targets is None:
            self._targets = plan_targets(
                self._task, self._layout, target, self.manner, self._imprecision, self._rng
            )
        if self._step >= len(self._targets):
            still = np.array([0.0] * 6 + [float(target.gripper_open)])
            return TeleopCommand(action=still, is_engaged=True, event=TeleopEvent.STOP)
        rows = np.stack([target.as_row(), self._targets[self._step]])
        self._step += 1
        return TeleopCommand(action=self._bridge.differentiate(rows)[0], is_engaged=True)

    def close(self) -> None:
        """Nothing to give back."""


def tool_down(position_m: F64) -> Setpoint:
    """Open gripper at `position_m`, tool straight down, fingers along the base's y axis."""
    return Setpoint(
        pose=Pose(
            position_m=position_m, quaternion_xyzw=rotation.from_rotvec(np.array([np.pi, 0.0, 0.0]))
        ),
        gripper_open=True,
    )

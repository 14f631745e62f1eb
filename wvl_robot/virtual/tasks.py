"""The tasks of the virtual cell: what lies on the table, where, and when it counts as done.

A task knows nothing of time or control. `layout` draws object poses from a generator (seeded
resets); `is_success` judges one state, which is the paper's per-step reward ("is the current
state a success state", 3.1). How the scripted operator goes about a task is in
`adapters/scripted.py`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import mujoco
import numpy as np

from wvl_models.contract.errors import ConfigError
from wvl_models.contract.pose import Pose
from wvl_models.contract.rotation import F64
from wvl_robot.virtual import objects

CUBE_HALF_M = 0.0225
"""With the gripper opened to 65 mm, a 45 mm cube leaves 10 mm on either side: a pose error of
1-3 cm is a near-success (facts/toy_loop.md section 2 used the same clearance)."""

MUG_RADIUS_M = 0.0275
MUG_HEIGHT_M = 0.075
PLATE_RADIUS_M = 0.065


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """Where an object stands: table coordinates (m) and yaw (rad)."""

    x_m: float
    y_m: float
    yaw_rad: float = 0.0


Layout = Mapping[str, Placement]


@dataclass(frozen=True, kw_only=True, slots=True)
class SceneState:
    """What a success predicate may look at."""

    objects: Mapping[str, Pose]
    """`base_T_object` by name."""
    touched: frozenset[str]
    """Objects in contact with both finger pads."""
    gripper_width_m: float


class VirtualTask(Protocol):
    """One task of the virtual cell."""

    name: str
    object_names: tuple[str, ...]
    """Free bodies, in the order `layout` draws them."""

    def add_objects(self, spec: mujoco.MjSpec) -> None:
        """Put the task's bodies into the scene."""
        ...

    def layout(self, rng: np.random.Generator) -> Layout:
        """Draw where every object stands at reset."""
        ...

    def is_success(self, state: SceneState) -> bool:
        """Whether this state is a success state."""
        ...


def _uniform(rng: np.random.Generator, centre: float, half: float) -> float:
    return float(centre + half * rng.uniform(-1.0, 1.0))


def _flat_distance_m(a: Pose, b: Pose) -> float:
    return float(np.linalg.norm(a.position_m[:2] - b.position_m[:2]))


def _tilt_rad(pose: Pose) -> float:
    """Angle between an object's own z axis and the vertical."""
    return math.acos(float(np.clip(pose.matrix()[2, 2], -1.0, 1.0)))


class LiftCube:
    """Lift the red cube off the table."""

    name = "lift_cube"
    object_names = ("cube",)

    def add_objects(self, spec: mujoco.MjSpec) -> None:
        """One red cube."""
        objects.add_cube(spec, "cube", CUBE_HALF_M, (0.84, 0.14, 0.11), 0.08)

    def layout(self, rng: np.random.Generator) -> Layout:
        """+-4.5 cm: facts/toy_loop.md section 1 found +-8 cm too wide for a tiny policy."""
        return {
            "cube": Placement(
                x_m=_uniform(rng, 0.47, 0.045),
                y_m=_uniform(rng, 0.0, 0.045),
                yaw_rad=_uniform(rng, 0.0, 0.2),
            )
        }

    def is_success(self, state: SceneState) -> bool:
        """3.5 cm above rest and held by both fingers."""
        height_m = float(state.objects["cube"].position_m[2]) - CUBE_HALF_M
        return height_m > 0.035 and "cube" in state.touched


class CubeOnPlate:
    """Put the red cube on the plate and let go."""

    name = "cube_on_plate"
    object_names = ("cube", "plate")

    def add_objects(self, spec: mujoco.MjSpec) -> None:
        """A red cube and a plate."""
        objects.add_cube(spec, "cube", CUBE_HALF_M, (0.84, 0.14, 0.11), 0.08)
        objects.add_plate(spec, "plate", PLATE_RADIUS_M)

    def layout(self, rng: np.random.Generator) -> Layout:
        """Cube to the left, plate to the right, each +-3 cm."""
        return {
            "cube": Placement(
                x_m=_uniform(rng, 0.46, 0.03),
                y_m=_uniform(rng, 0.09, 0.03),
                yaw_rad=_uniform(rng, 0.0, 0.2),
            ),
            "plate": Placement(x_m=_uniform(rng, 0.48, 0.03), y_m=_uniform(rng, -0.09, 0.03)),
        }

    def is_success(self, state: SceneState) -> bool:
        """Resting on the plate, its centre within 4.5 cm of the plate's, released."""
        cube, plate = state.objects["cube"], state.objects["plate"]
        height_m = float(cube.position_m[2] - plate.position_m[2])
        return (
            _flat_distance_m(cube, plate) < 0.045
            and abs(height_m - CUBE_HALF_M - 0.006) < 0.008
            and "cube" not in state.touched
        )


class MugOnPlate:
    """Put the mug on the plate, upright, and let go: the paper's real task."""

    name = "mug_on_plate"
    object_names = ("mug", "plate")

    def add_objects(self, spec: mujoco.MjSpec) -> None:
        """A yellow mug and a plate."""
        objects.add_mug(spec, "mug", MUG_RADIUS_M, MUG_HEIGHT_M)
        objects.add_plate(spec, "plate", PLATE_RADIUS_M)

    def layout(self, rng: np.random.Generator) -> Layout:
        """Mug to the left with its handle pointing forward, plate to the right."""
        return {
            "mug": Placement(
                x_m=_uniform(rng, 0.46, 0.03),
                y_m=_uniform(rng, 0.09, 0.03),
                yaw_rad=_uniform(rng, 0.0, 0.3),
            ),
            "plate": Placement(x_m=_uniform(rng, 0.48, 0.03), y_m=_uniform(rng, -0.09, 0.03)),
        }

    def is_success(self, state: SceneState) -> bool:
        """Standing upright on the plate within 4 cm of its centre, released."""
        mug, plate = state.objects["mug"], state.objects["plate"]
        height_m = float(mug.position_m[2] - plate.position_m[2])
        return (
            _flat_distance_m(mug, plate) < 0.04
            and abs(height_m - MUG_HEIGHT_M / 2 - 0.006) < 0.010
            and _tilt_rad(mug) < 0.15
            and "mug" not in state.touched
        )


class PushToGoal:
    """Push the blue block onto the green disc."""

    name = "push_to_goal"
    object_names = ("block", "goal")

    def add_objects(self, spec: mujoco.MjSpec) -> None:
        """A blue block and a painted goal."""
        objects.add_cube(spec, "block", 0.024, (0.15, 0.30, 0.78), 0.10)
        objects.add_goal(spec, "goal", 0.035)

    def layout(self, rng: np.random.Generator) -> Layout:
        """Block near the robot, goal 10-14 cm further out and a little to the side."""
        y_m = _uniform(rng, 0.0, 0.04)
        return {
            "block": Placement(x_m=_uniform(rng, 0.43, 0.02), y_m=y_m),
            "goal": Placement(x_m=_uniform(rng, 0.55, 0.02), y_m=y_m + _uniform(rng, 0.0, 0.03)),
        }

    def is_success(self, state: SceneState) -> bool:
        """Block centre within 2.5 cm of the goal's centre."""
        return _flat_distance_m(state.objects["block"], state.objects["goal"]) < 0.025


TASKS: dict[str, type[VirtualTask]] = {
    task.name: task for task in (LiftCube, CubeOnPlate, MugOnPlate, PushToGoal)
}


def virtual_task(name: str) -> VirtualTask:
    """The task of that name; raises ConfigError that lists the known ones."""
    try:
        return TASKS[name]()
    except KeyError:
        known = ", ".join(sorted(TASKS))
        raise ConfigError(
            f"unknown task '{name}' for the virtual cell; choose one of: {known}."
        ) from None


def placement_position_m(placement: Placement, height_m: float) -> F64:
    """[3] position of an object that stands at `placement` with its origin at `height_m`."""
    return np.array([placement.x_m, placement.y_m, height_m])

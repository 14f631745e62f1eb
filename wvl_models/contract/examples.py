"""Valid random examples of every contract type, drawn from a numpy generator.

For tests and for warm-ups (a policy host runs one before it serves). Values are plausible for an
FR3 over a table and mean nothing. Same generator, same example.
"""

import numpy as np

from wvl_models.contract import rotation
from wvl_models.contract.action import ACTION_DIM, ActionSpec
from wvl_models.contract.camera import CameraCalibration, Intrinsics
from wvl_models.contract.chunk import ActionChunk
from wvl_models.contract.episode import EpisodeHeader, Origin, Step
from wvl_models.contract.observation import (
    NUM_JOINTS,
    CameraFrame,
    Observation,
    RobotMode,
    RobotState,
)
from wvl_models.contract.pose import Pose, Setpoint
from wvl_models.contract.verdict import Reason, Verdict

_INSTRUCTION = "put the cube on the plate"


def example_pose(rng: np.random.Generator) -> Pose:
    """A pose over the table with the tool pointing down to within 0.2 rad."""
    down = rotation.from_rotvec(np.array([np.pi, 0.0, 0.0]))
    tilt = rotation.from_rotvec(rng.uniform(-0.1, 0.1, 3))
    return Pose(
        position_m=rng.uniform([0.35, -0.2, 0.05], [0.6, 0.2, 0.4]),
        quaternion_xyzw=rotation.multiply(tilt, down),
    )


def example_setpoint(rng: np.random.Generator) -> Setpoint:
    """A target over the table, gripper open or closed."""
    return Setpoint(pose=example_pose(rng), gripper_open=bool(rng.integers(2)))


def example_action_spec(*, chunk_steps: int = 24, rate_hz: float = 10.0) -> ActionSpec:
    """Ranges of 3 cm and 0.1 rad a step: inside every limit of the virtual rig."""
    high = np.array([0.03] * 3 + [0.1] * 3 + [1.0])
    low = np.array([-0.03] * 3 + [-0.1] * 3 + [0.0])
    return ActionSpec(low=low, high=high, chunk_steps=chunk_steps, rate_hz=rate_hz)


def example_actions(rng: np.random.Generator, num_steps: int = 24) -> rotation.F64:
    """Deltas [num_steps, 7] of at most 8 mm and 0.05 rad a step; the gripper changes rarely."""
    actions = np.empty((num_steps, ACTION_DIM))
    actions[:, :3] = rng.uniform(-0.004, 0.004, (num_steps, 3))
    actions[:, 3:6] = rng.uniform(-0.02, 0.02, (num_steps, 3))
    actions[:, 6] = np.arange(num_steps) < rng.integers(num_steps + 1)
    return actions


def example_frame(
    rng: np.random.Generator, *, stamp_ns: int = 0, width: int = 64, height: int = 64
) -> CameraFrame:
    """Noise in colour."""
    return CameraFrame(
        stamp_ns=stamp_ns,
        rgb=rng.integers(0, 256, (height, width, 3), dtype=np.uint8),
        frame_number=int(rng.integers(1, 10_000)),
        device_stamp_ns=int(rng.integers(1, 10**12)),
        device_domain="hardware_clock",
    )


def example_robot_state(rng: np.random.Generator, *, stamp_ns: int = 0) -> RobotState:
    """An arm that may be commanded."""
    return RobotState(
        stamp_ns=stamp_ns,
        joint_positions_rad=rng.uniform(-1.5, 1.5, NUM_JOINTS),
        joint_velocities_radps=rng.uniform(-0.2, 0.2, NUM_JOINTS),
        base_T_ee=example_pose(rng),
        wrench=rng.normal(0.0, 1.0, 6),
        gripper_width_m=float(rng.uniform(0.0, 0.08)),
        gripper_is_grasped=bool(rng.integers(2)),
        mode=RobotMode.MOVE,
    )


def example_observation(
    rng: np.random.Generator, *, stamp_ns: int = 1_000_000_000, width: int = 64, height: int = 64
) -> Observation:
    """Frame and state a few milliseconds older than the tick."""
    frame_ns, state_ns = (stamp_ns - int(rng.integers(1, 10**6)) for _ in range(2))
    return Observation(
        stamp_ns=stamp_ns,
        frame=example_frame(rng, stamp_ns=frame_ns, width=width, height=height),
        robot=example_robot_state(rng, stamp_ns=state_ns),
        target=example_setpoint(rng),
        instruction=_INSTRUCTION,
    )


def example_chunk(
    rng: np.random.Generator, *, observation: Observation | None = None, num_steps: int = 24
) -> ActionChunk:
    """An answer to `observation` that expires when its last action is over."""
    observation = observation or example_observation(rng)
    period_ns = 100_000_000
    return ActionChunk(
        observation_stamp_ns=observation.stamp_ns,
        period_ns=period_ns,
        expires_ns=observation.stamp_ns + num_steps * period_ns,
        policy_version="v0001",
        sequence=int(rng.integers(1, 1000)),
        start=observation.target,
        actions=example_actions(rng, num_steps),
    )


def example_calibration(rng: np.random.Generator) -> CameraCalibration:
    """A D435 that stands in front of the table and looks at its middle."""
    return CameraCalibration(
        name="example/front",
        intrinsics=Intrinsics(width=640, height=480, fx=607.0, fy=607.0, cx=320.0, cy=240.0),
        base_T_camera=_looking_at(
            rng.uniform([1.0, -0.3, 0.5], [1.2, 0.3, 0.7]), np.array([0.5, 0.0, 0.1])
        ),
    )


def example_header(
    rng: np.random.Generator, *, origin: Origin = Origin.SCRIPTED, seed: int | None = 0
) -> EpisodeHeader:
    """A header with an id of its own."""
    return EpisodeHeader(
        episode_id=f"example-{int(rng.integers(10**12)):012d}",
        task="cube_on_plate",
        instruction=_INSTRUCTION,
        rig="virtual",
        calibration=example_calibration(rng),
        operator="example",
        origin=origin,
        rate_hz=10.0,
        created_utc="2026-11-21T09:00:00+00:00",
        commit="0000000",
        seed=seed,
    )


def example_step(rng: np.random.Generator, *, observation: Observation | None = None) -> Step:
    """A tick whose setpoint passed the gate."""
    observation = observation or example_observation(rng)
    decided = example_setpoint(rng)
    return Step(
        observation=observation,
        decided=decided,
        sent=decided,
        verdict=Verdict.PASS,
        reason=Reason.NONE,
        reward=float(rng.integers(2)),
        is_intervention=False,
        policy_version="",
        decided_ns=observation.stamp_ns + 1_000_000,
        sent_ns=observation.stamp_ns + 3_000_000,
    )


def _looking_at(position_m: rotation.F64, point_m: rotation.F64) -> Pose:
    """Optical frame (z forward, x right, y down) at `position_m` with `point_m` in its centre."""
    forward = (point_m - position_m) / np.linalg.norm(point_m - position_m)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(forward, right), forward], axis=-1)
    return Pose(position_m=position_m, quaternion_xyzw=rotation.from_matrix(axes))

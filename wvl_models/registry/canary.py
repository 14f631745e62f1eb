"""The canary: one stored observation and the actions the policy gave for it when published.

A policy that cannot reproduce its own recorded output was damaged, loaded into other code or
runs on a broken device; it never takes a tick.
"""

from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from wvl_models.contract.camera import Intrinsics
from wvl_models.contract.errors import CheckpointError
from wvl_models.contract.observation import (
    CameraFrame,
    Observation,
    RobotMode,
    RobotState,
)
from wvl_models.contract.policy import Policy
from wvl_models.contract.pose import Setpoint
from wvl_models.contract.rotation import F64
from wvl_models.registry.manifest import Canary

FILE = "canary.npz"


def record_canary(
    policy: Policy, observation: Observation, camera: Intrinsics, folder: Path
) -> Canary:
    """Run the policy once and store observation and answer in `folder`."""
    actions = policy.act([observation], camera)[0]
    np.savez_compressed(
        folder / FILE,
        rgb=observation.frame.rgb,
        target=observation.target.as_row(),
        camera=np.array([camera.width, camera.height, camera.fx, camera.fy, camera.cx, camera.cy]),
        actions=actions,
    )
    return Canary(file=FILE, instruction=observation.instruction)


def check_canary(policy: Policy, canary: Canary, folder: Path) -> float:
    """Largest deviation of a normalised action; raises CheckpointError above the tolerance."""
    if Path(canary.file).name != canary.file:
        raise CheckpointError(f"{folder}: the canary file must lie beside the manifest.")
    try:
        with (folder / canary.file).open("rb") as file, np.load(file, allow_pickle=False) as stored:
            parts = {name: stored[name] for name in ("rgb", "target", "camera", "actions")}
    except (OSError, EOFError, ValueError, KeyError, TypeError, BadZipFile) as error:
        raise CheckpointError(f"{folder / canary.file} is not a canary: {error}.") from error
    width, height, fx, fy, cx, cy = (float(v) for v in parts["camera"])
    camera = Intrinsics(width=int(width), height=int(height), fx=fx, fy=fy, cx=cx, cy=cy)
    target = Setpoint.from_row(parts["target"])
    observation = canary_observation(parts["rgb"], target, canary.instruction)
    answer = policy.act([observation], camera)[0]
    if answer.shape != parts["actions"].shape or not np.isfinite(answer).all():
        raise CheckpointError(f"{folder}: the canary's answer is not finite or misshapen.")
    return _deviation(policy, answer, parts["actions"], canary, folder)


def _deviation(policy: Policy, answer: F64, recorded: F64, canary: Canary, folder: Path) -> float:
    spec = policy.spec
    slack = 1e-9
    if ((answer < spec.low - slack) | (answer > spec.high + slack)).any():
        raise CheckpointError(f"{folder}: the canary's answer leaves the policy's own ranges.")
    worst = float(np.abs(spec.normalise(answer) - spec.normalise(recorded)).max())
    if worst > canary.tolerance:
        raise CheckpointError(
            f"{folder}: the canary's answer differs from the recorded one by {worst:.2g} "
            f"(tolerance {canary.tolerance:.2g}); this is not the policy that was published."
        )
    return worst


def canary_observation(rgb: np.ndarray, target: Setpoint, instruction: str) -> Observation:
    """An observation of which a policy uses image and target alone."""
    frame = CameraFrame(
        stamp_ns=0, rgb=rgb, frame_number=0, device_stamp_ns=0, device_domain="canary"
    )
    robot = RobotState(
        stamp_ns=0,
        joint_positions_rad=np.zeros(7),
        joint_velocities_radps=np.zeros(7),
        base_T_ee=target.pose,
        wrench=np.zeros(6),
        gripper_width_m=0.0,
        gripper_is_grasped=False,
        mode=RobotMode.IDLE,
    )
    return Observation(stamp_ns=0, frame=frame, robot=robot, target=target, instruction=instruction)

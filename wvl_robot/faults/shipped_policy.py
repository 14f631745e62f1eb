"""Publishes the shipped policy in an empty registry: `python -m wvl_robot.faults.shipped_policy`.

A program of its own, so that whoever injects faults need not load torch.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

from wvl_models.contract.pose import Pose, Setpoint
from wvl_models.contract.task import load_task
from wvl_models.policy.checkpoint import load_policy
from wvl_models.registry.canary import canary_observation, record_canary
from wvl_models.registry.registry import Registry
from wvl_robot.share import share_folder

TASK = "lift_cube"


def main(registry: Path) -> None:
    """Entry point."""
    import wvl_models

    weights = Path(wvl_models.__file__).parent / "weights" / "tiny" / "policy"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "policy"
        shutil.copytree(weights, folder)
        agent = load_policy(folder)
        camera = agent.view.intrinsics
        rng = np.random.default_rng(0)
        picture = rng.integers(0, 255, (camera.height, camera.width, 3), np.uint8)
        pose = Pose(position_m=np.array([0.46, 0.0, 0.2]), quaternion_xyzw=np.array([1.0, 0, 0, 0]))
        instruction = load_task(share_folder(), TASK).instruction
        seen = canary_observation(picture, Setpoint(pose=pose, gripper_open=True), instruction)
        canary = record_canary(agent, seen, camera, folder)
        manifest = Registry(registry).publish(
            "policy",
            folder,
            factory="openvla_oft",
            parent=None,
            commit="shipped",
            snapshot=None,
            configuration={},
            canary=canary,
        )
    Registry(registry).promote("policy", manifest.version, reason="shipped")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

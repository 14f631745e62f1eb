"""Real tiny policies with random weights, published as the loop publishes its own."""

from pathlib import Path

import numpy as np
import torch

from tests.cells import SHARE
from wvl_models.contract.action import ActionSpec
from wvl_models.contract.pose import Pose, Setpoint
from wvl_models.policy.agent import PolicyAgent
from wvl_models.policy.checkpoint import save_policy
from wvl_models.policy.config import PolicyConfig
from wvl_models.policy.model import OpenVLAOFT
from wvl_models.policy.prompt import Prompter
from wvl_models.registry.canary import canary_observation, record_canary
from wvl_models.registry.registry import Registry
from wvl_robot.rig.calibration import load_calibration
from wvl_robot.rig.config import load_rig, rig_view

INSTRUCTION = "lift the red cube"


def random_agent(seed: int) -> PolicyAgent:
    """A policy that looks through the virtual rig and moves a few millimetres per step."""
    rig = load_rig(SHARE, "virtual")
    view = rig_view(rig, load_calibration(SHARE, rig).intrinsics)
    torch.manual_seed(seed)
    config = PolicyConfig.tiny()
    reach = np.array([0.004, 0.004, 0.004, 0.0, 0.0, 0.0])
    spec = ActionSpec(
        low=np.array([*-reach, 0.0]),
        high=np.array([*reach, 1.0]),
        chunk_steps=config.chunk_steps,
        rate_hz=10.0,
    )
    prompter = Prompter.for_instructions([INSTRUCTION], config.language)
    return PolicyAgent(OpenVLAOFT(config), prompter, spec, view).eval()


def publish_random(registry: Registry, scratch: Path, seed: int) -> str:
    """Version of a freshly published random policy, with its canary."""
    agent = random_agent(seed)
    folder = scratch / f"random-{seed}"
    folder.mkdir(parents=True)
    save_policy(agent, folder, "random")
    camera = agent.view.intrinsics
    frame = np.random.default_rng(seed).integers(0, 255, (camera.height, camera.width, 3), np.uint8)
    pose = Pose(position_m=np.array([0.5, 0.0, 0.3]), quaternion_xyzw=np.array([1.0, 0, 0, 0]))
    observation = canary_observation(frame, Setpoint(pose=pose, gripper_open=True), INSTRUCTION)
    canary = record_canary(agent, observation, camera, folder)
    return registry.publish(
        "policy",
        folder,
        factory="openvla_oft",
        parent=None,
        commit="test",
        snapshot=None,
        configuration={},
        canary=canary,
    ).version

"""The learning rooms at a size of milliseconds, for their tests: the same classes, less of them.

Torch runs on one thread here: the tests share a machine, and their networks gain nothing.
"""

import numpy as np
import torch

from wvl_models.contract.action import ActionSpec
from wvl_models.contract.camera import CameraCalibration, Intrinsics, View
from wvl_models.contract.examples import example_actions, example_calibration, example_setpoint
from wvl_models.contract.rotation import F64
from wvl_models.episodes.reels import Reel
from wvl_models.policy.agent import PolicyAgent
from wvl_models.policy.config import LanguageConfig, PolicyConfig, TowerConfig
from wvl_models.policy.model import OpenVLAOFT
from wvl_models.policy.prompt import Prompter
from wvl_models.world_model.config import (
    ActionConfig,
    DiTConfig,
    NoiseConfig,
    Prediction,
    RewardConfig,
    RewardWeight,
    WorldModelConfig,
)
from wvl_models.world_model.linear_tokenizer import LinearTokenizer
from wvl_models.world_model.model import CosmosWorldModel

torch.set_num_threads(1)

SIDE = 32
STEPS = 8
"""Chunk length of the small models: two latent frames."""

INSTRUCTION = "put the cube on the plate"
SPEC = ActionSpec(
    low=np.array([-0.01] * 3 + [-0.04] * 3 + [0.0]),
    high=np.array([0.01] * 3 + [0.04] * 3 + [1.0]),
    chunk_steps=STEPS,
)
VIEW = View(intrinsics=Intrinsics(width=SIDE, height=SIDE, fx=40.0, fy=40.0, cx=16.0, cy=16.0))


def small_policy_config(**changes: object) -> PolicyConfig:
    """`PolicyConfig.tiny` with less of everything."""
    tower = {"width": 16, "depth": 3, "num_heads": 2, "mlp_width": 32, "position_std": 0.5}
    settings: dict[str, object] = {
        "image_size": SIDE,
        "patch_size": 8,
        "dino": TowerConfig(
            **tower,
            num_registers=1,
            has_class_token=True,
            has_layer_scale=True,
            mean=(0.485, 0.456, 0.406),
            std=(0.229, 0.224, 0.225),
        ),
        "siglip": TowerConfig(**tower, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),
        "projector_width": 48,
        "language": LanguageConfig(
            width=32,
            num_layers=2,
            num_heads=2,
            mlp_width=64,
            base_vocabulary=320,
            padded_vocabulary=384,
            initial_std=0.17,
            space_id=4,
        ),
        "chunk_steps": STEPS,
    }
    return PolicyConfig.model_validate(
        PolicyConfig.tiny().model_dump() | settings | changes, strict=False
    )


def small_agent(seed: int = 0, spec: ActionSpec = SPEC, **changes: object) -> PolicyAgent:
    """An untrained policy."""
    torch.manual_seed(seed)
    config = small_policy_config(chunk_steps=spec.chunk_steps, **changes)
    prompter = Prompter.for_instructions([INSTRUCTION], config.language)
    return PolicyAgent(OpenVLAOFT(config), prompter, spec, VIEW).eval()


def small_world_config(**changes: object) -> WorldModelConfig:
    """`WorldModelConfig.tiny` with less of everything."""
    settings: dict[str, object] = {
        "size": "tiny",
        "chunk_steps": STEPS,
        "dit": DiTConfig(latent_channels=12, width=48, num_blocks=2, num_heads=2, adaln_rank=16),
        "action": ActionConfig(hidden=32, spatial=True),
        "noise": NoiseConfig(
            sampling="half_max", num_steps=1, clean_pass=False, context_noise=0.05
        ),
        "reward": RewardConfig(hidden=32, weight=4.0, form=RewardWeight.LATE),
        "prediction": Prediction.SAMPLE,
        "still_residual": True,
    }
    return WorldModelConfig.model_validate(settings | changes)


def example_camera(seed: int = 0) -> CameraCalibration:
    """`VIEW` as a calibrated camera in front of the table."""
    return VIEW.of(example_calibration(np.random.default_rng(seed)))


def example_tokenizer(seed: int = 0, channels: int = 12) -> LinearTokenizer:
    """Fitted on example reels."""
    rng = np.random.default_rng(seed)
    videos = [example_reel(rng, num_chunks=1).frames for _ in range(4)]
    return LinearTokenizer.fit(videos, channels)


def small_world(seed: int = 0, **changes: object) -> CosmosWorldModel:
    """A world model whose untrained output depends on all of its inputs."""
    torch.manual_seed(seed)
    model = CosmosWorldModel(small_world_config(**changes), example_tokenizer(), example_camera())
    shake(model.dit, seed)
    return model.eval()


@torch.no_grad()
def shake(module: torch.nn.Module, seed: int = 0, std: float = 0.1) -> None:
    """Add noise to every parameter, so that none hides behind a zero."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        parameter.add_(std * torch.randn(parameter.shape, generator=generator))


def example_targets(rng: np.random.Generator, num_steps: int = STEPS) -> F64:
    """Setpoint rows [1 + num_steps, 8] that follow each other by example actions."""
    start = example_setpoint(rng).as_row()
    actions = example_actions(rng, num_steps)
    start[7] = actions[0, 6]
    return np.concatenate([start[None], SPEC.integrate(start, actions)])


def example_reel(
    rng: np.random.Generator, *, num_chunks: int = 2, is_success: bool | None = None
) -> Reel:
    """A reel whose frames show a white square at the gripper and whose last third succeeds."""
    camera = example_camera()
    targets = example_targets(rng, num_chunks * STEPS)
    success = bool(rng.integers(2)) if is_success is None else is_success
    rewards = np.zeros(len(targets), dtype=np.float32)
    rewards[2 * len(targets) // 3 :] = float(success)
    return Reel(
        episode_id=f"example-{int(rng.integers(10**12)):012d}",
        task="cube_on_plate",
        instruction=INSTRUCTION,
        camera=camera,
        frames=_draw(camera, targets, rewards),
        targets=targets,
        rewards=rewards,
    )


def _draw(camera: CameraCalibration, targets: F64, rewards: np.ndarray) -> np.ndarray:
    rows, columns = np.mgrid[0:SIDE, 0:SIDE] + 0.5
    frames = np.empty((len(targets), SIDE, SIDE, 3), dtype=np.uint8)
    for frame, (x, y), reward in zip(frames, camera.project(targets[:, :3]), rewards, strict=True):
        near = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 18.0)
        frame[...] = (60 + 190 * near)[..., None]
        frame[:8, :8, 1] = 250 * reward
    return frames

"""Pictures for benchmarks of what stores and shows them."""

from collections.abc import Sequence

import numpy as np

from wvl_models.contract.observation import U8
from wvl_robot.share import share_folder
from wvl_robot.virtual.cell import cell_config
from wvl_robot.virtual.scene import FULL_CAMERA, SceneRenderer, build_spec, compile_scene
from wvl_robot.virtual.tasks import virtual_task

NOISE_SIGMA = 2.0
"""Of the camera-like frames, in grey values: a D435 in a lit room, a guess to be replaced by a
measurement at the rig."""


def render_frames(count: int, seed: int) -> list[U8]:
    """What the virtual rig's camera sees [480, 640, 3] while the arm waves."""
    import mujoco  # after wvl_robot.virtual, which chooses its OpenGL

    config = cell_config(share_folder(), "lift_cube", "virtual")
    look = config.look
    task = virtual_task(config.task)
    scene = compile_scene(build_spec(task, look.calibration, look.view), task)
    data = mujoco.MjData(scene.model)
    scene.place_objects(data, task.layout(np.random.default_rng(seed)))
    home = np.array(config.rig.robot.home_joints_rad)
    draw = SceneRenderer(scene.model, FULL_CAMERA, 1)
    frames = []
    for index in range(count):
        data.qpos[scene.arm_qpos] = home + 0.2 * np.sin(0.2 * index + np.arange(7))
        mujoco.mj_forward(scene.model, data)
        frames.append(draw.render(data))
    draw.close()
    return frames


def add_noise(frames: Sequence[U8], seed: int) -> list[U8]:
    """The same with Gaussian noise of `NOISE_SIGMA`, new in every frame."""
    draw = np.random.default_rng(seed)
    noisy = [rgb + draw.normal(0.0, NOISE_SIGMA, rgb.shape) for rgb in frames]
    return [np.clip(np.rint(image), 0, 255).astype(np.uint8) for image in noisy]

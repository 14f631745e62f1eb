from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from wvl_models.contract import examples
from wvl_models.contract.episode import Origin
from wvl_robot.rig.config import load_rig

SHARE = Path(__file__).parents[3]
MAKERS = [
    examples.example_pose,
    examples.example_setpoint,
    examples.example_actions,
    examples.example_frame,
    examples.example_robot_state,
    examples.example_observation,
    examples.example_chunk,
    examples.example_calibration,
    examples.example_header,
    examples.example_step,
]


def flat(example: object) -> str:
    return repr(example if isinstance(example, np.ndarray) else asdict(example))  # type: ignore[call-overload]


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_the_same_generator_draws_the_same_example(
    make: Callable[[np.random.Generator], object],
) -> None:
    assert flat(make(np.random.default_rng(3))) == flat(make(np.random.default_rng(3)))
    assert flat(make(np.random.default_rng(3))) != flat(make(np.random.default_rng(4)))


def test_poses_keep_to_the_virtual_rigs_limits() -> None:
    limits = load_rig(SHARE, "virtual").safety
    rng = np.random.default_rng(0)
    for _ in range(200):
        pose = examples.example_pose(rng)
        assert (pose.position_m >= limits.workspace_low_m).all()
        assert (pose.position_m <= limits.workspace_high_m).all()
        assert pose.matrix()[2, 2] < -np.cos(limits.max_tilt_rad)


def test_an_observation_is_not_older_than_a_millisecond() -> None:
    seen = examples.example_observation(np.random.default_rng(0), width=640, height=480)
    assert seen.frame.rgb.shape == (480, 640, 3)
    for stamp_ns in (seen.frame.stamp_ns, seen.robot.stamp_ns):
        assert 0 < seen.stamp_ns - stamp_ns < 1_000_000


def test_a_chunk_answers_its_observation() -> None:
    rng = np.random.default_rng(0)
    seen = examples.example_observation(rng)
    chunk = examples.example_chunk(rng, observation=seen, num_steps=8)
    assert chunk.observation_stamp_ns == seen.stamp_ns and chunk.start is seen.target
    assert chunk.actions.shape == (8, 7)


def test_the_example_camera_sees_the_middle_of_the_table() -> None:
    for seed in range(20):
        calibration = examples.example_calibration(np.random.default_rng(seed))
        pixel = calibration.project(np.array([0.5, 0.0, 0.1]))
        np.testing.assert_allclose(pixel, [320.0, 240.0], atol=1e-6)
        above = calibration.project(np.array([0.5, 0.0, 0.2]))
        assert above[1] < 240.0, "up in the world is up in the image"


def test_headers_of_every_origin() -> None:
    rng = np.random.default_rng(0)
    headers = [examples.example_header(rng, origin=origin) for origin in Origin]
    assert len({header.episode_id for header in headers}) == len(Origin)

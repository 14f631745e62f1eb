"""What an episode in memory accepts."""

from dataclasses import fields, replace

import numpy as np
import pytest

from wvl_models.contract.errors import DataError
from wvl_models.episodes.arrays import EpisodeArrays, EpisodeSignals
from wvl_models.episodes.examples import example_arrays, example_steps
from wvl_models.episodes.schema import ROBOT_MODES, TABLES


@pytest.fixture
def arrays(rng: np.random.Generator) -> EpisodeArrays:
    return example_arrays(rng, 5)


def test_steps_come_back_as_they_went_in(rng: np.random.Generator) -> None:
    steps = example_steps(rng, 4)
    arrays = EpisodeArrays.from_steps(steps)
    for index, step in enumerate(steps):
        again = arrays.step(index, step.observation.instruction)
        assert np.array_equal(again.observation.frame.rgb, step.observation.frame.rgb)
        assert again.observation.robot.mode == step.observation.robot.mode
        assert np.array_equal(again.observation.target.as_row(), step.observation.target.as_row())
        assert np.array_equal(again.sent.as_row(), step.sent.as_row())
        for name in ("verdict", "reason", "reward", "policy_version", "decided_ns", "sent_ns"):
            assert getattr(again, name) == getattr(step, name)
        again_frame, frame = again.observation.frame, step.observation.frame
        for name in ("stamp_ns", "frame_number", "device_stamp_ns", "device_domain"):
            assert getattr(again_frame, name) == getattr(frame, name)


def test_policy_versions_are_kept_once_in_order_of_appearance(rng: np.random.Generator) -> None:
    steps = example_steps(rng, 4)
    names = ("v2", "v1", "v2", "")
    steps = [replace(step, policy_version=name) for step, name in zip(steps, names, strict=True)]
    arrays = EpisodeArrays.from_steps(steps)
    assert arrays.policy_versions == ("v2", "v1", "")
    assert arrays.policy_version.tolist() == [0, 1, 0, 2]


def test_every_signal_of_the_schema_is_a_field() -> None:
    signals = {signal.name for table in TABLES for signal in table.signals}
    assert signals | {"policy_versions", "device_domains"} == {
        field.name for field in fields(EpisodeSignals)
    }


def test_robot_signals_may_be_unmeasured_as_a_whole(arrays: EpisodeArrays) -> None:
    imagined = replace(arrays, wrench=np.full((5, 6), np.nan))
    assert np.isnan(imagined.wrench).all()


def test_arrays_are_read_only(arrays: EpisodeArrays) -> None:
    with pytest.raises(ValueError, match="read-only"):
        arrays.target[0, 0] = 1.0


def test_small_integers_are_widened(arrays: EpisodeArrays) -> None:
    assert replace(arrays, verdict=np.zeros(5, np.uint8)).verdict.dtype == np.int64


def _with(array: np.ndarray, index, value: float) -> np.ndarray:
    changed = array.copy()
    changed[index] = value
    return changed


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("wrench", lambda a: a[:, :5], r"wrench must have shape \(5, 6\)"),
        ("wrench", lambda a: _with(a, (1, 2), np.nan), "wrench must be finite"),
        ("target", lambda a: np.full_like(a, np.nan), "target must be finite"),
        ("decided", lambda a: _with(a, (0, 3), 5.0), "unit quaternions"),
        ("sent", lambda a: _with(a, (0, 7), 0.5), "gripper of 0 or 1"),
        ("tick_ns", lambda a: a[::-1], "tick_ns must increase"),
        ("reward", lambda a: _with(a, 0, 1.5), "reward must lie in"),
        ("robot_mode", lambda a: _with(a, 0, len(ROBOT_MODES)), "robot_mode must be a code"),
        ("policy_version", lambda a: _with(a, 0, 1), "policy_version must be a code below 1"),
        ("verdict", lambda a: a + 0.5, "verdict must be int64"),
        ("gripper_is_grasped", lambda a: a.astype(int) + 2, "gripper_is_grasped must be bool"),
        ("rgb", lambda a: a.astype(float), "rgb must be uint8"),
        ("rgb", lambda a: a[:4], "rgb has 4 frames for 5 steps"),
    ],
)
def test_refuses_what_is_no_episode(arrays: EpisodeArrays, name, change, message) -> None:
    with pytest.raises(DataError, match=message):
        replace(arrays, **{name: change(getattr(arrays, name))})


def test_refuses_an_episode_without_steps() -> None:
    with pytest.raises(DataError, match="at least one step"):
        EpisodeArrays.from_steps([])

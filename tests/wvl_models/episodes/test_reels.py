"""Episodes as models see them."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from wvl_models.contract.camera import Intrinsics, View
from wvl_models.contract.episode import EpisodeHeader, Label, Outcome
from wvl_models.contract.errors import DataError, StoreError
from wvl_models.episodes.examples import example_arrays
from wvl_models.episodes.reels import Reel, read_reels
from wvl_models.episodes.store import EpisodeStore

MakeHeader = Callable[..., EpisodeHeader]

CAMERA = Intrinsics(width=40, height=30, fx=40.0, fy=40.0, cx=20.0, cy=15.0)
VIEW = View(intrinsics=Intrinsics(width=8, height=8, fx=16.0, fy=16.0, cx=4.0, cy=4.0))


@pytest.fixture
def filled(store: EpisodeStore, header: MakeHeader, rng: np.random.Generator) -> EpisodeStore:
    for name, outcome in (("a", Outcome.SUCCESS), ("b", Outcome.FAILURE), ("c", None)):
        made = header(name, task="lift", instruction=f"lift {name}")
        made = replace(made, calibration=replace(made.calibration, intrinsics=CAMERA))
        label = None if outcome is None else Label(outcome=outcome, author="ann")
        store.add(made, example_arrays(rng, 6, width=40, height=30), label)
    return store


def test_reels_come_in_the_order_that_was_asked_for(filled: EpisodeStore) -> None:
    reels = list(read_reels(filled.view(), ["c", "a"], VIEW))
    assert [reel.episode_id for reel in reels] == ["c", "a"]
    assert [reel.instruction for reel in reels] == ["lift c", "lift a"]
    assert {reel.task for reel in reels} == {"lift"}


def test_frames_and_camera_are_those_of_the_view(filled: EpisodeStore) -> None:
    reel = next(read_reels(filled.view(), ["a"], VIEW))
    rgb = filled.read("a").rgb
    assert reel.frames.shape == (6, 8, 8, 3)
    assert np.array_equal(reel.frames, VIEW.through(rgb, CAMERA))
    left, top, right, bottom = VIEW.box(CAMERA)
    middle = rgb[2, int(top) : int(bottom), int(left) : int(right)].mean()
    assert reel.frames[2].mean() == pytest.approx(middle, abs=1.0)
    assert reel.camera.intrinsics == VIEW.intrinsics
    pose = filled.header("a").calibration.base_T_camera
    assert np.array_equal(reel.camera.base_T_camera.matrix(), pose.matrix())


def test_targets_are_those_in_force_at_each_observation(filled: EpisodeStore) -> None:
    """Row k + 1 is what action k asked for; what the gate let through, not what was wished."""
    reel = next(read_reels(filled.view(), ["a"], VIEW))
    stored = filled.read("a")
    assert np.array_equal(reel.targets, stored.target)
    assert np.array_equal(reel.targets[1:], stored.sent[:-1])


def test_rewards_follow_the_label_in_force(filled: EpisodeStore) -> None:
    rewards = {reel.episode_id: reel for reel in read_reels(filled.view(), "abc", VIEW)}
    assert rewards["a"].rewards.tolist() == [0, 0, 0, 0, 0, 1]
    assert rewards["a"].is_success
    assert not rewards["b"].is_success
    filled.labels.add("b", Label(outcome=Outcome.SUCCESS, success_intervals=((2, 4),), author="bo"))
    again = next(read_reels(filled.view(), ["b"], VIEW))
    assert again.rewards.tolist() == [0, 0, 1, 1, 0, 0]


def test_an_episode_outside_the_view_is_refused(filled: EpisodeStore) -> None:
    with pytest.raises(StoreError, match="episode z is not in this view"):
        next(read_reels(filled.view(), ["z"], VIEW))


def test_a_view_wider_than_the_camera_is_refused(filled: EpisodeStore) -> None:
    wide = View(intrinsics=replace(VIEW.intrinsics, fx=2.0, fy=2.0))
    with pytest.raises(DataError, match="the model's view needs pixels"):
        next(read_reels(filled.view(), ["a"], wide))


@pytest.mark.parametrize("lengths", [(1, 1, 1), (3, 2, 3), (3, 3, 2)])
def test_parts_of_different_length_make_no_reel(
    filled: EpisodeStore, lengths: tuple[int, int, int]
) -> None:
    reel: Reel = next(read_reels(filled.view(), ["a"], VIEW))
    frames, targets, rewards = lengths
    with pytest.raises(DataError, match=r"episode a: .* make no reel"):
        replace(
            reel,
            frames=reel.frames[:frames],
            targets=reel.targets[:targets],
            rewards=reel.rewards[:rewards],
        )

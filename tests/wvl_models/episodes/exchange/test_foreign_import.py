"""A lab's own LeRobot data set under a mapping: nothing guessed, nothing invented."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from wvl_models.contract.config import parse_config
from wvl_models.contract.episode import Origin, Outcome
from wvl_models.contract.errors import ConfigError, DataError
from wvl_models.contract.observation import RobotMode
from wvl_models.episodes.exchange.foreign_import import foreign_arrivals
from wvl_models.episodes.exchange.importing import ImportReport, admit
from wvl_models.episodes.exchange.lerobot_dataset import LeRobotDataSet
from wvl_models.episodes.exchange.lerobot_documents import ImageCoding, LeRobotOptions
from wvl_models.episodes.exchange.lerobot_export import export_lerobot
from wvl_models.episodes.exchange.mapping import Mapping
from wvl_models.episodes.schema import ROBOT_MODES
from wvl_models.episodes.store import EpisodeStore

MakeStore = Callable[..., EpisodeStore]

STATE = "observation.state"

LEAST: dict[str, Any] = {
    "task": "lift",
    "rig": "their_lab",
    "camera": {
        "feature": "observation.images.front",
        "name": "their_lab/front",
        "fx": 20.0,
        "fy": 20.0,
        "cx": 8.0,
        "cy": 8.0,
        "position_m": [1.0, 0.0, 0.5],
        "quaternion_xyzw": [0.0, 1.0, 0.0, 0.0],
    },
    "action": {
        "feature": "action",
        "kind": "target",
        "position": [0, 1, 2],
        "rotation": [3, 4, 5, 6],
        "rotation_as": "quaternion_xyzw",
        "gripper": {"column": 7, "open": 1.0, "closed": 0.0},
    },
}

EE_POSE = {
    "feature": STATE,
    "position": [7, 8, 9],
    "rotation": [10, 11, 12, 13],
    "rotation_as": "quaternion_xyzw",
}

FULL: dict[str, Any] = LEAST | {
    "ee_pose": EE_POSE,
    "gripper_width": {"feature": STATE, "gripper": {"column": 14, "open": 0.08, "closed": 0.0}},
    "joint_positions": {"feature": STATE, "columns": list(range(7))},
    "next_reward": "next.reward",
    "next_success": "next.success",
    "operator": "kim",
}


def mapping_of(data: dict[str, Any]) -> Mapping:
    return parse_config(data, Mapping, source="mapping.yaml")


@pytest.fixture
def source(make_store: MakeStore) -> EpisodeStore:
    return make_store()


@pytest.fixture
def theirs(source: EpisodeStore, tmp_path: Path) -> Path:
    """A data set with the columns that every lab has; what is ours of it is not looked at."""
    root = tmp_path / "theirs"
    export_lerobot(source.view(), root, LeRobotOptions(images=ImageCoding.PNG))
    (root / "meta/wvl.json").unlink()
    return root


def bring_in(root: Path, store: EpisodeStore, data: dict[str, Any]) -> ImportReport:
    return admit(store, foreign_arrivals(LeRobotDataSet(root), mapping_of(data)))


def test_what_is_mapped_arrives(theirs: Path, source: EpisodeStore, make_store: MakeStore) -> None:
    store = make_store("other", num_episodes=0)
    assert bring_in(theirs, store, FULL).num_added == 3
    was, now = source.read("ep-1"), store.read("theirs-000001")
    np.testing.assert_array_equal(now.rgb, was.rgb)
    np.testing.assert_allclose(now.sent, was.sent, atol=1e-6)
    np.testing.assert_allclose(now.target[1:], was.target[1:], atol=1e-6)
    np.testing.assert_allclose(now.joint_positions_rad, was.joint_positions_rad, atol=1e-6)
    np.testing.assert_allclose(now.gripper_width_m, was.gripper_width_m, atol=1e-6)
    header = store.header("theirs-000001")
    assert (header.instruction, header.task, header.operator) == ("push the mug", "lift", "kim")
    assert (header.rate_hz, header.origin) == (10.0, Origin.TELEOP)


def test_the_arm_stands_where_it_is_measured_before_the_first_action(
    theirs: Path, make_store: MakeStore
) -> None:
    store = make_store("other", num_episodes=0)
    bring_in(theirs, store, FULL)
    arrays = store.read("theirs-000000")
    np.testing.assert_allclose(arrays.target[0, :7], arrays.ee_pose[0], atol=1e-6)
    np.testing.assert_array_equal(arrays.target[1:], arrays.sent[:-1])


def test_reward_and_success_move_to_the_state_they_speak_of(
    theirs: Path, source: EpisodeStore, make_store: MakeStore
) -> None:
    store = make_store("other", num_episodes=0)
    bring_in(theirs, store, FULL)
    reward = store.read("theirs-000001").reward
    assert np.isnan(reward[0]), "nobody says what the first state was"
    np.testing.assert_array_equal(reward[1:], source.rewards("ep-1")[1:])
    label = store.labels.current("theirs-000001")
    assert label is not None
    assert (label.outcome, label.success_intervals) == (Outcome.SUCCESS, ((3, 5),))
    failed = store.labels.current("theirs-000000")
    assert failed is not None
    assert failed.outcome is Outcome.FAILURE


def test_what_nobody_knows_is_recorded_as_unknown(theirs: Path, make_store: MakeStore) -> None:
    store = make_store("other", num_episodes=0)
    bring_in(theirs, store, LEAST)
    arrays = store.read("theirs-000000")
    for name in ("joint_positions_rad", "joint_velocities_radps", "ee_pose", "wrench", "reward"):
        assert np.isnan(getattr(arrays, name)).all(), name
    assert np.isnan(arrays.gripper_width_m).all()
    assert set(arrays.robot_mode) == {ROBOT_MODES.index(RobotMode.OTHER)}
    assert arrays.device_domains == ("lerobot",)
    assert store.labels.current("theirs-000000") is None
    assert "not known: joint positions" in store.header("theirs-000000").notes


def test_without_a_measured_pose_the_first_step_is_left_out(
    theirs: Path, source: EpisodeStore, make_store: MakeStore
) -> None:
    store = make_store("other", num_episodes=0)
    bring_in(theirs, store, LEAST)
    was, now = source.read("ep-0"), store.read("theirs-000000")
    assert now.num_steps == was.num_steps - 1
    np.testing.assert_array_equal(now.rgb, was.rgb[1:])
    np.testing.assert_allclose(now.target, was.sent[:-1], atol=1e-6)


def test_a_lower_rate_keeps_every_nth_observation_and_where_the_arm_was_sent_until_then(
    theirs: Path, source: EpisodeStore, make_store: MakeStore
) -> None:
    store = make_store("other", num_episodes=0)
    bring_in(theirs, store, FULL | {"rate_hz": 5.0})
    was, now = source.read("ep-0"), store.read("theirs-000000")
    np.testing.assert_array_equal(now.rgb, was.rgb[[0, 2, 4]])
    np.testing.assert_allclose(now.sent, was.sent[[1, 3, 4]], atol=1e-6)
    np.testing.assert_array_equal(now.target[1:], now.sent[:-1])
    assert np.diff(now.tick_ns).tolist() == [200_000_000] * 2
    assert store.header("theirs-000000").rate_hz == 5.0


def test_a_second_import_adds_nothing(theirs: Path, make_store: MakeStore) -> None:
    store = make_store("other", num_episodes=0)
    bring_in(theirs, store, FULL)
    assert bring_in(theirs, store, FULL).num_present == 3


def test_an_outcome_may_hold_for_all(theirs: Path, make_store: MakeStore) -> None:
    store = make_store("other", num_episodes=0)
    bring_in(theirs, store, LEAST | {"outcome": "success"})
    assert store.rewards("theirs-000002").tolist() == [0, 0, 0, 0, 0, 1]


def changed(path: str, value: object) -> dict[str, Any]:
    """FULL with one field changed: `changed("action.kind", "target")`."""
    data = json.loads(json.dumps(FULL))
    *parents, last = path.split(".")
    place = data
    for name in parents:
        place = place[name]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return data


@pytest.mark.parametrize(
    ("data", "error", "sentence"),
    [
        (changed("camera.feature", "observation.images.top"), DataError, "has no feature"),
        (changed("camera.feature", "action"), DataError, "holds no colour images"),
        (changed("camera", None), ConfigError, "camera: Field required"),
        (changed("camera.fx", None), ConfigError, "camera.fx: Field required"),
        (changed("action.feature", "actions"), DataError, "action (float32 [8]: x_m, y_m"),
        (changed("action.gripper", None), ConfigError, "action.gripper: Field required"),
        (changed("action.gripper.column", 8), DataError, "column 8 of action, which has 8"),
        (changed("action.rotation", [3, 4, 5]), ConfigError, "quaternion_xyzw needs 4 columns"),
        (changed("action.rotation", [7, 7, 7, 7]), DataError, "holds no quaternion_xyzw"),
        (changed("action.gripper.open", 0.0), ConfigError, "must be different numbers"),
        (changed("next_reward", "next.points"), DataError, "no feature 'next.points'"),
        (changed("rate_hz", 7.0), ConfigError, "does not divide the 10 Hz"),
        (changed("outcome", "success"), ConfigError, "either outcome or next_success"),
        (changed("speed", 1), ConfigError, "speed: Extra inputs"),
        (LEAST | {"action": LEAST["action"] | {"kind": "delta_of_target"}}, ConfigError, "ee_pose"),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused_by_name(
    theirs: Path,
    make_store: MakeStore,
    data: dict[str, Any],
    error: type[Exception],
    sentence: str,
) -> None:
    store = make_store("other", num_episodes=0)
    with pytest.raises(error) as caught:
        bring_in(theirs, store, data)
    assert sentence in str(caught.value)
    assert store.ids() == ()


def test_the_example_in_the_documentation_is_a_mapping() -> None:
    page = Path(__file__).parents[4] / "docs" / "decisions" / "010-exchange.md"
    text = page.read_text(encoding="utf-8").partition("```yaml\n")[2].partition("```")[0]
    assert mapping_of(yaml.safe_load(text)).action.position_scale == 0.05

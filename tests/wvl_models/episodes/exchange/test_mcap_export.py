"""MCAP files, read back with the library's own reader."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mcap.reader import make_reader
from mcap_protobuf.decoder import DecoderFactory

from wvl_models.contract.errors import ConfigError
from wvl_models.contract.examples import example_header
from wvl_models.episodes.examples import example_arrays
from wvl_models.episodes.exchange.mcap_export import PictureCoding, export_mcap
from wvl_models.episodes.exchange.pictures import decode_picture
from wvl_models.episodes.snapshot import EpisodeFilter
from wvl_models.episodes.store import EpisodeStore

MakeStore = Callable[..., EpisodeStore]


def messages_of(path: Path) -> dict[str, list[tuple[int, Any]]]:
    """Stamp and decoded message by topic, in the order of time."""
    found: dict[str, list[tuple[int, Any]]] = {}
    with path.open("rb") as file:
        reader = make_reader(file, decoder_factories=[DecoderFactory()])
        for schema, channel, message in reader.iter_messages():
            if channel.message_encoding == "json":
                decoded: Any = json.loads(message.data)
            else:
                assert schema is not None
                decode = DecoderFactory().decoder_for("protobuf", schema)
                assert decode is not None
                decoded = decode(message.data)
            found.setdefault(channel.topic, []).append((message.log_time, decoded))
    return found


def test_every_step_is_there_under_topics_that_foxglove_knows(
    make_store: MakeStore, tmp_path: Path
) -> None:
    report = export_mcap(make_store().view(), tmp_path / "out")
    found = messages_of(tmp_path / "out/ep-1.mcap")
    assert {topic: len(rows) for topic, rows in found.items()} == {
        "/label": 1,
        **dict.fromkeys(
            (
                *("/camera/image", "/camera/calibration", "/tf", "/joint_states", "/robot"),
                *("/step", "/ee/measured", "/ee/target", "/ee/decided", "/ee/sent"),
            ),
            6,
        ),
    }
    assert (report.num_episodes, report.num_steps) == (3, 18)
    names = {type(rows[0][1]).__name__ for rows in found.values()} - {"dict"}
    assert names == {
        "CompressedImage",
        "CameraCalibration",
        "FrameTransforms",
        "JointStates",
        "PoseInFrame",
    }


def test_poses_and_joints_are_those_of_the_store(make_store: MakeStore, tmp_path: Path) -> None:
    store = make_store()
    export_mcap(store.view(), tmp_path / "out")
    found = messages_of(tmp_path / "out/ep-0.mcap")
    arrays = store.read("ep-0")
    sent = found["/ee/sent"][2][1].pose
    row = [getattr(sent.position, k) for k in "xyz"] + [
        getattr(sent.orientation, k) for k in "xyzw"
    ]
    np.testing.assert_array_equal(row, arrays.sent[2, :7])
    joints = [joint.position for joint in found["/joint_states"][4][1].joints]
    np.testing.assert_array_equal(joints, arrays.joint_positions_rad[4])


def test_time_is_the_wall_clock_and_keeps_every_distance(
    make_store: MakeStore, tmp_path: Path
) -> None:
    store = make_store()
    export_mcap(store.view(), tmp_path / "out")
    found = messages_of(tmp_path / "out/ep-0.mcap")
    arrays = store.read("ep-0")
    begin_ns = 1_795_251_600 * 10**9  # 2026-11-21T09:00:00+00:00, the header's created_utc
    ticks = [stamp for stamp, _ in found["/step"]]
    np.testing.assert_array_equal(ticks, arrays.tick_ns - arrays.tick_ns[0] + begin_ns)
    frames = [stamp for stamp, _ in found["/camera/image"]]
    np.testing.assert_array_equal(frames, arrays.frame_ns - arrays.tick_ns[0] + begin_ns)


def test_rewards_and_labels_are_in_it(make_store: MakeStore, tmp_path: Path) -> None:
    store = make_store()
    export_mcap(store.view(), tmp_path / "out")
    found = messages_of(tmp_path / "out/ep-1.mcap")
    assert [row["reward"] for _, row in found["/step"]] == [0, 0, 0, 1, 1, 0]
    assert found["/label"][0][1]["outcome"] == "success"
    assert found["/label"][0][1]["success_intervals"] == "3:5"
    with (tmp_path / "out/ep-1.mcap").open("rb") as file:
        about = next(iter(make_reader(file).iter_metadata()))
    assert about.metadata["digest"] == store.facts("ep-1").digest


@pytest.mark.parametrize("images", PictureCoding)
def test_the_loss_of_pictures_is_told(
    make_store: MakeStore, tmp_path: Path, images: PictureCoding
) -> None:
    store = make_store(num_episodes=1)
    report = export_mcap(store.view(), tmp_path / "out", images)
    rows = messages_of(tmp_path / "out/ep-0.mcap")["/camera/image"]
    decoded = np.stack([decode_picture(message.data, (16, 16)) for _, message in rows])
    error = np.mean((decoded.astype(float) - store.read("ep-0").rgb) ** 2)
    if images is PictureCoding.PNG:
        assert (error, report.psnr_db) == (0.0, None)
    else:
        assert report.psnr_db == pytest.approx(10 * np.log10(255**2 / error), abs=0.01)


def test_what_was_not_measured_has_no_topic(make_store: MakeStore, tmp_path: Path) -> None:
    store = make_store(num_episodes=0)
    rng = np.random.default_rng(1)
    names = {"joint_positions_rad": 7, "ee_pose": 7, "wrench": 6}
    unknown = {name: np.full((5, width), np.nan) for name, width in names.items()}
    store.add(
        replace(example_header(rng), episode_id="dream"), replace(example_arrays(rng), **unknown)
    )
    export_mcap(store.view(), tmp_path / "out")
    found = messages_of(tmp_path / "out/dream.mcap")
    assert found.keys().isdisjoint({"/ee/measured", "/joint_states"})
    assert "fx_n" not in found["/robot"][0][1]


def test_an_interrupted_export_leaves_nothing(make_store: MakeStore, tmp_path: Path) -> None:
    def stop(num_done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_mcap(make_store().view(), tmp_path / "out", on_episode=stop)
    assert not [path.name for path in tmp_path.iterdir() if "out" in path.name]


def test_an_empty_selection_is_refused(make_store: MakeStore, tmp_path: Path) -> None:
    view = make_store().view(EpisodeFilter(tasks=("nothing",)))
    with pytest.raises(ConfigError, match="no episode is left"):
        export_mcap(view, tmp_path / "out")

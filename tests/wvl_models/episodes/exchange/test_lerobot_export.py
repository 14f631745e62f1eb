"""What a LeRobot data set of ours looks like on the disk.

Held once against lerobot 0.4.4 itself: docs/decisions/010-exchange.md.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from wvl_models.contract.errors import ConfigError, DataError, StoreError
from wvl_models.contract.examples import example_header
from wvl_models.episodes.examples import example_arrays
from wvl_models.episodes.exchange.lerobot_documents import ImageCoding, LeRobotOptions
from wvl_models.episodes.exchange.lerobot_export import export_lerobot
from wvl_models.episodes.exchange.pictures import decode_picture
from wvl_models.episodes.exchange.video import Codec, Loss, read_video
from wvl_models.episodes.store import EpisodeStore

MakeStore = Callable[..., EpisodeStore]

PNG = LeRobotOptions(images=ImageCoding.PNG)
H264 = LeRobotOptions(images=ImageCoding.H264)


def rows_of(root: Path, folder: str = "data") -> list[dict[str, Any]]:
    """All rows of a folder's parquet files."""
    files = sorted((root / folder).rglob("*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def test_the_files_are_those_of_version_3(make_store: MakeStore, tmp_path: Path) -> None:
    export_lerobot(make_store().view(), tmp_path / "out", H264)
    found = {str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*.*")}
    assert found == {
        "README.md",
        "meta/info.json",
        "meta/stats.json",
        "meta/tasks.parquet",
        "meta/wvl.json",
        "meta/episodes/chunk-000/file-000.parquet",
        "data/chunk-000/file-000.parquet",
        "videos/observation.images.front",
        "videos/observation.images.front/chunk-000/file-000.mp4",
    }


def test_info_counts_and_describes_every_column(make_store: MakeStore, tmp_path: Path) -> None:
    export_lerobot(make_store().view(), tmp_path / "out", PNG)
    info = json.loads((tmp_path / "out/meta/info.json").read_text())
    assert info["codebase_version"] == "v3.0"
    assert (info["total_episodes"], info["total_frames"], info["total_tasks"]) == (3, 18, 2)
    assert (info["fps"], info["splits"]) == (10, {"train": "0:3"})
    columns = pq.read_schema(tmp_path / "out/data/chunk-000/file-000.parquet").names
    assert set(columns) == set(info["features"])


def test_steps_carry_what_was_sent_and_what_it_led_to(
    make_store: MakeStore, tmp_path: Path
) -> None:
    store = make_store()
    export_lerobot(store.view(), tmp_path / "out", PNG)
    first = rows_of(tmp_path / "out")[:5]
    arrays = store.read("ep-1")
    second = [row for row in rows_of(tmp_path / "out") if row["episode_index"] == 1]
    np.testing.assert_array_equal([row["action"] for row in second], arrays.sent.astype("f4"))
    np.testing.assert_array_equal([row["wvl.decided"] for row in second], arrays.decided)
    assert [row["next.reward"] for row in second] == [0, 0, 1, 1, 0, 0]
    assert [row["next.success"] for row in first] == [False] * 5, "ann says near success"
    assert [row["next.done"] for row in first] == [False] * 4 + [True]


def test_time_and_indices_count_as_lerobot_counts(make_store: MakeStore, tmp_path: Path) -> None:
    export_lerobot(make_store().view(), tmp_path / "out", PNG)
    rows = rows_of(tmp_path / "out")
    assert [row["index"] for row in rows] == list(range(18))
    assert [row["frame_index"] for row in rows[5:11]] == list(range(6))
    np.testing.assert_allclose([row["timestamp"] for row in rows[5:11]], np.arange(6) / 10)
    episodes = rows_of(tmp_path / "out", "meta/episodes")
    assert [(e["dataset_from_index"], e["dataset_to_index"]) for e in episodes] == [
        (0, 5),
        (5, 11),
        (11, 18),
    ]


def test_tasks_are_the_instructions_and_their_text_is_the_index(
    make_store: MakeStore, tmp_path: Path
) -> None:
    export_lerobot(make_store().view(), tmp_path / "out", PNG)
    table = pq.read_table(tmp_path / "out/meta/tasks.parquet")
    assert table.column("task").to_pylist() == ["lift the cube", "push the mug"]
    assert json.loads(table.schema.metadata[b"pandas"])["index_columns"] == ["task"]


def test_png_loses_nothing(make_store: MakeStore, tmp_path: Path) -> None:
    store = make_store(num_episodes=1)
    report = export_lerobot(store.view(), tmp_path / "out", PNG)
    pictures = [row["observation.images.front"]["bytes"] for row in rows_of(tmp_path / "out")]
    decoded = np.stack([decode_picture(data, (16, 16)) for data in pictures])
    np.testing.assert_array_equal(decoded, store.read("ep-0").rgb)
    assert report.psnr_db is None


@pytest.mark.parametrize(("images", "size"), [(ImageCoding.H264, 16), (ImageCoding.AV1, 64)])
def test_the_loss_of_a_video_is_measured_and_told(
    make_store: MakeStore, tmp_path: Path, images: ImageCoding, size: int
) -> None:
    store = make_store(size=size)
    report = export_lerobot(store.view(), tmp_path / "out", LeRobotOptions(images=images))
    loss = Loss()
    with (tmp_path / "out/videos/observation.images.front/chunk-000/file-000.mp4").open("rb") as f:
        decoded = list(read_video(f, first=5, num_frames=6, rate_hz=10, shape=(size, size)))
    for stored, frame in zip(store.read("ep-1").rgb, decoded, strict=True):
        loss = loss.add(stored, frame)
    assert report.psnr_db is not None
    assert abs(loss.psnr_db - report.psnr_db) < 1.0, "one episode of the three"
    told = json.loads((tmp_path / "out/meta/wvl.json").read_text())
    assert told["psnr_db"] == report.psnr_db
    assert f"PSNR {report.psnr_db} dB" in (tmp_path / "out/README.md").read_text()


def test_full_files_are_followed_by_new_ones(make_store: MakeStore, tmp_path: Path) -> None:
    options = replace(H264, data_file_bytes=1, video_file_bytes=1)
    report = export_lerobot(make_store().view(), tmp_path / "out", options)
    episodes = rows_of(tmp_path / "out", "meta/episodes")
    assert [e["data/file_index"] for e in episodes] == [0, 1, 2]
    assert len(rows_of(tmp_path / "out")) == report.num_steps
    last = episodes[-1]
    begin = last["videos/observation.images.front/from_timestamp"]
    end = last["videos/observation.images.front/to_timestamp"]
    assert round((end - begin) * 10) == 7


def test_figures_over_all_are_exact_but_for_quantiles(
    make_store: MakeStore, tmp_path: Path
) -> None:
    store = make_store()
    export_lerobot(store.view(), tmp_path / "out", PNG)
    stats = json.loads((tmp_path / "out/meta/stats.json").read_text())
    arrays = [store.read(name) for name in store.ids()]
    sent = np.concatenate([a.sent for a in arrays]).astype("f4").astype("f8")
    np.testing.assert_allclose(stats["action"]["mean"], sent.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(stats["action"]["std"], sent.std(axis=0), atol=1e-9)
    assert stats["action"]["count"] == [18]
    rgb = np.concatenate([a.rgb for a in arrays]) / 255.0
    image = stats["observation.images.front"]
    np.testing.assert_allclose(np.ravel(image["mean"]), rgb.mean(axis=(0, 1, 2)), atol=1e-12)
    assert np.shape(image["q50"]) == (3, 1, 1)


def test_without_measurements_there_is_no_state(make_store: MakeStore, tmp_path: Path) -> None:
    store = make_store(num_episodes=1)
    rng = np.random.default_rng(1)
    arrays = example_arrays(rng, 5, width=16, height=16)
    unknown = replace(arrays, joint_positions_rad=np.full((5, 7), np.nan))
    store.add(replace(example_header(rng), episode_id="dream"), unknown)
    report = export_lerobot(store.view(), tmp_path / "out", PNG)
    assert not report.has_state
    assert "observation.state" not in rows_of(tmp_path / "out")[0]


def test_episodes_of_different_size_are_refused(make_store: MakeStore, tmp_path: Path) -> None:
    store = make_store(num_episodes=1)
    rng = np.random.default_rng(1)
    store.add(replace(example_header(rng), episode_id="small"), example_arrays(rng, 5))
    with pytest.raises(ConfigError, match="one image size"):
        export_lerobot(store.view(), tmp_path / "out", PNG)


def test_a_picture_too_small_for_the_codec_is_refused_and_leaves_nothing(
    make_store: MakeStore, tmp_path: Path
) -> None:
    store = make_store(num_episodes=1)
    with pytest.raises(DataError, match="export them as png"):
        export_lerobot(store.view(), tmp_path / "out", LeRobotOptions(images=ImageCoding.AV1))
    assert not [p.name for p in tmp_path.iterdir() if "out" in p.name]


@pytest.mark.parametrize("blow", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_export_leaves_nothing(
    make_store: MakeStore, tmp_path: Path, blow: type[BaseException]
) -> None:
    def stop(num_done: int) -> None:
        if num_done == 2:
            raise blow

    with pytest.raises(blow):
        export_lerobot(make_store().view(), tmp_path / "out", H264, stop)
    assert not [p.name for p in tmp_path.iterdir() if "out" in p.name]


def test_a_damaged_episode_stops_the_export_by_name(make_store: MakeStore, tmp_path: Path) -> None:
    store = make_store()
    file = store.root / "episodes/ep-1/rgb/c.0.0.0.0"
    data = bytearray(file.read_bytes())
    data[100] ^= 1
    file.write_bytes(data)
    with pytest.raises(StoreError, match=r"episode ep-1: rgb/c.0.0.0.0 is damaged"):
        export_lerobot(store.view(), tmp_path / "out", PNG)
    assert not (tmp_path / "out").exists()


def test_what_a_killed_export_left_does_not_stop_the_next(
    make_store: MakeStore, tmp_path: Path
) -> None:
    left = tmp_path / ".out.part" / "data"
    left.mkdir(parents=True)
    (left / "half.parquet").write_bytes(b"half")
    export_lerobot(make_store().view(), tmp_path / "out", PNG)
    assert not (tmp_path / ".out.part").exists()
    assert not (tmp_path / "out/data/half.parquet").exists()


def test_an_existing_place_is_not_touched(make_store: MakeStore, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(StoreError, match="exists already"):
        export_lerobot(make_store().view(), tmp_path / "out", PNG)
    assert list((tmp_path / "out").iterdir()) == []


def test_two_exports_to_one_place_do_not_mix(make_store: MakeStore, tmp_path: Path) -> None:
    store = make_store()

    def second(num_done: int) -> None:
        with pytest.raises(StoreError, match="written by another process"):
            export_lerobot(store.view(), tmp_path / "out", PNG)

    export_lerobot(store.view(), tmp_path / "out", PNG, second)
    assert len(rows_of(tmp_path / "out")) == 18


def test_a_camera_name_cannot_leave_the_folder() -> None:
    with pytest.raises(ConfigError, match="letters, digits"):
        LeRobotOptions(camera="../x")


def test_codecs_are_those_of_the_options() -> None:
    assert {codec.value for codec in Codec} | {"png"} == {coding.value for coding in ImageCoding}

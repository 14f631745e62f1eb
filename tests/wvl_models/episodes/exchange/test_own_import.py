"""An export of ours comes back as it was; a damaged one is refused by name."""

import json
import shutil
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from wvl_models.contract.errors import DataError, StoreError, WvlError
from wvl_models.contract.examples import example_header
from wvl_models.episodes.arrays import EpisodeArrays
from wvl_models.episodes.examples import example_arrays, example_steps
from wvl_models.episodes.exchange.importing import ImportReport, admit
from wvl_models.episodes.exchange.lerobot_dataset import LeRobotDataSet
from wvl_models.episodes.exchange.lerobot_documents import ImageCoding, LeRobotOptions
from wvl_models.episodes.exchange.lerobot_export import export_lerobot
from wvl_models.episodes.exchange.own_import import own_arrivals
from wvl_models.episodes.records import HeaderRecord
from wvl_models.episodes.store import EpisodeStore

MakeStore = Callable[..., EpisodeStore]

PNG = LeRobotOptions(images=ImageCoding.PNG)
H264 = LeRobotOptions(images=ImageCoding.H264)
DATA = "data/chunk-000/file-000.parquet"
META = "meta/episodes/chunk-000/file-000.parquet"
VIDEO = "videos/observation.images.front/chunk-000/file-000.mp4"


def bring_in(root: Path, store: EpisodeStore) -> ImportReport:
    return admit(store, own_arrivals(LeRobotDataSet(root)))


def same(one: EpisodeArrays, other: EpisodeArrays, *, but: tuple[str, ...] = ()) -> bool:
    return all(
        np.array_equal(
            getattr(one, f.name),
            getattr(other, f.name),
            equal_nan=np.asarray(getattr(one, f.name)).dtype.kind == "f",
        )
        for f in fields(one)
        if f.name not in but
    )


@pytest.mark.parametrize("options", [PNG, replace(PNG, data_file_bytes=1)])
def test_a_lossless_export_comes_back_byte_for_byte(
    make_store: MakeStore, tmp_path: Path, options: LeRobotOptions
) -> None:
    store = make_store()
    export_lerobot(store.view(), tmp_path / "out", options)
    other = make_store("other", num_episodes=0)
    assert bring_in(tmp_path / "out", other) == ImportReport(
        num_added=3, num_present=0, num_identical=3
    )
    for name in store.ids():
        assert HeaderRecord.of(other.header(name)) == HeaderRecord.of(store.header(name))
        assert same(other.read(name), store.read(name))
        assert other.labels.current(name) == store.labels.current(name)
    assert other.labels.disagreement("ep-0") == store.labels.disagreement("ep-0")


@pytest.mark.parametrize("options", [H264, replace(H264, video_file_bytes=1)])
def test_after_a_lossy_export_all_but_the_images_is_equal(
    make_store: MakeStore, tmp_path: Path, options: LeRobotOptions
) -> None:
    store = make_store()
    export_lerobot(store.view(), tmp_path / "out", options)
    other = make_store("other", num_episodes=0)
    assert bring_in(tmp_path / "out", other).num_identical == 0
    for name in store.ids():
        assert same(other.read(name), store.read(name), but=("rgb",))
        error = other.read(name).rgb.astype(float) - store.read(name).rgb
        assert np.mean(error**2) < np.mean((store.read(name).rgb - 127.5) ** 2), "these frames"


def test_a_recovered_episode_comes_back_as_one(make_store: MakeStore, tmp_path: Path) -> None:
    store = make_store(num_episodes=0)
    rng = np.random.default_rng(3)
    writer = store.begin(replace(example_header(rng), episode_id="cut"))
    for step in example_steps(rng, 3):
        writer.append(step)
    writer.abort("operator")
    export_lerobot(store.view(), tmp_path / "out", PNG)
    other = make_store("other", num_episodes=0)
    assert bring_in(tmp_path / "out", other).num_identical == 1
    assert other.facts("cut").ending == store.facts("cut").ending


def test_unmeasured_signals_come_back_unmeasured(make_store: MakeStore, tmp_path: Path) -> None:
    store = make_store(num_episodes=0)
    rng = np.random.default_rng(3)
    arrays = replace(example_arrays(rng), wrench=np.full((5, 6), np.nan))
    store.add(replace(example_header(rng), episode_id="dream"), arrays)
    export_lerobot(store.view(), tmp_path / "out", PNG)
    other = make_store("other", num_episodes=0)
    assert bring_in(tmp_path / "out", other).num_identical == 1


def test_an_interrupted_import_is_continued_by_the_same_command(
    make_store: MakeStore, tmp_path: Path
) -> None:
    export_lerobot(make_store().view(), tmp_path / "out", PNG)
    other = make_store("other", num_episodes=0)

    def stop(num_done: int) -> None:
        if num_done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        admit(other, own_arrivals(LeRobotDataSet(tmp_path / "out")), stop)
    assert len(other.ids()) == 2
    report = bring_in(tmp_path / "out", other)
    assert (report.num_added, report.num_present, report.num_identical) == (1, 2, 3)
    assert len(other.labels.history("ep-0")) == 2, "labels are not added twice"


def test_another_episode_of_that_name_is_not_taken_for_it(
    make_store: MakeStore, tmp_path: Path
) -> None:
    export_lerobot(make_store().view(), tmp_path / "out", PNG)
    other = make_store("other", num_episodes=0)
    rng = np.random.default_rng(9)
    other.add(replace(example_header(rng), episode_id="ep-0", task="other"), example_arrays(rng))
    with pytest.raises(StoreError, match="another episode ep-0"):
        bring_in(tmp_path / "out", other)


@pytest.fixture
def exported(make_store: MakeStore, tmp_path: Path) -> Path:
    root = tmp_path / "exported"
    export_lerobot(make_store().view(), root, H264)
    return root


def edit_info(root: Path, **changes: object) -> None:
    path = root / "meta/info.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def edit_rows(root: Path, file: str, column: str, value: object) -> None:
    """Set a column of the first row, keeping its type."""
    table = pq.read_table(root / file)
    values = [value, *table[column].to_pylist()[1:]]
    at = table.schema.names.index(column)
    pq.write_table(
        table.set_column(at, column, pa.array(values, table.schema.field(at).type)), root / file
    )


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no info": (lambda r: (r / "meta/info.json").unlink(), "is not a LeRobot data set"),
    "half info": (lambda r: (r / "meta/info.json").write_text('{"a"'), "info.json is not JSON"),
    "version 2.1": (lambda r: edit_info(r, codebase_version="v2.1"), "version 'v2.1'"),
    "negative rate": (lambda r: edit_info(r, fps=-1), "info.json is damaged or foreign: fps"),
    "huge feature": (
        lambda r: edit_info(
            r,
            features=json.loads((r / "meta/info.json").read_text())["features"]
            | {"observation.images.front": {"dtype": "video", "shape": [99999, 99999, 3]}},
        ),
        "images of 99999x99999",
    ),
    "path out": (lambda r: edit_info(r, data_path="../../../etc/{chunk_index}"), "keeps its files"),
    "format string": (lambda r: edit_info(r, video_path="{video_key.__class__}"), "keeps its"),
    "an episode too many": (lambda r: edit_info(r, total_episodes=4), "lists 3 episodes where"),
    "no data": (lambda r: (r / DATA).unlink(), f"{DATA} cannot be read"),
    "half data": (
        lambda r: (r / DATA).write_bytes((r / DATA).read_bytes()[:4000]),
        f"{DATA} is damaged",
    ),
    "half video": (
        lambda r: (r / VIDEO).write_bytes((r / VIDEO).read_bytes()[:900]),
        f"{VIDEO}: the video cannot be decoded",
    ),
    "no video": (lambda r: (r / VIDEO).write_bytes(b""), f"{VIDEO}: the video cannot be decoded"),
    "wrong rows": (lambda r: edit_rows(r, META, "length", 4), "has 5 rows where 4"),
    "endless": (lambda r: edit_rows(r, META, "length", 10**9), "announces 1000000000 steps"),
    "negative file": (lambda r: edit_rows(r, META, "data/file_index", -1), "file 0/-1"),
    "record": (lambda r: edit_rows(r, META, "wvl/record", "{}"), "wvl/record is damaged"),
    "record path": (
        lambda r: edit_rows(
            r,
            META,
            "wvl/record",
            pq.read_table(r / META)["wvl/record"][0].as_py().replace("ep-0", "../../ep-0"),
        ),
        "header.episode_id",
    ),
    "a gap": (lambda r: edit_rows(r, DATA, "wvl.reward", None), "has gaps"),
    "not a number": (
        lambda r: edit_rows(r, DATA, "wvl.sent", [float("nan")] * 8),
        "sent must be finite",
    ),
    "a verdict nobody gives": (lambda r: edit_rows(r, DATA, "wvl.verdict", 99), "verdict must"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_refused_by_name(exported: Path, make_store: MakeStore, damage: str) -> None:
    hurt, sentence = DAMAGES[damage]
    hurt(exported)
    other = make_store("other", num_episodes=0)
    with pytest.raises(WvlError) as caught:
        bring_in(exported, other)
    assert sentence in str(caught.value)
    assert other.ids() == ()


@pytest.mark.parametrize("file", [DATA, VIDEO, META, "meta/info.json"])
def test_links_are_not_followed(
    exported: Path, make_store: MakeStore, tmp_path: Path, file: str
) -> None:
    outside = tmp_path / "outside"
    shutil.move(exported / file, outside)
    (exported / file).symlink_to(outside)
    with pytest.raises(StoreError, match="a link"):
        bring_in(exported, make_store("other", num_episodes=0))


def test_a_picture_larger_than_announced_is_not_decoded(
    make_store: MakeStore, tmp_path: Path
) -> None:
    export_lerobot(make_store().view(), tmp_path / "out", PNG)
    info = json.loads((tmp_path / "out/meta/info.json").read_text())
    info["features"]["observation.images.front"]["shape"] = [8, 8, 3]
    edit_info(tmp_path / "out", features=info["features"])
    with pytest.raises(DataError, match="picture of 16x16 where 8x8"):
        bring_in(tmp_path / "out", make_store("other", num_episodes=0))

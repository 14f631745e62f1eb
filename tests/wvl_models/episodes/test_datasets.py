"""Lists, filters, snapshots, windows and statistics over a store."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wvl_models.contract.action import ActionSpec
from wvl_models.contract.episode import EpisodeHeader, Label, Origin, Outcome
from wvl_models.contract.errors import DataError, StoreError
from wvl_models.episodes.arrays import EpisodeArrays
from wvl_models.episodes.examples import example_arrays, example_steps
from wvl_models.episodes.journal import journal_line, parse_journal
from wvl_models.episodes.snapshot import EpisodeFilter, Snapshot
from wvl_models.episodes.statistics import ACTION, MEASURED, actions_of, episode_statistics
from wvl_models.episodes.store import EpisodeStore
from wvl_models.episodes.windows import Padding, cut_windows

MakeHeader = Callable[..., EpisodeHeader]
SUCCESS = Label(outcome=Outcome.SUCCESS, author="ann")
FAILURE = Label(outcome=Outcome.FAILURE, author="ann")


@pytest.fixture
def filled(store: EpisodeStore, header: MakeHeader, rng: np.random.Generator) -> EpisodeStore:
    """Four episodes that differ in task, origin, label and policy."""
    store.add(header("lift-1", task="lift"), example_arrays(rng, 5), SUCCESS)
    store.add(header("lift-2", task="lift"), example_arrays(rng, 6), FAILURE)
    store.add(header("mug-1", task="mug", origin=Origin.TELEOP), example_arrays(rng, 7), SUCCESS)
    policy = replace(example_arrays(rng, 8), policy_versions=("v0007",))
    store.add(header("mug-2", task="mug", origin=Origin.POLICY), policy)
    return store


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        (EpisodeFilter(), ["lift-1", "lift-2", "mug-1", "mug-2"]),
        (EpisodeFilter(tasks=("lift",)), ["lift-1", "lift-2"]),
        (EpisodeFilter(outcomes=(Outcome.SUCCESS,)), ["lift-1", "mug-1"]),
        (EpisodeFilter(outcomes=(Outcome.SUCCESS, Outcome.FAILURE), tasks=("mug",)), ["mug-1"]),
        (EpisodeFilter(origins=(Origin.POLICY, Origin.TELEOP)), ["mug-1", "mug-2"]),
        (EpisodeFilter(policy_versions=("v0007",)), ["mug-2"]),
        (EpisodeFilter(tasks=()), []),
        (EpisodeFilter(ids=("mug-1", "lift-2")), ["lift-2", "mug-1"]),
        (EpisodeFilter(ids=("mug-1", "lift-2"), outcomes=(Outcome.SUCCESS,)), ["mug-1"]),
        (EpisodeFilter(ids=("never-recorded",)), []),
        (EpisodeFilter(ids=()), []),
    ],
)
def test_filters(filled: EpisodeStore, wanted: EpisodeFilter, ids: list[str]) -> None:
    assert list(filled.view(wanted).ids) == ids
    assert [row.facts.episode_id for row in filled.summary(wanted)] == ids


def test_a_filter_by_id_is_kept_in_its_snapshot(filled: EpisodeStore, tmp_path: Path) -> None:
    wanted = EpisodeFilter(ids=("mug-1", "lift-2"))
    filled.snapshot(wanted).save(tmp_path / "snapshot.json")
    loaded = Snapshot.load(tmp_path / "snapshot.json")
    assert loaded.filter == wanted
    assert filled.view_of(loaded).ids == ("lift-2", "mug-1")


@pytest.mark.parametrize("episode_id", ["../mug-1", "", "a/b", ".hidden"])
def test_a_filter_takes_episode_ids_only(episode_id: str) -> None:
    with pytest.raises(ValueError, match="ids"):
        EpisodeFilter(ids=(episode_id,))


def test_the_index_says_what_the_episodes_say(filled: EpisodeStore) -> None:
    from_index = EpisodeStore(filled.root).summary()
    filled.layout.index.unlink()
    assert EpisodeStore(filled.root).summary() == from_index
    assert len(from_index) == 4


@pytest.mark.parametrize("damage", [b"", b"nonsense\n", b'{"a":1}\n', b"\xff\xfe\n"])
def test_a_damaged_index_is_rebuilt(filled: EpisodeStore, damage: bytes) -> None:
    expected = filled.summary()
    filled.layout.index.write_bytes(damage)
    assert EpisodeStore(filled.root).summary() == expected


@pytest.mark.parametrize(
    "foreign",
    [{"num_steps": "many"}, {"origin": "hearsay"}, {"colour": "red"}, {"first_label": {}}],
)
def test_an_index_with_foreign_values_is_rebuilt(
    filled: EpisodeStore, foreign: dict[str, object]
) -> None:
    expected = filled.summary()
    rows = parse_journal(filled.layout.index.read_bytes()).records
    rows[0]["facts"] |= foreign
    filled.layout.index.write_bytes(b"".join(map(journal_line, rows)))
    assert EpisodeStore(filled.root).summary() == expected


def test_an_episode_that_appeared_or_went_is_noticed(
    filled: EpisodeStore, header: MakeHeader, rng: np.random.Generator
) -> None:
    reader = EpisodeStore(filled.root)
    assert len(reader.summary()) == 4
    filled.set_aside("mug-2")
    filled.add(header("new"), example_arrays(rng))
    assert [row.facts.episode_id for row in reader.summary()] == [
        "lift-1",
        "lift-2",
        "mug-1",
        "new",
    ]


def test_an_unreadable_episode_is_listed_as_such_and_blocks_snapshots(filled: EpisodeStore) -> None:
    (filled.layout.episode("lift-2") / "zarr.json").unlink()
    later = EpisodeStore(filled.root)
    assert [row.facts.episode_id for row in later.summary()] == ["lift-1", "mug-1", "mug-2"]
    assert list(later.unreadable()) == ["lift-2"]
    with pytest.raises(StoreError, match=r"lift-2.*repair --set-aside"):
        later.snapshot()


def test_a_snapshot_brings_back_the_labels_of_its_time(
    filled: EpisodeStore, tmp_path: Path
) -> None:
    filled.labels.add("mug-2", FAILURE)
    filled.snapshot(EpisodeFilter(tasks=("mug",))).save(tmp_path / "snapshot.json")
    filled.labels.add("mug-2", SUCCESS)
    filled.labels.undo("mug-1", "ann")
    view = EpisodeStore(filled.root).view_of(Snapshot.load(tmp_path / "snapshot.json"))
    assert view.ids == ("mug-1", "mug-2")
    label = view.label("mug-2")
    assert label is not None
    assert label.outcome is Outcome.FAILURE
    assert view.rewards("mug-1").sum() == 1.0
    assert filled.rewards("mug-1").sum() != 1.0 or filled.labels.current("mug-1") is None


def test_equal_content_has_an_equal_snapshot_id(filled: EpisodeStore) -> None:
    before = filled.snapshot(EpisodeFilter(tasks=("lift",)))
    filled.labels.add("mug-1", FAILURE)
    after = filled.snapshot(EpisodeFilter(tasks=("lift",)))
    assert before.snapshot_id == after.snapshot_id
    filled.labels.add("lift-1", FAILURE)
    assert filled.snapshot(EpisodeFilter(tasks=("lift",))).snapshot_id != before.snapshot_id


def test_an_edited_snapshot_is_refused(filled: EpisodeStore, tmp_path: Path) -> None:
    path = tmp_path / "snapshot.json"
    filled.snapshot().save(path)
    document = json.loads(path.read_text())
    document["snapshot"]["entries"].pop()
    path.write_text(json.dumps(document))
    with pytest.raises(StoreError, match="has been edited"):
        Snapshot.load(path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"snapshot": 3}', "\x00"])
def test_a_file_that_is_no_snapshot_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "snapshot.json").write_text(text)
    with pytest.raises(StoreError, match=r"snapshot\.json"):
        Snapshot.load(tmp_path / "snapshot.json")


def test_a_snapshot_of_an_episode_that_is_gone_is_refused(filled: EpisodeStore) -> None:
    snapshot = filled.snapshot()
    filled.set_aside("lift-1")
    with pytest.raises(StoreError, match=r"lift-1 of snapshot .* is missing"):
        filled.view_of(snapshot)


def test_a_snapshot_of_an_episode_that_was_replaced_is_refused(
    filled: EpisodeStore, header: MakeHeader, rng: np.random.Generator
) -> None:
    snapshot = filled.snapshot()
    filled.set_aside("lift-1")
    filled.add(header("lift-1", task="lift"), example_arrays(rng, 5), SUCCESS)
    with pytest.raises(StoreError, match=r"lift-1 of snapshot .* is another one"):
        filled.view_of(snapshot)


def test_a_snapshot_whose_labels_were_lost_is_refused(filled: EpisodeStore) -> None:
    filled.labels.add("lift-1", FAILURE)
    snapshot = filled.snapshot()
    filled.layout.labels.unlink()
    with pytest.raises(StoreError, match="labels have been lost"):
        EpisodeStore(filled.root).view_of(snapshot)


def test_a_snapshot_whose_labels_were_changed_is_refused(filled: EpisodeStore) -> None:
    filled.labels.add("lift-1", FAILURE)
    snapshot = filled.snapshot()
    filled.layout.labels.unlink()
    EpisodeStore(filled.root).labels.add("lift-1", SUCCESS)
    with pytest.raises(StoreError, match="are not those of snapshot"):
        EpisodeStore(filled.root).view_of(snapshot)


def test_a_view_refuses_an_episode_replaced_behind_its_back(
    filled: EpisodeStore, header: MakeHeader, rng: np.random.Generator
) -> None:
    view = filled.view()
    filled.set_aside("lift-1")
    filled.add(header("lift-1"), example_arrays(rng, 5))
    with pytest.raises(StoreError, match="it was replaced"):
        view.read("lift-1")


def test_windows_without_padding_lie_inside_the_episode() -> None:
    windows = cut_windows({"a": 5, "b": 2}, length=3, stride=2)
    assert [(w.episode_id, w.start, w.stop) for w in windows] == [("a", 0, 3), ("a", 2, 5)]


@given(total=st.integers(1, 30), length=st.integers(1, 12), stride=st.integers(1, 12))
def test_padded_windows_repeat_the_last_step_and_say_so(
    total: int, length: int, stride: int
) -> None:
    windows = cut_windows({"a": total}, length=length, stride=stride, padding=Padding.REPEAT_LAST)
    assert [w.start for w in windows] == list(range(0, total, stride))
    for window in windows:
        indices, mask = window.indices(), window.mask()
        assert len(indices) == len(mask) == length
        assert indices[mask].tolist() == list(range(window.start, window.stop))
        assert (indices[~mask] == total - 1).all()


def test_a_padded_window_of_frames_repeats_the_last_frame(filled: EpisodeStore) -> None:
    view = filled.view(EpisodeFilter(tasks=("lift",)))
    window = view.windows(length=4, stride=3, padding=Padding.REPEAT_LAST)[1]
    rgb = filled.read("lift-1").rgb
    assert np.array_equal(view.read_rgb(window), rgb[[3, 4, 4, 4]])


def test_windows_of_no_length_are_refused() -> None:
    with pytest.raises(DataError, match="length >= 1"):
        cut_windows({"a": 5}, length=0)


def test_actions_lead_from_each_target_to_the_decided_setpoint(rng: np.random.Generator) -> None:
    arrays = EpisodeArrays.from_steps(example_steps(rng, 6))
    spec = ActionSpec(low=np.zeros(7), high=np.zeros(7))
    reached = spec.integrate(arrays.target[0], actions_of(arrays))
    assert np.allclose(reached, arrays.decided)


def test_statistics_are_those_of_all_steps(filled: EpisodeStore) -> None:
    read = [filled.read(name) for name in filled.ids()]
    found = episode_statistics(filled.view())
    assert found.num_steps == 26
    assert list(found.signals) == [ACTION, *MEASURED]
    for name, figures in found.signals.items():
        parts = [actions_of(one) if name == ACTION else getattr(one, name) for one in read]
        values = np.concatenate(parts).reshape(26, -1)
        assert figures.num_steps == 26
        assert np.allclose(figures.mean, values.mean(axis=0))
        assert np.allclose(figures.std, values.std(axis=0))
        assert np.allclose(figures.q01, np.quantile(values, 0.01, axis=0))
        assert np.allclose(figures.q99, np.quantile(values, 0.99, axis=0))
        assert np.array_equal(figures.minimum, values.min(axis=0))
        assert np.array_equal(figures.maximum, values.max(axis=0))


def test_what_no_sensor_measured_is_left_out_of_the_statistics(
    filled: EpisodeStore, header: MakeHeader, rng: np.random.Generator
) -> None:
    whole = episode_statistics(filled.view())
    imagined = example_arrays(rng, 9)
    imagined = replace(imagined, joint_positions_rad=np.full((9, 7), np.nan))
    filled.add(header("dream", task="dream", origin=Origin.IMAGINED), imagined)
    joined = episode_statistics(filled.view())
    assert joined.num_steps == 35
    assert joined.signals["wrench"].num_steps == 35
    joints = joined.signals["joint_positions_rad"]
    assert joints.num_steps == 26
    assert np.array_equal(joints.mean, whole.signals["joint_positions_rad"].mean)
    dreams = episode_statistics(filled.view(EpisodeFilter(tasks=("dream",))))
    assert "joint_positions_rad" not in dreams.signals


def test_statistics_are_cached_by_snapshot(filled: EpisodeStore) -> None:
    first = episode_statistics(filled.view())
    cached = next(filled.layout.cache.iterdir())
    record = parse_journal(cached.read_bytes()).records[0]
    cached.write_bytes(journal_line(record | {"num_steps": 999}))
    assert episode_statistics(filled.view()).num_steps == 999
    filled.labels.add("lift-1", FAILURE)
    again = episode_statistics(filled.view())
    assert again.num_steps == 26
    assert again.snapshot_id != first.snapshot_id


def test_a_damaged_cache_of_statistics_is_not_believed(filled: EpisodeStore) -> None:
    first = episode_statistics(filled.view())
    cached = next(filled.layout.cache.iterdir())
    cached.write_bytes(cached.read_bytes().replace(b'"num_steps":26', b'"num_steps":27'))
    assert episode_statistics(filled.view()).num_steps == first.num_steps


def test_statistics_of_nothing_are_refused(filled: EpisodeStore) -> None:
    with pytest.raises(StoreError, match="at least one episode"):
        episode_statistics(filled.view(EpisodeFilter(tasks=("nothing",))))


def test_a_folder_with_other_things_is_not_made_a_store(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("...")
    with pytest.raises(StoreError, match=r"holds other things \(thesis.tex\)"):
        EpisodeStore.create(tmp_path)
    with pytest.raises(StoreError, match="is not an episode store"):
        EpisodeStore(tmp_path)


def test_a_store_of_a_newer_version_is_refused(filled: EpisodeStore) -> None:
    marker = json.loads(filled.layout.marker.read_text())
    filled.layout.marker.write_text(json.dumps(marker | {"schema_version": 99}))
    with pytest.raises(StoreError, match="newer version"):
        EpisodeStore(filled.root)

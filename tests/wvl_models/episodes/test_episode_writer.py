"""Recording step by step, and the bulk path, when the disk behaves."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from wvl_models.contract.episode import EpisodeHeader, Label, Outcome, Step
from wvl_models.contract.errors import DataError, StoreError
from wvl_models.contract.examples import example_frame
from wvl_models.episodes.arrays import EpisodeArrays
from wvl_models.episodes.examples import example_arrays, example_steps
from wvl_models.episodes.records import Ending
from wvl_models.episodes.schema import chunk_file
from wvl_models.episodes.store import EpisodeStore

MakeHeader = Callable[..., EpisodeHeader]
SUCCESS = Label(outcome=Outcome.SUCCESS, success_intervals=((3, 5),), author="ann")


def record(store: EpisodeStore, header: EpisodeHeader, steps: list[Step]) -> str:
    with store.begin(header) as writer:
        for step in steps:
            writer.append(step)
        return writer.commit(SUCCESS)


def equal(left: EpisodeArrays, right: EpisodeArrays) -> bool:
    tables, others = left.tables(), right.tables()
    return np.array_equal(left.rgb, right.rgb) and all(
        np.array_equal(tables[name], others[name], equal_nan=True) for name in tables
    )


def test_a_committed_recording_reads_back_as_it_was(
    store: EpisodeStore, header: MakeHeader, rng: np.random.Generator
) -> None:
    steps = example_steps(rng, 5)
    steps[2] = replace(steps[2], reward=float("nan"))
    record(store, header("a"), steps)
    assert equal(store.read("a"), EpisodeArrays.from_steps(steps))
    assert store.verify("a") == ()
    assert store.facts("a").ending is Ending.COMMITTED


def test_the_header_reads_back_as_it_was(
    store: EpisodeStore, header: MakeHeader, rng: np.random.Generator
) -> None:
    given = header("a", notes="lamp on", seed=7)
    record(store, given, example_steps(rng))
    read = store.header("a")
    assert read.calibration.calibration_id == given.calibration.calibration_id
    for name in ("episode_id", "task", "origin", "operator", "created_utc", "seed", "notes"):
        assert getattr(read, name) == getattr(given, name)


def test_recording_and_bulk_write_the_same_files(
    store: EpisodeStore, header: MakeHeader, rng: np.random.Generator
) -> None:
    steps = example_steps(rng, 5)
    record(store, header("live"), steps)
    store.add(header("bulk"), EpisodeArrays.from_steps(steps), SUCCESS)
    for array in ("rgb", "floats", "integers"):
        live, bulk = (
            (store.root / "episodes" / name / chunk_file(array)).read_bytes()
            for name in ("live", "bulk")
        )
        assert live == bulk


def test_nothing_is_left_in_staging_after_a_commit(
    store: EpisodeStore, header: MakeHeader, rng: np.random.Generator
) -> None:
    record(store, header("a"), example_steps(rng))
    store.add(header("b"), example_arrays(rng))
    assert list((store.root / "staging").iterdir()) == []


def test_an_episode_is_invisible_until_it_is_committed(
    store: EpisodeStore, header: MakeHeader, rng: np.random.Generator
) -> None:
    writer = store.begin(header("a"))
    writer.append(example_steps(rng)[0])
    assert store.ids() == ()
    writer.commit()
    assert store.ids() == ("a",)


def test_the_first_label_is_committed_with_the_episode(
    store: EpisodeStore, header: MakeHeader, rng: np.random.Generator
) -> None:
    record(store, header("a"), example_steps(rng, 5))
    current = store.labels.current("a")
    assert current is not None
    assert (current.outcome, current.author) == (Outcome.SUCCESS, "ann")
    assert current.stamp_utc != ""


def test_abort_keeps_the_steps_and_labels_them_aborted(
    store: EpisodeStore, header: MakeHeader, rng: np.random.Generator
) -> None:
    steps = example_steps(rng, 3)
    writer = store.begin(header("a"))
    for step in steps:
        writer.append(step)
    assert writer.abort("camera unplugged") == "a"
    label = store.labels.current("a")
    assert label is not None
    assert (label.outcome, label.notes) == (Outcome.ABORTED, "camera unplugged")
    assert equal(store.read("a"), EpisodeArrays.from_steps(steps))
    assert store.facts("a").ending is Ending.ABORTED
    assert store.verify("a") == ()


def test_abort_before_the_first_step_leaves_nothing(
    store: EpisodeStore, header: MakeHeader
) -> None:
    assert store.begin(header("a")).abort("changed my mind") is None
    assert store.ids() == ()
    assert list((store.root / "staging").iterdir()) == []


def test_an_exception_aborts_with_its_reason(
    store: EpisodeStore, header: MakeHeader, rng: np.random.Generator
) -> None:
    with pytest.raises(ZeroDivisionError), store.begin(header("a")) as writer:
        writer.append(example_steps(rng)[0])
        raise ZeroDivisionError("oops")
    label = store.labels.current("a")
    assert label is not None
    assert "ZeroDivisionError" in label.notes


def test_leaving_without_commit_aborts(
    store: EpisodeStore, header: MakeHeader, rng: np.random.Generator
) -> None:
    with store.begin(header("a")) as writer:
        writer.append(example_steps(rng)[0])
    assert store.facts("a").ending is Ending.ABORTED


def _other_size(step: Step, rng: np.random.Generator) -> Step:
    frame = example_frame(rng, width=9, height=9)
    return replace(step, observation=replace(step.observation, frame=frame))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_other_size, "image changed"),
        (lambda s, _: replace(s, observation=replace(s.observation, stamp_ns=1)), "not later than"),
        (
            lambda s, _: replace(s, observation=replace(s.observation, instruction="dance")),
            "instruction",
        ),
        (lambda s, _: replace(s, reward=2.0), "reward must lie in"),
    ],
)
def test_a_step_that_does_not_fit_is_refused_and_the_next_may_follow(
    store: EpisodeStore, header: MakeHeader, rng: np.random.Generator, change, message
) -> None:
    steps = example_steps(rng, 3)
    writer = store.begin(header("a"))
    writer.append(steps[0])
    with pytest.raises(DataError, match=message):
        writer.append(change(steps[1], rng))
    writer.append(steps[2])
    writer.commit()
    assert store.read("a").num_steps == 2


def test_refuses_an_id_that_is_taken(
    store: EpisodeStore, header: MakeHeader, rng: np.random.Generator
) -> None:
    store.add(header("a"), example_arrays(rng))
    with pytest.raises(StoreError, match="an episode a already"):
        store.add(header("a"), example_arrays(rng))
    with pytest.raises(StoreError, match="an episode a already"):
        store.begin(header("a"))


def test_refuses_an_id_that_is_being_recorded(store: EpisodeStore, header: MakeHeader) -> None:
    store.begin(header("a"))
    with pytest.raises(StoreError, match="is being recorded"):
        store.begin(header("a"))


@pytest.mark.parametrize("episode_id", ["", "..", "../up", "a/b", ".hidden", "x" * 129, "a\n"])
def test_refuses_ids_that_are_no_folder_names(
    store: EpisodeStore, header: MakeHeader, rng: np.random.Generator, episode_id: str
) -> None:
    with pytest.raises(StoreError, match="not an episode id"):
        store.add(header(episode_id), example_arrays(rng))


def test_refuses_to_commit_an_episode_without_steps(
    store: EpisodeStore, header: MakeHeader
) -> None:
    writer = store.begin(header("a"))
    with pytest.raises(StoreError, match="no steps"):
        writer.commit()


def test_refuses_a_label_beyond_the_last_step_and_can_commit_after_that(
    store: EpisodeStore, header: MakeHeader, rng: np.random.Generator
) -> None:
    writer = store.begin(header("a"))
    writer.append(example_steps(rng)[0])
    with pytest.raises(StoreError, match="reach step 5 of an episode with 1 steps"):
        writer.commit(SUCCESS)
    writer.commit()
    assert store.ids() == ("a",)


def test_refuses_a_label_without_author(
    store: EpisodeStore, header: MakeHeader, rng: np.random.Generator
) -> None:
    with pytest.raises(StoreError, match="author"):
        store.add(header("a"), example_arrays(rng), Label(outcome=Outcome.FAILURE))
    assert store.ids() == ()


def test_refuses_to_append_after_the_end(
    store: EpisodeStore, header: MakeHeader, rng: np.random.Generator
) -> None:
    steps = example_steps(rng, 2)
    writer = store.begin(header("a"))
    writer.append(steps[0])
    writer.commit()
    with pytest.raises(StoreError, match="it has ended"):
        writer.append(steps[1])


def test_reads_a_window_of_frames(
    store: EpisodeStore, header: MakeHeader, rng: np.random.Generator
) -> None:
    arrays = example_arrays(rng, 6)
    store.add(header("a"), arrays)
    assert np.array_equal(store.read_rgb_window("a", 2, 5), arrays.rgb[2:5])
    with pytest.raises(StoreError, match="frames 4 to 7 asked of episode a, which has 6"):
        store.read_rgb_window("a", 4, 7)

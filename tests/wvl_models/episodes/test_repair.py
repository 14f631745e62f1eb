"""What `repair` makes of staging folders, and what it leaves alone."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from wvl_models.contract.episode import EpisodeHeader, Outcome
from wvl_models.episodes.examples import example_steps
from wvl_models.episodes.records import Ending
from wvl_models.episodes.repair import RepairKind
from wvl_models.episodes.store import EpisodeStore

MakeHeader = Callable[..., EpisodeHeader]


@pytest.fixture
def staging(store: EpisodeStore, header: MakeHeader, rng: np.random.Generator) -> Path:
    """What a dead process left of episode `a`: four complete steps."""
    writer = store.begin(header("a"))
    for step in example_steps(rng, 4):
        writer.append(step)
    store.close()
    return store.root / "staging" / "a"


def repaired(store: EpisodeStore) -> list[tuple[str, RepairKind]]:
    with EpisodeStore(store.root) as later:
        return [(item.episode_id, item.kind) for item in later.repair()]


def test_complete_steps_become_an_aborted_episode(store: EpisodeStore, staging: Path) -> None:
    assert repaired(store) == [("a", RepairKind.RECOVERED)]
    facts = store.facts("a")
    assert (facts.num_steps, facts.ending) == (4, Ending.RECOVERED)
    label = store.labels.current("a")
    assert label is not None
    assert label.outcome is Outcome.ABORTED
    assert store.verify("a") == ()


def test_a_torn_line_ends_the_episode_before_it(store: EpisodeStore, staging: Path) -> None:
    lines = (staging / "steps.jsonl").read_bytes()
    (staging / "steps.jsonl").write_bytes(lines[:-20])
    repaired(store)
    assert store.facts("a").num_steps == 3


def test_a_damaged_line_ends_the_episode_before_it(store: EpisodeStore, staging: Path) -> None:
    lines = (staging / "steps.jsonl").read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b'"numbers":[', b'"numbers":[1')
    (staging / "steps.jsonl").write_bytes(b"".join(lines))
    repaired(store)
    assert store.facts("a").num_steps == 1


def test_a_missing_line_ends_the_episode_before_it(store: EpisodeStore, staging: Path) -> None:
    lines = (staging / "steps.jsonl").read_bytes().splitlines(keepends=True)
    (staging / "steps.jsonl").write_bytes(lines[0] + b"".join(lines[2:]))
    repaired(store)
    assert store.facts("a").num_steps == 1


def test_a_damaged_frame_ends_the_episode_before_it(store: EpisodeStore, staging: Path) -> None:
    frames = next((staging / "episode" / "rgb").iterdir())
    data = bytearray(frames.read_bytes())
    data[len(data) * 5 // 8] ^= 1  # in the third of four
    frames.write_bytes(data)
    repaired(store)
    assert store.facts("a").num_steps == 2
    assert store.verify("a") == ()


def test_a_lost_end_of_the_frames_ends_the_episode(store: EpisodeStore, staging: Path) -> None:
    frames = next((staging / "episode" / "rgb").iterdir())
    frames.write_bytes(frames.read_bytes()[:-1])
    repaired(store)
    assert store.facts("a").num_steps == 3


def test_without_a_header_the_folder_is_set_aside_and_not_deleted(
    store: EpisodeStore, staging: Path
) -> None:
    (staging / "header.json").write_text("{")
    assert repaired(store) == [("a", RepairKind.SET_ASIDE)]
    assert (store.root / "aside" / "a.0" / "steps.jsonl").exists()
    assert store.ids() == ()


def test_steps_without_any_intact_frame_are_set_aside(store: EpisodeStore, staging: Path) -> None:
    next((staging / "episode" / "rgb").iterdir()).write_bytes(b"")
    assert repaired(store) == [("a", RepairKind.SET_ASIDE)]


def test_steps_without_their_frames_do_not_stop_the_repair(
    store: EpisodeStore, staging: Path
) -> None:
    next((staging / "episode" / "rgb").iterdir()).unlink()
    assert repaired(store) == [("a", RepairKind.SET_ASIDE)]


def test_what_never_had_a_step_is_cleared(store: EpisodeStore, header: MakeHeader) -> None:
    store.begin(header("a"))
    store.close()
    assert repaired(store) == [("a", RepairKind.CLEARED)]
    assert list((store.root / "staging").iterdir()) == []


def test_repairing_twice_changes_nothing(store: EpisodeStore, staging: Path) -> None:
    repaired(store)
    digest = store.facts("a").digest
    assert repaired(store) == []
    assert store.facts("a").digest == digest


def test_an_episode_set_aside_is_out_of_the_store_but_kept(
    store: EpisodeStore, staging: Path
) -> None:
    repaired(store)
    with EpisodeStore(store.root) as later:
        target = later.set_aside("a")
        assert later.ids() == ()
    assert (target / "zarr.json").exists()

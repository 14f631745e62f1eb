"""The disk fails, the process dies, the power goes: at every call that changes the disk."""

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wvl_models.contract.episode import EpisodeHeader, Label, Outcome
from wvl_models.contract.errors import StoreError
from wvl_models.episodes.arrays import EpisodeArrays
from wvl_models.episodes.examples import example_arrays, example_steps
from wvl_models.episodes.filesystem import FileSystem
from wvl_models.episodes.records import Ending
from wvl_models.episodes.store import EpisodeStore

MakeHeader = Callable[..., EpisodeHeader]
SUCCESS = Label(outcome=Outcome.SUCCESS, success_intervals=((1, 2),), author="ann")
NUM_STEPS = 3


@pytest.fixture
def arrays(rng: np.random.Generator) -> EpisodeArrays:
    return example_arrays(rng, NUM_STEPS)


@pytest.fixture
def begun(tmp_path: Path, header: MakeHeader, arrays: EpisodeArrays) -> Path:
    """A store that holds one episode, `old`."""
    with EpisodeStore.create(tmp_path / "store") as store:
        store.add(header("old"), arrays)
    return tmp_path / "store"


def num_calls(act: Callable[[EpisodeStore], Any], root: Path, files: Any) -> int:
    """How many calls `act` makes when all goes well, on a throw-away store."""
    counter = files()
    with EpisodeStore.create(root, counter) as store:
        before = len(counter.calls)
        act(store)
        return len(counter.calls) - before


def record(store: EpisodeStore, header: EpisodeHeader) -> None:
    steps = example_steps(np.random.default_rng(1), NUM_STEPS)
    with store.begin(header) as writer:
        for step in steps:
            writer.append(step)
        writer.commit(SUCCESS)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO], ids=errno.errorcode.get)
def test_adding_on_a_failing_disk_changes_nothing_and_works_later(
    begun: Path, tmp_path: Path, header: MakeHeader, arrays: EpisodeArrays, faulty, code: int
) -> None:
    total = num_calls(lambda s: s.add(header("new"), arrays), tmp_path / "count", faulty)
    assert total > 20
    num_failed = 0
    for number in range(total):
        with EpisodeStore(begun, faulty(number, code)) as store:
            try:
                store.add(header(f"new{number}"), arrays, SUCCESS)
            except StoreError as error:
                num_failed += 1
                assert "\n" not in str(error)
                assert f"add episode new{number}" in str(error)
                assert f"new{number}" not in store.ids()
                assert list((begun / "staging").iterdir()) == []
        with EpisodeStore(begun) as store:
            store.repair()
            if f"new{number}" not in store.ids():
                store.add(header(f"new{number}"), arrays)
            assert store.verify(f"new{number}") == ()
    assert num_failed >= total - 2  # only clearing staging away may fail unnoticed
    assert EpisodeStore(begun).verify("old") == ()


def test_a_full_disk_while_recording_leaves_an_aborted_episode_of_the_complete_steps(
    begun: Path, tmp_path: Path, header: MakeHeader, arrays: EpisodeArrays, faulty
) -> None:
    total = num_calls(lambda s: record(s, header("new")), tmp_path / "count", faulty)
    whole = EpisodeArrays.from_steps(example_steps(np.random.default_rng(1), NUM_STEPS))
    for number in range(total):
        name = f"new{number}"
        was_refused = False
        with EpisodeStore(begun, faulty(number)) as store:
            try:
                record(store, header(name))
            except StoreError as error:
                was_refused = True
                assert "disk is full" in str(error)
        with EpisodeStore(begun) as store:
            store.repair()
            if name not in store.ids():
                continue
            assert store.verify(name) == ()
            kept = store.read(name)
            assert np.array_equal(kept.rgb, whole.rgb[: kept.num_steps])
            assert np.array_equal(kept.sent, whole.sent[: kept.num_steps])
            label = store.labels.current(name)
            assert label is not None
            expected = Outcome.ABORTED if was_refused else Outcome.SUCCESS
            assert label.outcome is expected


def test_after_a_failed_append_only_abort_is_left(
    begun: Path, header: MakeHeader, faulty, rng: np.random.Generator
) -> None:
    steps = example_steps(rng, NUM_STEPS)
    disk = faulty()
    with EpisodeStore(begun, disk) as store:
        writer = store.begin(header("new"))
        writer.append(steps[0])
        disk.fail_at = len(disk.calls)
        with pytest.raises(StoreError, match="disk is full"):
            writer.append(steps[1])
        with pytest.raises(StoreError, match="it has failed"):
            writer.append(steps[2])
        with pytest.raises(StoreError, match="it has failed"):
            writer.commit()
        assert writer.abort("disk full") == "new"
        assert store.read("new").num_steps == 1


def test_a_crash_at_any_call_leaves_the_old_state_or_the_new_one(
    begun: Path, tmp_path: Path, header: MakeHeader, arrays: EpisodeArrays, faulty, crash
) -> None:
    total = num_calls(lambda s: record(s, header("new")), tmp_path / "count", faulty)
    whole = EpisodeArrays.from_steps(example_steps(np.random.default_rng(1), NUM_STEPS))
    endings = set()
    for number in range(total):
        name = f"new{number}"
        store = EpisodeStore(begun, faulty(number, is_crash=True))
        with pytest.raises(crash):
            record(store, header(name))
        store.close()
        with EpisodeStore(begun) as later:
            later.repair()
            assert list((begun / "staging").iterdir()) == []
            assert later.verify("old") == ()
            if name not in later.ids():
                continue
            assert later.verify(name) == ()
            kept = later.read(name)
            assert np.array_equal(kept.rgb, whole.rgb[: kept.num_steps])
            ending = later.facts(name).ending
            endings.add(ending)
            assert (kept.num_steps == NUM_STEPS) or ending is not Ending.COMMITTED
    assert endings == {Ending.COMMITTED, Ending.RECOVERED}


@pytest.mark.parametrize("is_bulk", [False, True], ids=["recording", "bulk"])
def test_a_power_cut_at_any_call_loses_nothing_acknowledged(
    begun: Path, tmp_path: Path, header: MakeHeader, arrays: EpisodeArrays, volatile, crash, is_bulk
) -> None:
    def act(store: EpisodeStore, name: str) -> None:
        if is_bulk:
            store.add(header(name), arrays, SUCCESS)
        else:
            record(store, header(name))

    number = 0
    while True:
        disk = volatile(begun, cut_at=number)
        disk.remember_all()
        store = EpisodeStore(begun, disk)
        name = f"new{number}"
        is_acknowledged = False
        try:
            act(store, name)
            is_acknowledged = True
        except crash:
            pass
        store.close()
        disk.power_cut(tmp_path / f"after-{number}")
        with EpisodeStore(tmp_path / f"after-{number}") as later:
            later.repair()
            assert later.verify("old") == ()
            if is_acknowledged:
                assert later.facts(name).ending is Ending.COMMITTED
            if name in later.ids():
                assert later.verify(name) == ()
            assert set(later.ids()) <= {"old", name}
        with EpisodeStore(begun) as store:  # clear for the next round
            store.repair()
            for episode_id in set(store.ids()) - {"old"}:
                store.set_aside(episode_id)
        if is_acknowledged:
            return
        number += 1


def test_a_label_that_meets_a_failing_disk_is_not_there(begun: Path, faulty) -> None:
    EpisodeStore(begun).labels.add("old", SUCCESS)
    for number in range(3):
        store = EpisodeStore(begun, faulty(number))
        before = store.labels.history("old")
        with pytest.raises(StoreError, match="disk is full"):
            store.labels.add("old", Label(outcome=Outcome.FAILURE, author="bob"))
        assert EpisodeStore(begun).labels.history("old") == before
        assert store.labels.history("old") == before


class _NearlyFull(FileSystem):
    def free_bytes(self, path: Path) -> int:
        return 1000


def test_refuses_to_begin_where_the_episode_may_not_fit(
    begun: Path, header: MakeHeader, arrays: EpisodeArrays
) -> None:
    with EpisodeStore(begun, _NearlyFull()) as store:
        with pytest.raises(StoreError, match="0 MB free and an episode may need 67 MB"):
            store.begin(header("new"))
        with pytest.raises(StoreError, match="Free some space first"):
            store.add(header("new"), example_arrays(np.random.default_rng(0), 9))
        assert store.ids() == ("old",)

"""What the fault plan's rows 2, 3 and 10 found, and what they do not look at."""

import errno
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from wvl_models.contract.episode import EpisodeHeader, Label, Outcome
from wvl_models.contract.errors import StoreError
from wvl_models.episodes.arrays import EpisodeArrays
from wvl_models.episodes.examples import example_arrays, example_steps
from wvl_models.episodes.filesystem import FileSystem
from wvl_models.episodes.store import EpisodeStore
from wvl_robot.faults.failing_disk import FailingDisk, fails_once
from wvl_robot.faults.power_loss import PowerLossDisk, Survival

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


def test_after_a_failed_append_only_abort_is_left(
    begun: Path, header: MakeHeader, rng: np.random.Generator
) -> None:
    steps = example_steps(rng, NUM_STEPS)
    disk = FailingDisk()
    with EpisodeStore(begun, disk) as store:
        writer = store.begin(header("new"))
        writer.append(steps[0])
        disk.fault = fails_once(len(disk.calls), errno.ENOSPC)
        with pytest.raises(StoreError, match="disk is full"):
            writer.append(steps[1])
        with pytest.raises(StoreError, match="it has failed"):
            writer.append(steps[2])
        with pytest.raises(StoreError, match="it has failed"):
            writer.commit()
        assert writer.abort("disk full") == "new"
        assert store.read("new").num_steps == 1


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO], ids=errno.errorcode.get)
def test_a_refusal_says_what_could_not_be_done(
    begun: Path, header: MakeHeader, arrays: EpisodeArrays, code: int
) -> None:
    with (
        EpisodeStore(begun, FailingDisk(fails_once(5, code))) as store,
        pytest.raises(StoreError, match="add episode new: the disk"),
    ):
        store.add(header("new"), arrays)


def test_a_label_that_meets_a_failing_disk_is_not_there(begun: Path) -> None:
    EpisodeStore(begun).labels.add("old", SUCCESS)
    for number in range(3):
        store = EpisodeStore(begun, FailingDisk(fails_once(number, errno.ENOSPC)))
        before = store.labels.history("old")
        with pytest.raises(StoreError, match="disk is full"):
            store.labels.add("old", Label(outcome=Outcome.FAILURE, author="bob"))
        assert EpisodeStore(begun).labels.history("old") == before
        assert store.labels.history("old") == before


def test_a_store_that_was_just_made_survives_a_power_loss(
    tmp_path: Path, header: MakeHeader, arrays: EpisodeArrays, rng: np.random.Generator
) -> None:
    (tmp_path / "disk").mkdir()
    disk = PowerLossDisk(tmp_path / "disk")
    with EpisodeStore.create(tmp_path / "disk" / "data" / "store", disk) as store:
        store.add(header("a"), arrays)
    disk.lose_power(tmp_path / "found", Survival.LOST, rng)
    assert EpisodeStore(tmp_path / "found" / "data" / "store").verify("a") == ()


def test_what_was_set_aside_survives_a_power_loss(
    tmp_path: Path, header: MakeHeader, arrays: EpisodeArrays, rng: np.random.Generator
) -> None:
    (tmp_path / "disk").mkdir()
    disk = PowerLossDisk(tmp_path / "disk")
    with EpisodeStore.create(tmp_path / "disk" / "store", disk) as store:
        store.add(header("a"), arrays)
        store.set_aside("a")
    disk.lose_power(tmp_path / "found", Survival.LOST, rng)
    assert (tmp_path / "found" / "store" / "aside" / "a.0" / "zarr.json").is_file()


def test_frames_are_written_anew_after_a_failed_sync(
    tmp_path: Path, header: MakeHeader, rng: np.random.Generator
) -> None:
    (tmp_path / "disk").mkdir()
    disk = PowerLossDisk(tmp_path / "disk")
    with EpisodeStore.create(tmp_path / "disk" / "store", disk) as store:
        writer = store.begin(header("a"))
        for step in example_steps(rng, NUM_STEPS):
            writer.append(step)
        disk.bad_sync = disk.num_syncs
        with pytest.raises(StoreError, match="input/output error"):
            writer.commit()
        writer.abort("the disk failed")
    disk.lose_power(tmp_path / "found", Survival.LOST, rng)
    assert EpisodeStore(tmp_path / "found" / "store").verify("a") == ()


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

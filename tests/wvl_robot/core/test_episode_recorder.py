import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.fakes.session_bench import SessionBench
from tests.fakes.teleop import push
from wvl_models.contract.episode import EpisodeHeader, Label, Outcome, Step
from wvl_models.contract.errors import StoreError
from wvl_models.contract.examples import example_header, example_observation, example_step
from wvl_models.episodes.filesystem import FileSystem
from wvl_models.episodes.records import Ending
from wvl_models.episodes.store import EpisodeStore
from wvl_robot.core.episode_recorder import EpisodeRecorder
from wvl_robot.core.session_status import FaultKind, SessionState

LABEL = Label(outcome=Outcome.FAILURE, author="me", stamp_utc="2026-11-21T09:00:00+00:00")


class TroubledDisk(FileSystem):
    """The real disk, until a test lets it hang or fill up."""

    def __init__(self) -> None:
        self.may_write = threading.Event()
        self.may_write.set()
        self.is_full = False

    def write(self, descriptor: int, data: bytes) -> None:
        self.may_write.wait(10)
        if self.is_full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().write(descriptor, data)


@pytest.fixture
def disk() -> TroubledDisk:
    return TroubledDisk()


@pytest.fixture
def store(tmp_path: Path, disk: TroubledDisk) -> Iterator[EpisodeStore]:
    with EpisodeStore.create(tmp_path / "store", disk) as opened:
        yield opened


@pytest.fixture
def recorder(store: EpisodeStore, disk: TroubledDisk) -> Iterator[EpisodeRecorder]:
    opened = EpisodeRecorder(store, max_queued_steps=4)
    yield opened
    disk.is_full = False
    disk.may_write.set()
    opened.close()


def header(episode_id: str = "e1") -> EpisodeHeader:
    return replace(example_header(np.random.default_rng(0)), episode_id=episode_id)


def steps(number: int, *, width: int = 16, height: int = 16) -> list[Step]:
    rng = np.random.default_rng(0)
    return [
        example_step(
            rng,
            observation=example_observation(
                rng, stamp_ns=(k + 1) * 100_000_000, width=width, height=height
            ),
        )
        for k in range(number)
    ]


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_what_was_appended_is_in_the_store(recorder: EpisodeRecorder, store: EpisodeStore) -> None:
    recorder.start(header())
    expected = steps(4)
    for step in expected:
        recorder.append(step)
    assert recorder.finish(LABEL) == "e1"
    arrays = store.read("e1")
    assert arrays.num_steps == 4
    np.testing.assert_array_equal(arrays.rgb[3], expected[3].observation.frame.rgb)
    assert store.labels.current("e1") is not None


def test_an_append_does_not_wait_for_the_disk(
    recorder: EpisodeRecorder, disk: TroubledDisk
) -> None:
    recorder.start(header())
    disk.may_write.clear()
    times_s = []
    for step in steps(4, width=640, height=480):
        start_s = time.monotonic()
        recorder.append(step)
        times_s.append(time.monotonic() - start_s)
    disk.may_write.set()
    recorder.finish(None)
    assert min(times_s) < 0.001


def test_a_disk_that_falls_behind_is_an_error_and_not_a_hole(
    recorder: EpisodeRecorder, disk: TroubledDisk
) -> None:
    recorder.start(header())
    disk.may_write.clear()
    with pytest.raises(StoreError, match="disk is too slow"):
        for step in steps(10):
            recorder.append(step)


def test_a_step_that_could_not_be_written_surfaces_at_the_next_append(
    recorder: EpisodeRecorder, disk: TroubledDisk, store: EpisodeStore
) -> None:
    recorder.start(header())
    first, second, third = steps(3)
    recorder.append(first)
    wait_for(lambda: recorder.num_queued == 0)
    disk.is_full = True
    recorder.append(second)
    wait_for(lambda: recorder.num_queued == 0)
    disk.is_full = False
    with pytest.raises(StoreError, match="could not be written"):
        recorder.append(third)
    recorder.abort("the disk was full")
    assert store.read("e1").num_steps == 1
    assert store.facts("e1").ending is Ending.ABORTED


def test_an_episode_with_a_lost_step_cannot_be_committed(
    recorder: EpisodeRecorder, disk: TroubledDisk, store: EpisodeStore
) -> None:
    recorder.start(header())
    first, second = steps(2)
    recorder.append(first)
    wait_for(lambda: recorder.num_queued == 0)
    disk.is_full = True
    recorder.append(second)
    wait_for(lambda: recorder.num_queued == 0)
    disk.is_full = False
    with pytest.raises(StoreError, match="not committed"):
        recorder.finish(None)
    assert store.facts("e1").ending is Ending.ABORTED


def test_nothing_is_written_after_a_step_that_did_not_fit(
    recorder: EpisodeRecorder, disk: TroubledDisk, store: EpisodeStore
) -> None:
    recorder.start(header())
    disk.may_write.clear()
    first, second, third = steps(3)
    foreign = replace(second, observation=replace(second.observation, instruction="another"))
    for step in (first, foreign, third):
        recorder.append(step)
    disk.may_write.set()
    with pytest.raises(StoreError, match=r"not committed.*instruction"):
        recorder.finish(None)
    assert store.read("e1").num_steps == 1


def test_a_label_that_does_not_fit_keeps_the_steps(
    recorder: EpisodeRecorder, store: EpisodeStore
) -> None:
    recorder.start(header())
    recorder.append(steps(1)[0])
    with pytest.raises(StoreError, match="not committed"):
        recorder.finish(replace(LABEL, success_intervals=((0, 99),)))
    assert store.facts("e1").ending is Ending.ABORTED


def test_the_next_episode_may_follow_a_failed_one(
    recorder: EpisodeRecorder, disk: TroubledDisk, store: EpisodeStore
) -> None:
    recorder.start(header())
    disk.is_full = True
    recorder.append(steps(1)[0])
    recorder.abort("gave up")
    disk.is_full = False
    recorder.start(header("e2"))
    recorder.append(steps(1)[0])
    assert recorder.finish(None) == "e2"


def test_abort_never_raises(recorder: EpisodeRecorder, disk: TroubledDisk) -> None:
    recorder.abort("there is none")
    recorder.start(header())
    disk.is_full = True
    recorder.append(steps(1)[0])
    recorder.abort("the disk is full")


def test_a_second_start_is_refused(recorder: EpisodeRecorder) -> None:
    recorder.start(header())
    with pytest.raises(StoreError, match="finish or abort it first"):
        recorder.start(header("e2"))


def test_an_id_that_is_taken_is_refused(recorder: EpisodeRecorder) -> None:
    recorder.start(header())
    recorder.append(steps(1)[0])
    recorder.finish(None)
    with pytest.raises(StoreError, match="e1"):
        recorder.start(header())
    with pytest.raises(StoreError, match="start one first"):
        recorder.append(steps(1)[0])


def test_a_recorder_that_was_closed_says_so_and_keeps_the_open_episode(
    recorder: EpisodeRecorder, store: EpisodeStore
) -> None:
    recorder.start(header())
    recorder.append(steps(1)[0])
    recorder.close()
    assert store.facts("e1").ending is Ending.ABORTED
    with pytest.raises(StoreError, match="has ended"):
        recorder.start(header("e2"))


def test_a_session_records_into_a_real_store(store: EpisodeStore) -> None:
    recorder = EpisodeRecorder(store)
    bench = SessionBench(lambda step, target: push(0.001), sink=recorder)
    bench.start(max_steps=24)
    bench.ticks(27)
    recorder.close()
    assert store.verify("e1") == ()
    arrays = store.read("e1")
    assert arrays.num_steps == 25
    sent = np.stack([setpoint.as_row() for _, setpoint in bench.robot.sent])
    np.testing.assert_array_equal(arrays.sent, [*sent, sent[-1]])


def test_a_session_gives_up_when_the_disk_fills(
    store: EpisodeStore, recorder: EpisodeRecorder, disk: TroubledDisk
) -> None:
    bench = SessionBench(lambda step, target: push(0.001), sink=recorder)
    bench.start()
    bench.ticks(5)
    disk.is_full = True
    deadline = time.monotonic() + 10
    while bench.state is SessionState.RUNNING:
        bench.ticks(1)
        time.sleep(0.001)
        assert time.monotonic() < deadline
    fault = bench.session.status.fault
    assert fault is not None and fault.kind is FaultKind.STORE
    assert bench.arm.orders[-1].setpoint is bench.guard.target

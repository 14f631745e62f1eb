import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from multiprocessing.synchronize import Event

import numpy as np
import pytest

from tests.cells import loopback
from wvl_models.contract.errors import SetupError
from wvl_robot.virtual.frame_ring import FeedFault, FeedFrame, FrameRing
from wvl_robot.virtual.shared import FOLDER, SharedBlock, StateBoard, block_name, remove_orphan


@pytest.fixture
def name() -> Iterator[str]:
    name = block_name(loopback(2), "test")
    yield name
    (FOLDER / name).unlink(missing_ok=True)


def _own(name: str, is_made: Event) -> None:
    block = SharedBlock.create(name, 64)
    is_made.set()
    time.sleep(60)
    block.close()


def _write_states(name: str, is_made: Event) -> None:
    board = StateBoard.create(name, 1000)
    is_made.set()
    for k in range(1, 10**9):
        board.publish(k, np.full(1000, float(k)))


@pytest.fixture
def owner(name: str, request: pytest.FixtureRequest) -> Iterator[int]:
    """Process id of a living owner of the block."""
    context = multiprocessing.get_context("spawn")
    is_made = context.Event()
    child = context.Process(target=getattr(request, "param", _own), args=(name, is_made))
    child.start()
    assert is_made.wait(20)
    assert child.pid is not None
    yield child.pid
    child.kill()
    child.join()


def test_a_block_is_seen_by_whoever_attaches(name: str) -> None:
    board = StateBoard.create(name, 3)
    reader = StateBoard.attach(name, 3)
    assert reader is not None
    assert reader.read() is None
    board.publish(7, np.array([1.0, 2.0, 3.0]))
    read = reader.read()
    assert read is not None
    assert read[0] == 7
    assert read[1].tolist() == [1.0, 2.0, 3.0]
    reader.close()
    board.close()


@pytest.mark.parametrize("owner", [_write_states], indirect=True)
def test_a_state_is_never_torn(name: str, owner: int) -> None:
    board = StateBoard.attach(name, 1000)
    assert board is not None
    num_read = 0
    for _ in range(3000):
        read = board.read()
        if read is not None:
            num_read += 1
            assert (read[1] == float(read[0])).all()
    assert num_read > 20
    board.close()


def test_a_living_owner_keeps_its_block(name: str, owner: int) -> None:
    with pytest.raises(SetupError, match="another virtual cell holds"):
        SharedBlock.create(name, 64)
    remove_orphan(name)
    assert (FOLDER / name).exists()


def test_a_block_outlives_readers_that_close(name: str, owner: int) -> None:
    block = SharedBlock.attach(name)
    assert block is not None
    block.close()
    assert (FOLDER / name).exists()


def test_the_death_of_the_owner_is_seen_and_its_block_may_be_replaced(
    name: str, owner: int
) -> None:
    block = SharedBlock.attach(name)
    assert block is not None
    assert block.is_owned()
    os.kill(owner, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while block.is_owned() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not block.is_owned()
    block.close()
    SharedBlock.create(name, 128).close()
    assert not (FOLDER / name).exists()


def test_an_orphan_can_be_removed(name: str) -> None:
    (FOLDER / name).write_bytes(b"left behind")
    remove_orphan(name)
    assert not (FOLDER / name).exists()


def test_nothing_to_attach_to_is_none(name: str) -> None:
    assert SharedBlock.attach(name) is None
    assert FrameRing.attach(name) is None


def test_the_ring_gives_the_newest_frame(name: str) -> None:
    ring = FrameRing.create(name, 4, 2)
    reader = FrameRing.attach(name)
    assert reader is not None
    assert reader.newest() is None
    for k in range(1, 11):
        rgb = np.full((2, 4, 3), k, dtype=np.uint8)
        ring.write(FeedFrame(frame_number=k, device_ns=100 * k, rgb=rgb))
    frame = reader.newest()
    assert frame is not None
    assert (frame.frame_number, frame.device_ns) == (10, 1000)
    assert frame.rgb.shape == (2, 4, 3)
    assert (frame.rgb == 10).all()
    reader.close()
    ring.close()


def test_the_control_word_reaches_the_writer(name: str) -> None:
    ring = FrameRing.create(name, 4, 2)
    control = FrameRing.attach(name)
    assert control is not None
    control.fault = FeedFault.BLACK
    assert ring.fault is FeedFault.BLACK
    control.close()
    ring.close()

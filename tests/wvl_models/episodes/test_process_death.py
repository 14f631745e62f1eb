"""The lock that outlives nobody. What kill -9 does to the data: row 1 of the fault plan."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from wvl_models.contract.episode import EpisodeHeader
from wvl_models.contract.errors import StoreError
from wvl_models.episodes.examples import example_arrays, example_steps
from wvl_models.episodes.store import EpisodeStore

MakeHeader = Callable[..., EpisodeHeader]


def test_a_second_writer_is_told_who_is_writing(
    store: EpisodeStore, header: MakeHeader, rng: np.random.Generator
) -> None:
    store.add(header("a"), example_arrays(rng))
    other = EpisodeStore(store.root)
    with pytest.raises(StoreError, match=f"written by another process .process {os.getpid()}"):
        other.add(header("b"), example_arrays(rng))


def test_reading_and_labelling_need_no_lock(
    store: EpisodeStore, header: MakeHeader, rng: np.random.Generator
) -> None:
    store.add(header("a"), example_arrays(rng))
    assert EpisodeStore(store.root).read("a").num_steps == 5


def test_a_closed_store_lets_others_write(
    store: EpisodeStore, header: MakeHeader, rng: np.random.Generator
) -> None:
    store.add(header("a"), example_arrays(rng))
    store.close()
    with EpisodeStore(store.root) as other:
        other.add(header("b"), example_arrays(rng))


_PARENT = """
import os, sys, time
from pathlib import Path
from wvl_models.episodes.store import EpisodeStore

store = EpisodeStore(Path(sys.argv[1]))
store.lock()
if os.fork() == 0:
    print(os.getpid(), flush=True)
time.sleep(60)
"""


def test_a_forked_child_does_not_keep_the_lock_of_its_dead_parent(tmp_path: Path) -> None:
    EpisodeStore.create(tmp_path / "store")
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(tmp_path / "store")], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    store = EpisodeStore(tmp_path / "store")
    try:
        with pytest.raises(StoreError, match="written by another process"):
            store.lock()
        parent.kill()
        parent.wait()
        store.lock()
    finally:
        store.close()
        os.kill(child, signal.SIGKILL)
        parent.stdout.close()


def test_repair_is_refused_while_this_process_records(
    store: EpisodeStore, header: MakeHeader, rng: np.random.Generator
) -> None:
    writer = store.begin(header("a"))
    with pytest.raises(StoreError, match="while episode a is being recorded"):
        store.repair()
    writer.append(example_steps(rng)[0])
    writer.commit()
    assert store.repair() == ()

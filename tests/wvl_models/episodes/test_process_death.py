"""Processes that die while they write, and the lock that outlives nobody."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from wvl_models.contract.episode import EpisodeHeader
from wvl_models.contract.errors import StoreError
from wvl_models.episodes.examples import example_arrays, example_steps
from wvl_models.episodes.records import Ending
from wvl_models.episodes.store import EpisodeStore

MakeHeader = Callable[..., EpisodeHeader]

_RECORDER = """
import sys
from dataclasses import replace
from pathlib import Path
import numpy as np
from wvl_models.contract.examples import example_header
from wvl_models.episodes.examples import example_steps
from wvl_models.episodes.store import EpisodeStore

store = EpisodeStore(Path(sys.argv[1]))
rng = np.random.default_rng(0)
header = example_header(rng)
number = 0
while True:
    name = f"{sys.argv[2]}-{number:04d}"
    with store.begin(replace(header, episode_id=name)) as writer:
        for count, step in enumerate(example_steps(rng, 6, width=64, height=64)):
            writer.append(step)
            print("step", name, count + 1, flush=True)
        writer.commit()
    print("committed", name, flush=True)
    number += 1
"""


def _recorder(root: Path, prefix: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _RECORDER, str(root), prefix], stdout=subprocess.PIPE, text=True
    )


def _kill_after(process: subprocess.Popen[str], seconds: float) -> list[list[str]]:
    """Lines that the process acknowledged before kill -9."""
    assert process.stdout is not None
    first = process.stdout.readline()
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate()
    lines = [first, *rest.splitlines(keepends=True)]
    return [line.split() for line in lines if line.endswith("\n")]


def test_kill_9_loses_no_acknowledged_episode_and_no_acknowledged_step(tmp_path: Path) -> None:
    EpisodeStore.create(tmp_path / "store")
    draw = np.random.default_rng(int.from_bytes(os.urandom(4)))
    for trial in range(4):
        process = _recorder(tmp_path / "store", f"trial{trial}")
        lines = _kill_after(process, float(draw.uniform(0.0, 0.4)))
        committed = {words[1] for words in lines if words[0] == "committed"}
        steps = {words[1]: int(words[2]) for words in lines if words[0] == "step"}
        with EpisodeStore(tmp_path / "store") as store:
            store.repair()
            assert committed <= set(store.ids())
            assert all(store.facts(name).ending is Ending.COMMITTED for name in committed)
            for name, num_steps in steps.items():
                assert store.facts(name).num_steps >= num_steps
                assert store.verify(name) == ()
            assert list((store.root / "staging").iterdir()) == []


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

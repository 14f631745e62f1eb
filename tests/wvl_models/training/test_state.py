"""The state of a run on disk: a kill at any moment leaves a state to continue from."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import tests.learning  # noqa: F401 - one thread
from wvl_models.contract.errors import CheckpointError
from wvl_models.training.state import (
    STATE,
    TENSORS,
    StateFolder,
    TrainingState,
    resumable,
    step_done,
)


def fresh(seed: int = 0) -> TrainingState:
    torch.manual_seed(seed)
    module = nn.Linear(3, 2)
    return TrainingState(
        module=module,
        optimiser=torch.optim.AdamW(module.parameters(), lr=0.1),
        generator=torch.Generator().manual_seed(seed),
        rng=np.random.default_rng(seed),
    )


def advance(state: TrainingState) -> float:
    noise = torch.randn(4, 3, generator=state.generator) + float(state.rng.normal())
    loss = state.module(noise).square().mean()
    state.optimiser.zero_grad()
    loss.backward()
    state.optimiser.step()
    state.recent = [*state.recent, float(loss.detach())][-3:]
    return float(loss.detach())


def run(state: TrainingState, folder: StateFolder | None, num_steps: int) -> Iterator[float]:
    with resumable(state, folder):
        while state.step < num_steps:
            loss = advance(state)
            step_done(state, folder)
            yield loss


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    return StateFolder(path=tmp_path / "state", fingerprint="a", every=2)


def test_a_restored_state_is_the_saved_one(folder: StateFolder) -> None:
    before = fresh()
    list(run(before, folder, 4))
    after = fresh(seed=7)
    assert after.restore(folder.path, "a")
    assert (after.step, after.recent) == (4, before.recent)
    assert advance(after) == advance(before)
    assert torch.equal(after.module.weight, before.module.weight)


def test_nothing_saved_nothing_restored(folder: StateFolder) -> None:
    state = fresh()
    assert not state.restore(folder.path, "a")
    assert state.step == 0


def test_stopping_between_steps_saves(folder: StateFolder) -> None:
    expected = list(run(fresh(), None, 6))
    first = run(fresh(), folder, 6)
    started = [next(first) for _ in range(3)]
    first.close()
    assert started + list(run(fresh(seed=7), folder, 6)) == expected


def test_ctrl_c_inside_a_step_leaves_the_last_whole_state(folder: StateFolder) -> None:
    """Pinned: it used to save weights and generators of different steps."""
    expected = list(run(fresh(), None, 6))
    state = fresh()
    with pytest.raises(KeyboardInterrupt), resumable(state, folder):
        while True:
            advance(state)
            if state.step == 3:
                raise KeyboardInterrupt
            step_done(state, folder)
    assert list(run(fresh(seed=7), folder, 6)) == expected[2:]


def test_a_kill_while_writing_leaves_the_previous_state(folder: StateFolder) -> None:
    expected = list(run(fresh(), None, 6))
    list(run(fresh(), folder, 2))
    half = folder.path.with_name("state.new")
    half.mkdir()
    (half / TENSORS).write_bytes(b"half of a fi")
    assert list(run(fresh(seed=7), folder, 6)) == expected[2:]


def test_a_kill_between_the_renames_leaves_the_previous_state(folder: StateFolder) -> None:
    """Pinned: neither name existed for a moment, and the run began again from nothing."""
    expected = list(run(fresh(), None, 6))
    list(run(fresh(), folder, 2))
    shutil.copytree(folder.path, folder.path.with_name("state.new"))
    folder.path.rename(folder.path.with_name("state.old"))
    assert list(run(fresh(seed=7), folder, 6)) == expected[2:]


def test_saving_leaves_one_folder(folder: StateFolder) -> None:
    list(run(fresh(), folder, 6))
    assert [path.name for path in folder.path.parent.iterdir()] == ["state"]
    assert sorted(path.name for path in folder.path.iterdir()) == [STATE, TENSORS]


def test_another_runs_state_is_refused(folder: StateFolder) -> None:
    list(run(fresh(), folder, 2))
    with pytest.raises(CheckpointError, match="other settings or data"):
        fresh().restore(folder.path, "b")


@pytest.mark.parametrize(
    ("name", "data"),
    [(STATE, b"{"), (STATE, b"[]"), (STATE, b"{}"), (TENSORS, b""), (TENSORS, b"\x80\x04K\x01.")],
)
def test_a_damaged_state_is_refused_in_one_line(
    folder: StateFolder, name: str, data: bytes
) -> None:
    list(run(fresh(), folder, 2))
    (folder.path / name).write_bytes(data)
    with pytest.raises(CheckpointError, match="remove it to start this stage again") as caught:
        fresh().restore(folder.path, "a")
    assert "\n" not in str(caught.value)

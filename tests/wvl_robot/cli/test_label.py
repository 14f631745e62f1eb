"""`wvl label` where it cannot open: every reason is a sentence."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("PyQt5", reason="Qt is not installed: `make setup`")

from wvl_models.contract.examples import example_header
from wvl_models.episodes.examples import example_arrays
from wvl_models.episodes.store import EpisodeStore

COMMAND = [sys.executable, "-m", "wvl_models.cli.main", "label"]


def refusal(store: Path, **environment: str) -> str:
    """What the command says on a machine without a screen but for `environment`."""
    screens = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    base = {name: value for name, value in os.environ.items() if name not in screens}
    done = subprocess.run(
        [*COMMAND, str(store)],
        env=base | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.fixture
def store(tmp_path: Path) -> Path:
    EpisodeStore.create(tmp_path / "store").close()
    return tmp_path / "store"


def test_a_folder_that_is_no_store_is_named(tmp_path: Path) -> None:
    assert str(tmp_path) in refusal(tmp_path, QT_QPA_PLATFORM="offscreen")


def test_a_machine_without_a_screen_is_told_what_to_do(store: Path) -> None:
    said = refusal(store)
    assert "neither DISPLAY nor WAYLAND_DISPLAY is set" in said
    assert "xvfb-run" in said


def test_a_screen_that_does_not_answer_ends_with_qts_own_words(store: Path) -> None:
    assert "could not connect to display :47113" in refusal(store, DISPLAY=":47113")


def test_the_benchmark_counts_what_it_opened_and_labels_nothing(tmp_path: Path) -> None:
    file = tmp_path / "label.json"
    rng = np.random.default_rng(0)
    with EpisodeStore.create(tmp_path / "store") as store:
        for name in ("a", "b"):
            header = replace(example_header(rng), episode_id=name)
            store.add(header, example_arrays(rng, 8))
    command = [sys.executable, "-m", "wvl_models.cli.main", "bench", "label"]
    done = subprocess.run(
        [*command, str(tmp_path / "store"), "--seconds", "1", "--json", str(file)],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(file.read_text())
    assert (figures["num_episodes"], figures["num_sought"]) == (2, 30)
    assert not (tmp_path / "store" / "labels.jsonl").exists()

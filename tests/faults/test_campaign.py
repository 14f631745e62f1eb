import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from wvl_models.contract.errors import ConfigError
from wvl_robot.cli.bench import app
from wvl_robot.faults.campaign import run_row, sum_up
from wvl_robot.faults.rows import modules_of
from wvl_robot.faults.trial import RowPlan, Trial

PLAN = RowPlan(
    number=99, title="dice", pass_line="never a 3", kinds=("a", "b"), per_change=2, nightly=9
)


class Dice:
    """A row whose trials fail at seed 3 and leave a file each."""

    plan = PLAN

    def __init__(self) -> None:
        self.folders: list[Path] = []

    def run(self, kind: str, seed: int, folder: Path) -> Trial:
        self.folders.append(folder)
        (folder / "left").touch()
        problem = "a 3" if seed == 3 else ""
        return Trial(row=99, kind=kind, seed=seed, problem=problem, figures={"pips": float(seed)})

    def close(self) -> None:
        """Nothing is shared."""


@pytest.fixture
def trials() -> Iterator[list[Trial]]:
    yield list(run_row(Dice(), range(4), ["a"]))


def test_every_kind_is_tried_with_every_seed() -> None:
    done = [(trial.kind, trial.seed) for trial in run_row(Dice(), [0, 1])]
    assert done == [("a", 0), ("a", 1), ("b", 0), ("b", 1)]


def test_what_a_trial_wrote_stays_only_where_it_did_not_pass() -> None:
    dice = Dice()
    list(run_row(dice, [2, 3], ["a"]))
    assert [folder.exists() for folder in dice.folders] == [False, True]


def test_a_kind_is_summed_up_with_its_failures(trials: list[Trial]) -> None:
    (report,) = sum_up(PLAN, trials)
    assert (report.passed.successes, report.passed.n) == (3, 4)
    assert report.problems == ("seed 3: a 3",)
    assert report.figures["pips"].max == 3.0


def test_yes_and_no_are_figures_too() -> None:
    trials = [
        Trial(row=99, kind="a", seed=seed, problem="", figures={"came back": seed > 0})
        for seed in range(3)
    ]
    (report,) = sum_up(PLAN, trials)
    assert report.figures["came back"].p50 == 1.0


def test_an_unknown_row_is_refused_in_a_sentence() -> None:
    with pytest.raises(ConfigError, match="no row 77"):
        modules_of(77)
    result = CliRunner().invoke(app, ["faults", "--row", "77"])
    assert isinstance(result.exception, ConfigError)


def test_ctrl_c_keeps_what_was_done(tmp_path: Path) -> None:
    file, scratch = tmp_path / "faults.json", tmp_path / "scratch"
    scratch.mkdir()
    words = ["bench", "faults", "--row", "13", "--trials", "100000", "--json", str(file)]
    child = subprocess.Popen(
        [sys.executable, "-m", "wvl_models.cli.main", *words],
        env={**os.environ, "TMPDIR": str(scratch)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        seen: set[Path] = set()
        deadline = time.monotonic() + 120.0
        while len(seen) < 3 and time.monotonic() < deadline:  # every trial has a folder of its own
            seen |= set(scratch.glob("wvl-fault-*"))
            time.sleep(0.01)
        child.send_signal(signal.SIGINT)
        output, _ = child.communicate(timeout=60.0)
    finally:
        child.kill()
    assert child.returncode != 0
    assert b"Traceback" not in output
    (row,) = json.loads(file.read_text())["rows"]
    (report,) = row["reports"]
    assert report["passed"]["n"] >= 2

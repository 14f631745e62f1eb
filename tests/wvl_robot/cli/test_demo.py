"""`wvl demo` and `wvl loop` as a user types them."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from wvl_models.cli.main import main

WVL = [sys.executable, "-m", "wvl_models.cli.main"]


def wvl(*arguments: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*WVL, *arguments], capture_output=True, text=True, timeout=timeout_s, env=os.environ
    )


def wvl_here(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Exit code and stderr of the same in this process: torch is loaded once."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return int(ended.value.code or 0), capsys.readouterr().err


def wait_for(path: Path, process: subprocess.Popen[str], timeout_s: float = 240) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not path.exists():
        assert process.poll() is None, "the demo ended before it could be interrupted"
        assert time.monotonic() < deadline_s, f"{path} did not appear"
        time.sleep(0.1)


def test_wrong_input_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    done = wvl("demo", "--fast", "--out", str(tmp_path / "run"), "--task", "juggle")
    assert done.returncode == 1
    assert "unknown task 'juggle'" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_a_task_is_no_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "run")
    code, said = wvl_here(capsys, "demo", "--fast", "--out", out, "--task", "../lift_cube")
    assert code == 1
    assert "by name, not by path" in said
    assert not (tmp_path / "run").exists()


def test_a_file_in_place_of_the_run_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run").write_text("mine")
    code, said = wvl_here(capsys, "demo", "--fast", "--out", str(tmp_path / "run"))
    assert code == 1
    assert "cannot write to" in said
    assert (tmp_path / "run").read_text() == "mine"


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """A run without live episodes that has just begun."""
    config = tmp_path / "loop.yaml"
    config.write_text("turns: 1\ndata: {live: 0}\ntrials: {live: 0}\n")
    folder = str(tmp_path / "run")
    assert wvl_here(capsys, "loop", "begin", "--run", folder, "--config", str(config))[0] == 0
    return folder


def test_a_run_with_other_settings_is_refused(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = wvl_here(capsys, "demo", "--fast", "--out", run)
    assert code == 1
    assert "other settings" in said


def test_an_unknown_stage_lists_the_known_ones(
    run: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = wvl_here(capsys, "loop", "stage", "dream", "--run", run)
    assert code == 1
    assert "practise-1" in said


def test_a_stage_out_of_turn_says_what_is_missing(
    run: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = wvl_here(capsys, "loop", "stage", "sft", "--run", run)
    assert code == 1
    assert "'collect' has not run yet" in said


def test_a_wrong_setting_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "loop.yaml"
    config.write_text("turns: 0\n")
    folder = str(tmp_path / "run")
    code, said = wvl_here(capsys, "loop", "begin", "--run", folder, "--config", str(config))
    assert code == 1
    assert "turns" in said


@pytest.mark.slow
@pytest.mark.cell
@pytest.mark.ros
@pytest.mark.timeout(900)
def test_the_fast_demo_closes_the_circle_after_an_interruption(tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = [*WVL, "demo", "--fast", "--out", str(run)]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(run / "stages" / "collect.json", first)
    first.send_signal(signal.SIGINT)
    _, stderr = first.communicate(timeout=60)
    assert first.returncode == 130, stderr
    assert "Traceback" not in stderr
    collected = (run / "stages" / "collect.json").read_text()

    second = wvl("demo", "--fast", "--out", str(run), timeout_s=600)
    assert second.returncode == 0, second.stderr
    assert (run / "stages" / "collect.json").read_text() == collected
    report = json.loads((run / "report.json").read_text())
    assert [row["turn"] for row in report["success"]] == [0, 1]
    assert report["world_model"]["n"] == 16
    assert not report["claims_improvement"]
    assert "claims no improvement" in report["verdict"]
    deployed = report["stages"]["deploy-1"]
    assert deployed["before"]
    assert deployed["after"]
    assert deployed["swap_s"] > 0
    assert report["stages"]["collect"]["live"]
    assert (run / "report.html").stat().st_size > 100_000

"""`wvl` itself: finding commands, exit codes, one line for what a user can mend."""

import importlib.metadata
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from wvl_models.cli.main import main

WVL = [sys.executable, "-m", "wvl_models.cli.main"]


def run(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*WVL, *arguments], capture_output=True, text=True, env={**os.environ, **changes}
    )


@pytest.fixture
def plugins(tmp_path: Path) -> dict[str, str]:
    """An environment in which a package registers commands that misbehave."""
    package = tmp_path / "rooms-1.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: rooms\nVersion: 1\n")
    (package / "entry_points.txt").write_text(
        "[wvl.commands]\nbroken = rooms:app\nlacking = lacking:app\nslow = slow:app\n"
    )
    (tmp_path / "rooms.py").write_text(
        textwrap.dedent('''
            """A room that fails in every way."""
            import typer
            from wvl_models.contract.errors import RobotError
            app = typer.Typer(add_completion=False)
            @app.command()
            def mendable(): raise RobotError("the arm is locked. Unlock it in Desk.")
            @app.command()
            def ours(): raise ZeroDivisionError("a bug")
        ''')
    )
    (tmp_path / "lacking.py").write_text('"""Needs a package."""\nimport no_such_package\n')
    (tmp_path / "slow.py").write_text(
        '"""Takes long."""\nimport time, typer\napp = typer.Typer(add_completion=False)\n'
        "@app.command()\ndef wait():\n    print('waiting', flush=True)\n    time.sleep(30)\n"
    )
    return {"PYTHONPATH": str(tmp_path)}


def test_help_lists_commands_without_importing_them(plugins: dict[str, str]) -> None:
    result = run("--help", **plugins)
    assert result.returncode == 0
    assert "A room that fails in every way." in result.stdout
    assert "Needs a package." in result.stdout


def test_what_a_user_can_mend_is_one_line_on_stderr(plugins: dict[str, str]) -> None:
    result = run("broken", "mendable", **plugins)
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr == "wvl: the arm is locked. Unlock it in Desk.\n"


def test_a_bug_keeps_its_traceback(plugins: dict[str, str]) -> None:
    result = run("broken", "ours", **plugins)
    assert result.returncode == 1
    assert "Traceback" in result.stderr
    assert "ZeroDivisionError: a bug" in result.stderr


def test_a_missing_package_is_named(plugins: dict[str, str]) -> None:
    result = run("lacking", **plugins)
    assert result.returncode == 1
    assert result.stderr.startswith("wvl: `wvl lacking` needs the Python package no_such_package")
    assert "Traceback" not in result.stderr


def test_ctrl_c_ends_with_130_and_no_traceback(plugins: dict[str, str]) -> None:
    process = subprocess.Popen(
        [*WVL, "slow"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, **plugins},
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == 130
    assert "Traceback" not in errors


def test_a_misspelled_command_suggests_the_right_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leaving:
        main(["episods"])
    assert leaving.value.code == 2
    assert "Did you mean 'episodes'" in capsys.readouterr().err


def test_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leaving:
        main(["--version"])
    assert leaving.value.code == 0
    assert importlib.metadata.version("world-vla-loop") in capsys.readouterr().out

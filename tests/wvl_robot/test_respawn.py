"""A module that crashes is started anew; the rest of its ends are its own business."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from wvl_robot import orphan
from wvl_robot.environment import PROFILE_VARIABLES
from wvl_robot.share import share_folder

pytestmark = pytest.mark.slow

PROGRAM = """
import os, sys, time
from wvl_robot.orphan import end_with_supervisor
end_with_supervisor()
with open("starts", "a") as file:
    file.write(f"{os.getpid()}\\n")
with open("profiles", "a") as file:
    file.write(os.environ.get("FASTRTPS_DEFAULT_PROFILES_FILE", "none") + "\\n")
code = sys.argv[1]
if code == "stay":
    time.sleep(60)
sys.exit(int(code))
"""


def begin(folder: Path, code: str, **environment: str) -> subprocess.Popen[str]:
    (folder / "victim.py").write_text(PROGRAM)
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, "-m", "wvl_robot.respawn", "victim", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, **environment},
        stderr=subprocess.PIPE,
        text=True,
    )


def starts(folder: Path, at_least: int = 0) -> list[int]:
    deadline = time.monotonic() + 60.0
    while True:
        file = folder / "starts"
        pids = [int(line) for line in file.read_text().split()] if file.exists() else []
        if len(pids) >= at_least or time.monotonic() > deadline:
            return pids
        time.sleep(0.02)


def test_a_crash_is_followed_by_three_new_starts_and_then_it_is_the_end(tmp_path: Path) -> None:
    child = begin(tmp_path, "70")
    told = child.communicate(timeout=120)[1]
    assert child.returncode == 70
    assert len(starts(tmp_path)) == 4
    assert "victim crashed (exit code 70); started anew, 3 of 3 times" in told


def test_every_new_start_is_another_dds_participant(tmp_path: Path) -> None:
    """With the ports of the killed one it may stay unheard (wvl_robot.participant)."""
    profile = share_folder() / "config" / "fastdds_shm.xml"
    begin(tmp_path, "70", **dict.fromkeys(PROFILE_VARIABLES, str(profile))).communicate(timeout=120)
    profiles = (tmp_path / "profiles").read_text().split()
    assert profiles[0] == str(profile)
    assert len(set(profiles)) == 4


@pytest.mark.parametrize("code", ["0", "1"])
def test_an_end_with_a_sentence_is_an_end(tmp_path: Path, code: str) -> None:
    child = begin(tmp_path, code)
    child.communicate(timeout=60)
    assert (child.returncode, len(starts(tmp_path))) == (int(code), 1)


def test_a_killed_module_is_started_anew_and_a_signal_ends_both(tmp_path: Path) -> None:
    child = begin(tmp_path, "stay")
    os.kill(starts(tmp_path, 1)[0], signal.SIGKILL)
    last = starts(tmp_path, 2)[-1]
    child.terminate()
    child.communicate(timeout=60)
    with pytest.raises(ProcessLookupError):
        os.kill(last, 0)


def test_whoever_lost_his_supervisor_ends(tmp_path: Path) -> None:
    """A graph whose `wvl up` was killed went on, and nobody could stop it (fault row 1)."""
    supervisor = subprocess.Popen(["sleep", "60"])
    child = begin(tmp_path, "stay", **{orphan.VARIABLE: str(supervisor.pid)})
    starts(tmp_path, 1)
    supervisor.kill()
    supervisor.wait()
    child.communicate(timeout=60)
    assert len(starts(tmp_path)) == 1

"""A graph of small programs under the supervisor, in a process of its own as `wvl up` is."""

import json
import os
import signal
import subprocess
import sys

import pytest

from wvl_robot.cli.supervisor import command_line
from wvl_robot.graph_spec import NodeStart

pytestmark = pytest.mark.slow

PROGRAM = """
import json, os, sys
from wvl_robot.cli.supervisor import supervise
from wvl_robot.graph_spec import NodeStart
starts = [
    NodeStart(
        name=name,
        module="tests.wvl_robot.cli.short_lived",
        parameters={"act": act, "tag": os.getpid()},
        may_end=False,
    )
    for name, act in json.loads(sys.argv[1]).items()
]
end = supervise(starts, os.environ)
print("END", json.dumps([end.node, end.exit_code, list(end.last_lines)]))
"""


def begin(**acts: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, json.dumps(acts)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(child: subprocess.Popen[str]) -> tuple[str, list]:
    """Output, and what `supervise` returned."""
    output = child.communicate(timeout=60)[0]
    line = next(line for line in output.splitlines() if line.startswith("END "))
    return output, json.loads(line.removeprefix("END "))


def processes(words: str) -> list[int]:
    found = subprocess.run(["pgrep", "-f", words], capture_output=True, text=True, check=False)
    return [int(pid) for pid in found.stdout.split() if int(pid) != os.getpid()]


def test_a_program_that_dies_ends_the_others_and_is_named_with_its_last_lines() -> None:
    output, end = finish(begin(steady="stay", weak="fail"))
    assert end == ["weak", 3, ["here to fail", "last words"]]
    assert "steady stopped" in output


def test_ctrl_c_ends_everything_without_a_failure() -> None:
    child = begin(one="stay", two="stay")
    assert child.stdout is not None
    seen = 0
    while seen < 2:
        seen += "here to stay" in child.stdout.readline()
    child.send_signal(signal.SIGINT)
    _, end = finish(child)
    assert end == ["", 0, []]


def test_a_ctrl_c_that_comes_while_programs_start_leaves_none_behind() -> None:
    child = begin(early="stay", late="stay")
    assert child.stdout is not None
    child.stdout.readline()
    child.send_signal(signal.SIGTERM)
    _, end = finish(child)
    assert end[:2] == ["", 0]
    assert processes(f"short_lived.*tag:={child.pid}") == []


def test_values_reach_a_node_as_rcl_reads_them() -> None:
    start = NodeStart(
        name="x",
        module="m",
        parameters={"rig": "1", "store": "/a b", "rate": 2.0, "on": True},
        may_end=False,
    )
    assert command_line(start, "python") == (
        "exec python -m m --ros-args -p 'rig:=\"1\"' -p 'store:=\"/a b\"' -p rate:=2.0 -p on:=true"
    )

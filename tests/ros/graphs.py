"""Graphs and nodes as real processes, for tests."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

END_S = 60.0
"""A graph that was told to end has ended by then, also on a busy machine."""


@dataclass(frozen=True)
class Place:
    """Where a test's nodes live; `ROS_DOMAIN_ID` is set already."""

    host: str
    domain: int
    folder: Path


class Running:
    """A process whose output is kept."""

    def __init__(self, command: list[str]) -> None:
        self.child = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def wait_for(self, words: str, at_most_s: float = 120.0) -> str:
        """The first line with these words."""
        deadline = time.monotonic() + at_most_s
        while time.monotonic() < deadline:
            for line in list(self.lines):
                if words in line:
                    return line
            if self.child.poll() is not None and not self._reader.is_alive():
                break
            time.sleep(0.05)
        raise AssertionError(f"'{words}' never came:\n{self.output}")

    def end(self, number: int = signal.SIGINT) -> int:
        """Send a signal and wait; the exit code."""
        self.child.send_signal(number)
        return self.wait(END_S)

    def wait(self, at_most_s: float) -> int:
        code = self.child.wait(at_most_s)
        self._reader.join(10.0)
        return code

    def close(self) -> None:
        """The process has ended; so does the reading."""
        self._reader.join(10.0)
        assert self.child.stdout is not None
        self.child.stdout.close()

    def _read(self) -> None:
        assert self.child.stdout is not None
        for line in self.child.stdout:
            self.lines.append(line.rstrip("\n"))


@contextlib.contextmanager
def up(*words: str) -> Iterator[Running]:
    """`wvl up` as a user types it."""
    with _running([sys.executable, "-m", "wvl_models.cli.main", "up", *words]) as running:
        yield running


@contextlib.contextmanager
def node(name: str, **parameters: str) -> Iterator[Running]:
    """One node."""
    command = [sys.executable, "-m", f"wvl_robot.ros.{name}_node", "--ros-args"]
    for key, value in parameters.items():
        command += ["-p", f"{key}:={value}"]
    with _running(command) as running:
        yield running


@contextlib.contextmanager
def _running(command: list[str]) -> Iterator[Running]:
    running = Running(command)
    try:
        yield running
    finally:
        if running.child.poll() is None:
            running.child.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.child.wait(END_S)
            if running.child.poll() is None:
                running.child.kill()
        running.close()


def pid_of(running: Running, name: str) -> int:
    """Process id of a node of a graph."""
    line = running.wait_for(f"{name} started (pid=")
    return int(line.rpartition("pid=")[2].rstrip(")"))


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True

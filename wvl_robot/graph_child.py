"""A graph under `wvl up` in a child process: its lines, its nodes, its end."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from wvl_models.contract.errors import RobotError

_STARTED = re.compile(r"(\w+) started \(pid=(\d+)\)")

_POLL_S = 0.02

END_PATIENCE_S = 45.0

_NUM_WORDS = 15


def _ignore(line: str) -> None:
    """Nobody listens."""


class GraphChild:
    """`wvl up GRAPH key:=value ...`; a context manager that ends it."""

    def __init__(
        self,
        graph: str,
        arguments: Mapping[str, str],
        environment: Mapping[str, str],
        log: Path,
        on_line: Callable[[str], None] = _ignore,
    ) -> None:
        """`log` gets everything that the nodes say, `on_line` each line in a thread of its own."""
        command = [sys.executable, "-m", "wvl_models.cli.main", "up", graph]
        command += [f"{name}:={value}" for name, value in arguments.items()]
        self.pids: dict[str, int] = {}
        """Process ids of the nodes that have started."""
        self._lines: list[str] = []
        self._graph, self._log, self._on_line = graph, log, on_line
        self._child = subprocess.Popen(
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C is for us; we end it
        )
        self._reader = threading.Thread(target=self._read, name="graph", daemon=True)
        self._reader.start()

    @property
    def num_lines(self) -> int:
        """Lines said so far."""
        return len(self._lines)

    def wait_for(self, words: str, patience_s: float, since: int = 0) -> None:
        """Until a line from number `since` on has these words; RobotError where none comes."""
        deadline = time.monotonic() + patience_s
        while not any(words in line for line in self._lines[since:]):
            self.check()
            if time.monotonic() > deadline:
                raise RobotError(f"'{words}' was not said in {patience_s:.0f} s. {self._words()}")
            time.sleep(_POLL_S)

    def check(self) -> None:
        """RobotError where the graph has ended."""
        if self._child.poll() is not None:
            raise RobotError(f"the graph ended by itself. {self._words()}")

    def wait_end(self, patience_s: float) -> None:
        """Until the graph has ended by itself; RobotError with its last lines where it failed."""
        started_s = time.monotonic()
        try:
            code = self._child.wait(patience_s)
        except subprocess.TimeoutExpired:
            self.close()
            raise RobotError(
                f"{self._graph} has not finished within {time.monotonic() - started_s:.0f} s. "
                + self._words()
            ) from None
        self._reader.join(END_PATIENCE_S)
        if code != 0:
            raise RobotError(f"{self._graph} ended with exit code {code}. " + self._words())

    def close(self) -> None:
        """End the graph; may be called twice."""
        for number in (signal.SIGINT, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.killpg(self._child.pid, number)
                self._child.wait(END_PATIENCE_S)
                break
        self._reader.join(END_PATIENCE_S)

    def __enter__(self) -> "GraphChild":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _words(self) -> str:
        said = "\n".join(f"  {line}" for line in self._lines[-_NUM_WORDS:])
        return f"Its last lines (all of them: {self._log}):\n{said}"

    def _read(self) -> None:
        assert self._child.stdout is not None
        with self._child.stdout as lines, self._log.open("a", encoding="utf-8") as log:
            for line in lines:
                log.write(line)
                log.flush()
                self._lines.append(line.rstrip("\n"))
                self._on_line(line)
                if found := _STARTED.search(line):
                    self.pids[found.group(1)] = int(found.group(2))

"""A node of a graph as a process that a trial may kill, stop and start anew."""

import contextlib
import itertools
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from wvl_robot import orphan
from wvl_robot.cli.supervisor import command_line
from wvl_robot.graph_spec import NodeStart
from wvl_robot.participant import TRIAL_IDS, as_participant

END_S = 40.0

_participant_ids = itertools.cycle(TRIAL_IDS)


class NodeProcess:
    """Starts as `wvl up` starts it; everything it says is kept in a file."""

    def __init__(
        self, start: NodeStart, environment: Mapping[str, str], log: Path, more: Sequence[str] = ()
    ) -> None:
        """`more` words on its command line, e.g. remappings."""
        self._command = [*shlex.split(command_line(start, sys.executable))[1:], *more]
        self._environment = {**environment, orphan.VARIABLE: str(os.getpid())}
        self._log, self._is_guarded = log, start.is_restarted
        self._child: subprocess.Popen[bytes] | None = None
        self.num_starts = 0

    @property
    def pid(self) -> int:
        """Of the node that was started last, also behind its `wvl_robot.respawn`."""
        assert self._child is not None
        guard = self._child.pid
        if not self._is_guarded:
            return guard
        children = Path(f"/proc/{guard}/task/{guard}/children")
        with contextlib.suppress(OSError, IndexError):
            return int(children.read_text(encoding="ascii").split()[0])
        return guard

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self._child is not None and self._child.poll() is None

    @property
    def said(self) -> str:
        """Everything so far."""
        return self._log.read_text(encoding="utf-8", errors="replace") if self.num_starts else ""

    def start(self) -> None:
        """Start it; nothing happens where it lives."""
        if self.is_alive:
            return
        environment = self._environment
        if self.num_starts:
            folder = self._log.parent
            environment = as_participant(environment, next(_participant_ids), folder)
        with self._log.open("ab") as log:
            self._child = subprocess.Popen(
                self._command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.num_starts += 1

    def send(self, number: int) -> None:
        """Send it a signal; nothing happens where it has ended."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone; a guarded one comes back by itself."""
        self.send(signal.SIGKILL)
        if not self._is_guarded:
            assert self._child is not None
            self._child.wait(END_S)

    def end(self) -> None:
        """SIGTERM, and SIGKILL where that is not enough."""
        if self._child is None:
            return
        self.send(signal.SIGCONT)
        self._child.terminate()
        try:
            self._child.wait(END_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

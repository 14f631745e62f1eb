"""One stage of the loop as a child process: its progress, its last words, its end. No ROS here."""

import json
import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wvl_models.contract.errors import SetupError

NUM_LAST_LINES = 20

PATIENCE_S = 20.0
"""After SIGINT a stage saves its training state; then SIGTERM, then SIGKILL."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StageProgress:
    """How far a stage is."""

    step: int
    total: int
    """0 where it is not known."""
    message: str


class StageProcess:
    """A running stage; in a process group of its own, so that a signal reaches all of it."""

    def __init__(self, command: Sequence[str], patience_s: float = PATIENCE_S) -> None:
        """Start it; SetupError where the program is not there."""
        self._patience_s = patience_s
        try:
            self._child = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        except OSError as error:
            raise SetupError(f"cannot start {command[0]}: {error.strerror}.") from error
        self._last: deque[str] = deque(maxlen=NUM_LAST_LINES)

    @property
    def last_lines(self) -> tuple[str, ...]:
        """What it said last, without its progress."""
        return tuple(self._last)

    def progress(self) -> Iterator[StageProgress]:
        """Every report of progress, until the child closes its output."""
        assert self._child.stdout is not None
        with self._child.stdout as lines:
            for line in lines:
                report = parse_progress(line)
                if report is None:
                    self._last.append(line.rstrip("\n"))
                else:
                    yield report

    def wait(self) -> int:
        """Its exit code; negative: the signal that ended it."""
        return self._child.wait()

    def cancel(self) -> None:
        """Ask it to end, then insist; returns at once."""
        threading.Thread(target=self._insist, name="cancel", daemon=True).start()

    def end(self) -> None:
        """As `cancel`, but returns when it has ended."""
        self._insist()

    def _insist(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            if self._child.poll() is not None:
                return
            try:
                os.killpg(self._child.pid, number)
                self._child.wait(self._patience_s)
            except ProcessLookupError:
                return
            except subprocess.TimeoutExpired:
                continue


def parse_progress(line: str) -> StageProgress | None:
    """`{"step": .., "total": .., "message": ..}`, or None for any other line."""
    try:
        data = json.loads(line)
        return StageProgress(
            step=int(data["step"]), total=int(data["total"]), message=str(data["message"])
        )
    except (ValueError, TypeError, KeyError):
        return None

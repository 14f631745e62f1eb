"""Runs a module and starts it anew, three times at most, when it crashes: `python -m
wvl_robot.respawn MODULE [WORD ...]`.

Around the policy node, which may run out of memory without anybody else noticing more than an
expired chunk (architecture, section 4). The same under `wvl up` and `ros2 launch`. A module that
ends by itself, or with a sentence that a person must act on (exit code 1), is not started again.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

from wvl_robot import orphan
from wvl_robot.participant import RESPAWN_IDS, as_participant

CRASHED = 70
"""Exit code of a node that must be started anew (EX_SOFTWARE of sysexits.h)."""

TELLS = "crashed (exit code"
"""Stands in what is said before a node is started anew."""

MAX_RESTARTS, WITHIN_S = 3, 600.0
"""More crashes than this are no accident."""

DELAY_S = 0.5


class Respawner:
    """One module, kept running."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = list(words)
        self._child: subprocess.Popen[bytes] | None = None
        self._is_ending = False
        self._restarts_s: list[float] = []
        self._num_restarts = 0

    def run(self) -> int:
        """Until it ends for good; its last exit code, negative for a signal."""
        with tempfile.TemporaryDirectory(prefix="wvl-respawn-") as folder:
            return self._run(Path(folder))

    def _run(self, folder: Path) -> int:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._forward)
        while True:
            self._child = subprocess.Popen(
                [sys.executable, "-m", *self._words],
                env={**self._environment(folder), orphan.VARIABLE: str(os.getpid())},
            )
            code = self._child.wait()
            if self._is_ending or not (code < 0 or code == CRASHED) or not self._may_restart():
                return code
            name = self._words[0].rpartition(".")[2]
            told = f"{name} {TELLS} {code}); started anew, {len(self._restarts_s)}"
            print(f"{told} of {MAX_RESTARTS} times", file=sys.stderr, flush=True)
            time.sleep(DELAY_S)
            if self._is_ending:
                return 0

    def _environment(self, folder: Path) -> Mapping[str, str]:
        if not self._num_restarts:
            return os.environ
        participant_id = RESPAWN_IDS[self._num_restarts % len(RESPAWN_IDS)]
        return as_participant(os.environ, participant_id, folder)

    def _may_restart(self) -> bool:
        now_s = time.monotonic()
        self._restarts_s = [one for one in self._restarts_s if now_s - one < WITHIN_S]
        if len(self._restarts_s) >= MAX_RESTARTS:
            return False
        self._restarts_s.append(now_s)
        self._num_restarts += 1
        return True

    def _forward(self, number: int, frame: FrameType | None) -> None:
        self._is_ending = True
        if self._child is not None and self._child.poll() is None:
            self._child.send_signal(number)


def main() -> None:
    """Entry point."""
    orphan.end_with_supervisor()
    code = Respawner(sys.argv[1:]).run()
    sys.exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()

"""Numbers that a measuring process collects in lists and writes as an npz file at its end."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


class Columns:
    """Named columns of integers."""

    def __init__(self, *names: str) -> None:
        self._columns: dict[str, list[int]] = {name: [] for name in names}

    def add(self, **values: int) -> None:
        """One value to each of the columns named; KeyError for a name that was not announced."""
        for name, value in values.items():
            self._columns[name].append(value)

    def write(self, path: Path) -> None:
        """All columns as int64 arrays; beside, then renamed."""
        fresh = path.with_suffix(".new.npz")
        arrays: dict[str, Any] = {  # Any: numpy's stubs take keyword arrays as Any
            name: np.array(values, dtype=np.int64) for name, values in self._columns.items()
        }
        np.savez(fresh, **arrays)
        fresh.replace(path)


def read_columns(path: Path) -> dict[str, np.ndarray]:
    """What `Columns.write` wrote."""
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


READY = "ready"


def serve_until_told(write: Callable[[], None]) -> None:
    """Say that all is set up; on SIGTERM write and leave. Ctrl-C is the parent's business.

    Python runs a signal's handler between two of its own lines: whoever spins needs a timer, too.
    """

    def end(number: int, frame: Any) -> None:  # FrameType | None
        write()
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print(READY, flush=True)

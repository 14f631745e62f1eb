"""Progress on stderr: a bar with ETA on a terminal, a line now and then where there is none."""

import time
from types import TracebackType
from typing import Self

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from wvl_models.cli.output import make_console

LINE_EVERY_S = 15.0


class BarProgress:
    """Implements `loop.progress.Progress`; to be entered with `with`."""

    def __init__(self) -> None:
        console = make_console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description:<28}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[message]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._console, self._task = console, None
        self._what, self._total, self._said_s = "", 0, 0.0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def begin(self, what: str, total: int) -> None:
        """A new line of work; the one before stays on the screen."""
        self._what, self._total, self._said_s = what, total, time.monotonic()
        self._task = self._bar.add_task(what, total=total, message="")

    def reach(self, step: int, message: str = "") -> None:
        """So many steps of it are done."""
        if self._task is not None:
            self._bar.update(self._task, completed=step, message=message)
        now_s = time.monotonic()
        if not self._console.is_terminal and (
            step >= self._total or now_s - self._said_s > LINE_EVERY_S
        ):
            self._said_s = now_s
            self._console.print(f"{self._what}: {step} of {self._total} {message}".rstrip())

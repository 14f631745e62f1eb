"""What every sub-command of `wvl` prints with: a console, a progress bar, the `--json` option."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from wvl_models.contract.errors import ConfigError

_PIPE_WIDTH = 200
"""Columns where the output is no terminal, so that `grep` sees whole lines."""

JsonOption = Annotated[
    str | None,
    typer.Option("--json", metavar="FILE|-", help="Write the figures as JSON; - is stdout."),
]


def make_console(*, stderr: bool = False) -> Console:
    """A console for tables and progress."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else _PIPE_WIDTH, highlight=False)


def make_progress() -> Progress:
    """A progress bar with ETA on stderr, to be entered with `with`; silent where no terminal is."""
    console = make_console(stderr=True)
    return Progress(console=console, transient=True, disable=not console.is_terminal)


def write_json(target: str, data: Any) -> None:
    """Write `data` (Any: JSON) to a file, or to stdout for `-`."""
    text = json.dumps(data, indent=1, allow_nan=False) + "\n"
    if target == "-":
        sys.stdout.write(text)
        return
    try:
        Path(target).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write --json {target}: {error.strerror}.") from error

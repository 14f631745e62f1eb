"""Look at episodes and label them in a window: `wvl label DIR`. Needs Qt and a screen, no ROS."""

import getpass
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from wvl_models.contract.errors import SetupError
from wvl_models.episodes.store import EpisodeStore

app = typer.Typer(add_completion=False)

NEEDED = ("PyQt5", "pyqtgraph")

PROBE = "from PyQt5.QtWidgets import QApplication; QApplication(['wvl'])"
PROBE_PATIENCE_S = 30.0


@app.command(help=__doc__)
def label(
    store: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the episode store.")],
    author: Annotated[str | None, typer.Option(help="Who says so; you by default.")] = None,
) -> None:
    """Exit code 1 where there is no store, no Qt or no screen."""
    EpisodeStore(store)  # no store: said before a window opens
    require_qt()
    require_screen()
    from wvl_robot.rqt.window import run_window

    raise typer.Exit(run_window(store, author or getpass.getuser()))


def require_qt() -> None:
    """SetupError where a package is missing."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise SetupError(
            f"the labelling panel needs the Python package {missing[0]}: pip install "
            "'world-vla-loop[gui]', or `make setup`."
        )


def require_screen() -> None:
    """SetupError where Qt finds no screen; Qt itself would end the process without a word to us."""
    chosen = any(os.environ.get(n) for n in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))
    if sys.platform.startswith("linux") and not chosen:
        raise SetupError(
            "there is no screen: neither DISPLAY nor WAYLAND_DISPLAY is set. Over SSH use "
            "`ssh -X`; on a machine without a screen `xvfb-run`, or QT_QPA_PLATFORM=vnc."
        )
    try:
        subprocess.run(
            [sys.executable, "-c", PROBE],
            check=True,
            capture_output=True,
            text=True,
            timeout=PROBE_PATIENCE_S,
        )
    except subprocess.TimeoutExpired as error:
        raise SetupError("Qt did not reach the screen within 30 s: is DISPLAY right?") from error
    except subprocess.CalledProcessError as error:
        said = " ".join(error.stderr.split())
        raise SetupError(
            f"Qt cannot open a window: {said} Check DISPLAY, or name another of Qt's platforms in "
            "QT_QPA_PLATFORM; Debian's libxcb-* packages that it needs are in the Makefile."
        ) from error

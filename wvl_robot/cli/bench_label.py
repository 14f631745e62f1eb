"""`wvl bench label`: how fast the labelling panel is on a store."""

import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from wvl_models.cli.output import JsonOption, make_console, write_json
from wvl_models.episodes.store import EpisodeStore
from wvl_robot.cli.label import require_qt
from wvl_robot.cli.provenance import provenance


def label(
    store: Annotated[Path, typer.Argument(metavar="DIR", help="An episode store.")],
    seconds: Annotated[float, typer.Option(min=1.0, help="How long to scrub.")] = 20.0,
    json: JsonOption = None,
) -> None:
    """Open a store in the labelling panel (without a screen) and scrub through its longest episode.

    Labels nothing.
    """
    EpisodeStore(store)
    require_qt()
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from wvl_robot.rqt.benchmark import measure_panel

    timing = asdict(measure_panel(store, seconds))
    if json is not None:
        write_json(json, provenance(0) | {"seconds": seconds} | timing)
    if json != "-":
        table = Table("figure", "value", title="labelling panel")
        for name, value in timing.items():
            table.add_row(name, f"{value:.3g}" if isinstance(value, float) else str(value))
        make_console().print(table)

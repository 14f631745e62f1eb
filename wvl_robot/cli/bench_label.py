"""`wvl bench label`: how fast the labelling panel is on a store."""

import os
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from wvl_models.cli.output import JsonOption, make_console, make_progress, write_json
from wvl_models.episodes.store import EpisodeStore
from wvl_robot.cli.label import require_qt
from wvl_robot.cli.provenance import provenance


def label(
    store: Annotated[
        Path | None,
        typer.Argument(metavar="[DIR]", help="An episode store; without one a store is made up."),
    ] = None,
    episodes: Annotated[int, typer.Option(min=1, help="Of the made-up store.")] = 10_000,
    seconds: Annotated[float, typer.Option(min=1.0, help="How long to scrub.")] = 20.0,
    seed: Annotated[int, typer.Option(min=0, help="Of the made-up store.")] = 0,
    json: JsonOption = None,
) -> None:
    """Open a store in the labelling panel (without a screen) and scrub through its longest episode.

    Labels nothing. A store that is made up takes a few minutes and is deleted afterwards.
    """
    require_qt()
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from wvl_robot.rqt.benchmark import measure_panel

    with tempfile.TemporaryDirectory(prefix="wvl-bench-") as scratch:
        if store is None:
            store = Path(scratch) / "store"
            _make_up(store, episodes, seed)
        EpisodeStore(store)
        timing = asdict(measure_panel(store, seconds))
    if json is not None:
        write_json(json, provenance(seed) | {"seconds": seconds} | timing)
    if json != "-":
        table = Table("figure", "value", title="labelling panel")
        for name, value in timing.items():
            table.add_row(name, f"{value:.3g}" if isinstance(value, float) else str(value))
        make_console().print(table)


def _make_up(root: Path, num_episodes: int, seed: int) -> None:
    from wvl_robot.bench.label_store import make_store

    with make_progress() as bar:
        task = bar.add_task("making up episodes", total=num_episodes)
        make_store(root, num_episodes, seed, lambda number: bar.update(task, completed=number))

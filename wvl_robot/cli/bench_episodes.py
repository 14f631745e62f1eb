"""`wvl bench episodes`: the episode store beside raw Zarr, HDF5 and MCAP, and its codec."""

import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from wvl_models.cli.output import JsonOption, make_console, make_progress, write_json
from wvl_robot.bench.episode_timing import (
    CodecFigures,
    FormatFigures,
    StreamFigures,
    codecs,
    make_steps,
    measure_codec,
    measure_formats,
    measure_streams,
)
from wvl_robot.bench.frames import NOISE_SIGMA, add_noise, render_frames
from wvl_robot.cli.provenance import provenance

NUM_FRAMES = 30
"""Different ones; an episode goes round them."""

NUM_STREAMS = 4


def episodes(
    steps: Annotated[int, typer.Option(min=50, help="Of an episode.")] = 150,
    repeats: Annotated[int, typer.Option(min=1, help="Episodes of each format.")] = 5,
    windows: Annotated[int, typer.Option(min=10, help="Random windows that are read.")] = 100,
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="On the disk to measure; emptied afterwards.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of frames, numbers and windows.")] = 0,
    json: JsonOption = None,
) -> None:
    """Measure writing, committing and reading of 640x480 steps; four streams on one core."""
    rendered = render_frames(NUM_FRAMES, seed)
    kinds = {"rendered": rendered, "camera-like": add_noise(rendered, seed)}
    found: dict[str, Any] = {}
    with (
        tempfile.TemporaryDirectory(dir=folder, prefix="wvl-bench-") as scratch,
        make_progress() as bar,
    ):
        task = bar.add_task("episodes", total=len(kinds) * 3)
        for kind, frames in kinds.items():
            made = make_steps(frames, steps, seed)
            place = _made(Path(scratch) / f"{kind}-formats")
            formats = measure_formats(
                place, made, num_episodes=repeats, num_windows=windows, seed=seed
            )
            bar.advance(task)
            streams = measure_streams(_made(Path(scratch) / f"{kind}-streams"), made, NUM_STREAMS)
            bar.advance(task)
            coded = {name: measure_codec(codec, frames) for name, codec in codecs().items()}
            bar.advance(task)
            found[kind] = _as_json(formats, streams, coded)
            if json != "-":
                _print(kind, formats, streams, coded)
    if json is not None:
        settings = {"image": [480, 640, 3], "noise_sigma": NOISE_SIGMA}
        write_json(json, provenance(seed) | settings | {"frames": found})


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _as_json(
    formats: Mapping[str, FormatFigures], streams: StreamFigures, coded: Mapping[str, CodecFigures]
) -> dict[str, Any]:
    return {
        "formats": {name: asdict(figures) for name, figures in formats.items()},
        "streams_on_one_core": asdict(streams),
        "codecs": {name: asdict(figures) for name, figures in coded.items()},
    }


def _print(
    kind: str,
    formats: Mapping[str, FormatFigures],
    streams: StreamFigures,
    coded: Mapping[str, CodecFigures],
) -> None:
    console = make_console()
    for title, rows in (("formats", formats), ("codecs, one frame", coded)):
        names = list(asdict(next(iter(rows.values()))))
        table = Table("", *names, title=f"{kind} frames: {title}")
        for name, figures in rows.items():
            table.add_row(name, *map(_cell, asdict(figures).values()))
        console.print(table)
    console.print(
        f"{streams.num_streams} streams on one core: {streams.frames_per_s:.0f} frames/s (120 are "
        f"asked for), slowest commit {streams.worst_finish_ms:.0f} ms (50 are asked for)"
    )


def _cell(value: float | tuple[float, ...] | None) -> str:
    if isinstance(value, tuple):
        return " to ".join(map(_cell, value))
    return "-" if value is None else f"{value:.4g}"

"""`wvl bench episodes`: the episode store beside raw Zarr, HDF5 and MCAP, and its codec."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.table import Table

from wvl_models.cli.output import JsonOption, make_console, make_progress, write_json
from wvl_models.contract.observation import U8
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
from wvl_robot.cli.provenance import provenance
from wvl_robot.share import share_folder
from wvl_robot.virtual.cell import cell_config
from wvl_robot.virtual.scene import FULL_CAMERA, SceneRenderer, build_spec, compile_scene
from wvl_robot.virtual.tasks import virtual_task

NUM_FRAMES = 30
"""Different ones; an episode goes round them."""

NOISE_SIGMA = 2.0
"""Of the camera-like frames, in grey values: a D435 in a lit room, a guess to be replaced by a
measurement at the rig."""

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


def render_frames(count: int, seed: int) -> list[U8]:
    """What the virtual rig's camera sees [480, 640, 3] while the arm waves."""
    import mujoco  # after wvl_robot.virtual, which chooses its OpenGL

    config = cell_config(share_folder(), "lift_cube", "virtual")
    look = config.look
    task = virtual_task(config.task)
    scene = compile_scene(build_spec(task, look.calibration, look.view), task)
    data = mujoco.MjData(scene.model)
    scene.place_objects(data, task.layout(np.random.default_rng(seed)))
    home = np.array(config.rig.robot.home_joints_rad)
    draw = SceneRenderer(scene.model, FULL_CAMERA, 1)
    frames = []
    for index in range(count):
        data.qpos[scene.arm_qpos] = home + 0.2 * np.sin(0.2 * index + np.arange(7))
        mujoco.mj_forward(scene.model, data)
        frames.append(draw.render(data))
    draw.close()
    return frames


def add_noise(frames: Sequence[U8], seed: int) -> list[U8]:
    """The same with Gaussian noise of `NOISE_SIGMA`, new in every frame."""
    draw = np.random.default_rng(seed)
    noisy = [rgb + draw.normal(0.0, NOISE_SIGMA, rgb.shape) for rgb in frames]
    return [np.clip(np.rint(image), 0, 255).astype(np.uint8) for image in noisy]


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

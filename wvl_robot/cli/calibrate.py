"""Find out where the camera is: print a board, take pictures of it in the gripper, solve."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from rich.table import Table

from wvl_models.cli.output import make_console
from wvl_models.contract.camera import Intrinsics
from wvl_models.contract.errors import ConfigError
from wvl_models.contract.observation import CameraFrame
from wvl_models.contract.pose import Pose
from wvl_robot.adapters.franka_connect import connect
from wvl_robot.adapters.franka_state import pose_of
from wvl_robot.adapters.realsense import RealSenseCamera
from wvl_robot.adapters.realsense_sources import D435Source
from wvl_robot.adapters.system_clock import SystemClock
from wvl_robot.core.calibration_files import (
    CapturesFile,
    activate,
    add_capture,
    read_captures,
    write_result,
)
from wvl_robot.core.charuco import Board, BoardSize
from wvl_robot.core.hand_eye import HandEye, calibrate_hand_eye
from wvl_robot.rig.calibration import IntrinsicsFile
from wvl_robot.rig.config import RigConfig, load_rig
from wvl_robot.share import share_folder

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)

PRINT_PIXELS_PER_M = 300 / 0.0254
"""300 dots per inch."""

STILL_M = 0.0005
"""The arm may move this much between two readings around a picture."""

RigOption = Annotated[str, typer.Option("--rig", help="Rig file below config/rig.")]
SquareOption = Annotated[
    float, typer.Option("--square-mm", min=5.0, help="Side of a square, measured on the print.")
]


@app.command()
def board(
    out: Annotated[Path, typer.Option(help="PNG to write, 300 dots per inch.")],
    square_mm: SquareOption = 30.0,
) -> None:
    """Draw the board. Print it without scaling, glue it onto something flat and stiff."""
    drawn = Board(BoardSize(square_m=square_mm * 1e-3)).draw(PRINT_PIXELS_PER_M)
    margin = round(0.01 * PRINT_PIXELS_PER_M)
    if not cv2.imwrite(str(out), np.pad(drawn, margin, constant_values=255)):
        raise ConfigError(f"cannot write {out}; give the name of a PNG in an existing folder.")
    make_console().print(f"{out}: print it at 300 dpi, then measure a square and say --square-mm")


@app.command()
def capture(rig: RigOption, square_mm: SquareOption = 30.0) -> None:
    """Take pictures of the board in the gripper: move the arm by hand, press Enter, again.

    15 to 20 poses, 0.4 to 0.8 m from the camera, tilted by 20 to 30 degrees to all sides. The arm
    is only read. What is captured is kept, whatever happens next.
    """
    config, share = _real_rig(rig), share_folder()
    home = share / "calibration" / config.calibration / f"{datetime.now(UTC):%Y-%m-%d-%H%M%S}"
    console = make_console()
    with _camera(config) as camera, _arm(config) as read_pose:
        intrinsics = camera.intrinsics()
        session = CapturesFile(
            square_m=square_mm * 1e-3, intrinsics=_factory(intrinsics, config.camera.serial)
        )
        found_board = session.board()
        while typer.prompt("Enter: take, q: end", default="", show_default=False) != "q":
            before, frame, after = read_pose(), camera.latest(), read_pose()
            problem = _problem(before, frame, after, found_board, intrinsics)
            if problem or frame is None:
                console.print(f"[yellow]not taken[/]: {problem}")
                continue
            session = add_capture(home / "captures", session, frame.rgb, before)
            console.print(f"{len(session.captures)} taken")
    console.print(f"now: wvl calibrate solve {home}")


@app.command()
def solve(
    folder: Annotated[Path, typer.Argument(help="calibration/RIG/DATE with captures/ in it.")],
    make_active: Annotated[
        bool, typer.Option("--activate", help="Name it in current.yaml afterwards.")
    ] = False,
) -> None:
    """Compute the camera's pose from captures, and say how good it is."""
    session, captures, blind = read_captures(folder / "captures")
    found = calibrate_hand_eye(captures, session.camera())
    write_result(folder, session, found, len(captures))
    if make_active:
        activate(folder.resolve().parent, folder.resolve().name)
    _print(found, len(captures), blind, [record.file for record in session.captures])


def _real_rig(rig: str) -> RigConfig:
    config = load_rig(share_folder(), rig)
    if config.is_virtual:
        raise ConfigError(f"rig '{rig}' is a virtual one, its camera is exact; choose a real rig.")
    return config


@contextmanager
def _camera(config: RigConfig) -> Iterator[RealSenseCamera]:
    camera = RealSenseCamera(D435Source(config.camera), config.camera, SystemClock())
    try:
        yield camera
    finally:
        camera.close()


@contextmanager
def _arm(config: RigConfig) -> Iterator[Callable[[], Pose]]:
    """A function that reads base_T_ee; nothing is commanded."""
    link = connect(config.robot.model_copy(update={"is_realtime": False}))
    yield lambda: pose_of(link.robot.state)


def _problem(
    before: Pose, frame: CameraFrame | None, after: Pose, board: Board, intrinsics: Intrinsics
) -> str:
    """Why a picture is of no use; empty where it is."""
    if frame is None:
        return "no frame has come yet"
    if before.distance_m(after) > STILL_M:
        return "the arm is moving; hold it still"
    if board.find(frame.rgb, intrinsics) is None:
        return "the board is not seen well enough: more of it into the picture, more light"
    return ""


def _factory(k: Intrinsics, serial: str) -> IntrinsicsFile:
    return IntrinsicsFile(
        width=k.width,
        height=k.height,
        fx=k.fx,
        fy=k.fy,
        cx=k.cx,
        cy=k.cy,
        source=f"factory calibration of RealSense {serial}",
    )


def _print(found: HandEye, num: int, blind: list[str], files: list[str]) -> None:
    table = Table("figure", "value", title=f"hand-eye calibration from {num} captures")
    position = ", ".join(f"{value:.4f}" for value in found.base_T_camera.position_m)
    seen = [file for file in files if file not in blind]
    for name, value in (
        ("camera in base (m)", position),
        ("reprojection rms (px)", f"{found.residual_px:.2f}"),
        ("board rms (mm, deg)", f"{found.residual_mm:.2f}, {found.residual_deg:.3f}"),
        ("leave one out, worst (mm, deg)", f"{found.spread_mm:.2f}, {found.spread_deg:.3f}"),
        ("most influential capture", seen[found.worst_capture]),
        ("without a board", ", ".join(blind) or "none"),
    ):
        table.add_row(name, value)
    make_console().print(table)

"""Virtual cells for tests, each at a loopback address of its own so that several run at once."""

import os
from pathlib import Path

from wvl_robot.virtual.cell import CellConfig, cell_config

SHARE = Path(__file__).parent.parent


def loopback(number: int) -> str:
    """An address that no other test process uses; `number` tells cells of one process apart."""
    pid = os.getpid()
    return f"127.{1 + (pid >> 8) % 254}.{pid & 255}.{1 + number}"


def make_config(number: int, task: str = "lift_cube", *, with_camera: bool) -> CellConfig:
    return cell_config(SHARE, task, "virtual", loopback(number), with_camera=with_camera)

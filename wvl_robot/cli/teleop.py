"""Read a SpaceMouse, a gamepad or this terminal's keyboard for a session that runs, as Joy.

Ctrl-C ends it. The session listens where it was started with teleop:=DEVICE.
"""

import json
import os
import sys
from enum import StrEnum
from typing import Annotated

import typer

from wvl_robot.environment import node_environment
from wvl_robot.share import share_folder

app = typer.Typer(add_completion=False)


class Device(StrEnum):
    """What can be read."""

    SPACEMOUSE = "spacemouse"
    GAMEPAD = "gamepad"
    KEYBOARD = "keyboard"


@app.command(help=__doc__)
def teleop(
    device: Annotated[Device, typer.Argument(help="What to read.")],
    model: Annotated[
        str, typer.Option(help="Which one, where several are plugged in, e.g. SpaceMouseWireless.")
    ] = "",
    profile: Annotated[
        str, typer.Option(help="Keyboard only: layout below config/teleop.")
    ] = "keyboard",
) -> None:
    """Become the node, in this terminal: a keyboard needs one."""
    command = [sys.executable, "-m", "wvl_robot.ros.teleop_node", "--ros-args"]
    command += ["-r", f"__node:={device.value}_teleop", "-p", f"device:={device.value}"]
    for name, value in (("model", model), ("profile", profile)):
        command += ["-p", f"{name}:={json.dumps(value)}"]
    os.execve(sys.executable, command, node_environment(share_folder(), os.environ))

"""The arm: does FCI answer, is it the version this franky speaks, is it the arm of the rig file."""

import socket

from wvl_models.contract.errors import WvlError
from wvl_robot.adapters.franka_connect import connect
from wvl_robot.doctor.finding import Finding, fail, ok, warn
from wvl_robot.rig.config import RobotConfig

FCI_PORT = 1337

TIMEOUT_S = 1.0


def check_robot(config: RobotConfig, *, is_virtual: bool) -> list[Finding]:
    """Connect once and let go; the arm does not move. Not while a graph is running: FCI has one
    client at a time.
    """
    if not answers(config.host, FCI_PORT):
        if is_virtual:
            seen = f"no virtual cell runs at {config.host}"
            return [ok("robot", f"{seen}; `wvl up` starts one")]
        return [
            fail(
                "robot",
                f"nothing listens at {config.host}:{FCI_PORT}",
                "unlock the brakes and activate FCI in Desk (https://ROBOT/desk), or "
                "`wvl desk hold --rig RIG`",
            )
        ]
    try:
        # Whether the kernel is real-time is a finding of its own.
        link = connect(config.model_copy(update={"is_realtime": False}))
    except WvlError as error:
        return [fail("robot", str(error), "see there; is a graph running that holds the robot?")]
    who = link.identity
    seen = f"{who.kind} '{who.model_name}', gripper server {who.gripper_server_version}"
    if who.unsupported:
        mend = "nothing to mend; compare robot.kind in the rig file with the arm's plate"
        return [warn("robot", f"{seen}; unsupported: {'; '.join(who.unsupported)}", mend)]
    return [ok("robot", seen)]


def answers(host: str, port: int) -> bool:
    """Whether somebody accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout=TIMEOUT_S):
            return True
    except OSError:
        return False

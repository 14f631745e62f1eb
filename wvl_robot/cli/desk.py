"""Brakes and FCI of a real Franka without a browser: status, hold, lock, self-test."""

import os
import signal
from typing import Annotated

import typer

from wvl_models.cli.output import make_console
from wvl_models.contract.errors import ConfigError
from wvl_robot.adapters.franka_desk import DeskStatus, FrankaDesk, open_desk
from wvl_robot.rig.config import RobotConfig, load_rig
from wvl_robot.share import share_folder

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)

USER, PASSWORD = "WVL_DESK_USER", "WVL_DESK_PASSWORD"  # names of variables

RigOption = Annotated[str, typer.Option("--rig", help="Rig file below config/rig.")]


@app.command()
def status(rig: RigOption) -> None:
    """What Desk says; changes nothing."""
    robot, (user, password) = _robot(rig), _credentials()
    with open_desk(robot, user, password) as desk:
        _print(desk.status())


@app.command()
def hold(
    rig: RigOption,
    lock_after: Annotated[
        bool, typer.Option("--lock/--no-lock", help="Close the brakes at the end.")
    ] = True,
) -> None:
    """Open the brakes, activate FCI, keep control until Ctrl-C. Leave it running meanwhile."""
    robot, (user, password) = _robot(rig), _credentials()
    with open_desk(robot, user, password) as desk:
        make_console().print("[yellow]the brakes open now[/]: nobody near the arm")
        desk.make_ready()
        _print(desk.status())
        make_console().print("FCI is active; Ctrl-C ends it" + (" and locks" if lock_after else ""))
        _wait_for_ctrl_c()
        if lock_after:
            _lock(desk)


@app.command()
def lock(rig: RigOption) -> None:
    """Close the brakes."""
    robot, (user, password) = _robot(rig), _credentials()
    with open_desk(robot, user, password) as desk:
        _lock(desk)


@app.command("self-test")
def self_test(rig: RigOption) -> None:
    """Run the safety self-test that Desk asks for once a day."""
    robot, (user, password) = _robot(rig), _credentials()
    with open_desk(robot, user, password) as desk:
        desk.self_test()
        _print(desk.status())


def _robot(rig: str) -> RobotConfig:
    config = load_rig(share_folder(), rig)
    if config.is_virtual:
        raise ConfigError(f"rig '{rig}' is a virtual one and has no Desk; choose a real rig.")
    return config.robot


def _credentials() -> tuple[str, str]:
    """From the environment or the terminal; never from a file or the command line."""
    user = os.environ.get(USER) or typer.prompt("user of Desk")
    return user, os.environ.get(PASSWORD) or typer.prompt("password", hide_input=True)


def _lock(desk: FrankaDesk) -> None:
    desk.lock()
    _print(desk.status())


def _wait_for_ctrl_c() -> None:
    with_signals = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, with_signals)
    signal.sigwait(with_signals)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, with_signals)


def _print(seen: DeskStatus) -> None:
    due = ", self-test due" if seen.is_self_test_due else ""
    make_console().print(f"mode {seen.operating_mode}, brakes {seen.brakes}, FCI {seen.fci}{due}")

"""Franka Desk without a browser: brakes, operating mode, FCI; through franky 2.0.0's web sessions.

The FR3 of system 5 and newer has the v1 interface (`franky.Desk`), the Panda and older systems the
one before it (`franky.DeskWebSession`). Whoever changes anything must hold control; control ends
with the session.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wvl_models.contract.errors import RobotError
from wvl_robot.adapters.franka_connect import import_franky
from wvl_robot.rig.config import RobotConfig

if TYPE_CHECKING:
    from franky import BaseDesk

CONTROL_TIMEOUT_S = 30.0
"""How long whoever holds control is given to let go of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeskStatus:
    """What Desk says, in its own words."""

    operating_mode: str
    brakes: str
    fci: str
    """`unknown` where the interface does not tell (Panda)."""
    is_self_test_due: bool


class FrankaDesk:
    """An open web session; every method raises RobotError with the robot's answer."""

    def __init__(self, session: "BaseDesk") -> None:
        self._session = session

    def status(self) -> DeskStatus:
        """Mode, brakes, FCI; changes nothing."""
        session = self._session
        with _errors(session.hostname):
            ask_fci = getattr(session, "get_fci_status", None)
            return DeskStatus(
                operating_mode=session.operating_mode.value,
                brakes=session.brake_state.value,
                fci=ask_fci() if ask_fci is not None else "unknown",
                is_self_test_due=_is_self_test_due(session.system_status),
            )

    def make_ready(self) -> None:
        """Take control, choose execution, open the brakes, activate FCI. The brakes click: say so
        to whoever stands there before.
        """
        session = self._session
        status = self.status()
        if status.is_self_test_due:
            raise RobotError(
                f"the self-test of {session.hostname} is due: run it in Desk (or `wvl desk "
                "self-test`), nobody near the arm."
            )
        with _errors(session.hostname):
            session.take_control(wait_timeout=CONTROL_TIMEOUT_S)
            if status.operating_mode != "Execution":
                session.set_mode_execution()
            if status.brakes != "Unlocked":
                session.unlock_brakes()
            session.enable_fci()

    def lock(self) -> None:
        """Close the brakes; FCI ends with them."""
        with _errors(self._session.hostname):
            self._session.take_control(wait_timeout=CONTROL_TIMEOUT_S)
            self._session.lock_brakes()

    def self_test(self) -> None:
        """Run the safety self-test (minutes); the arm must stand free."""
        with _errors(self._session.hostname):
            self._session.take_control(wait_timeout=CONTROL_TIMEOUT_S)
            self._session.execute_self_test()


@contextmanager
def open_desk(config: RobotConfig, username: str, password: str) -> Iterator[FrankaDesk]:
    """Log in; RobotError where nobody answers or the password is wrong. Gives control back."""
    franky = import_franky()
    kind = franky.Desk if config.kind == "fr3" else franky.DeskWebSession
    session = kind(config.host, username, password)
    with _errors(config.host):
        session.open(timeout=CONTROL_TIMEOUT_S)
    try:
        yield FrankaDesk(session)
    finally:
        with _errors(config.host):
            session.close()


def _is_self_test_due(status: dict[str, object]) -> bool:
    """`timeToTd2` counts seconds down to the next self-test (v1 and before it, in `safety`)."""
    safety = status.get("safety", status)
    left_s = safety.get("timeToTd2") if isinstance(safety, dict) else None
    return isinstance(left_s, int | float) and left_s <= 0


@contextmanager
def _errors(host: str) -> Iterator[None]:
    franky = import_franky()
    try:
        yield
    except franky.DeskError as error:
        said = str(error)
        advice = ": user name or password is wrong" if " 401 " in said else ""
        raise RobotError(f"Desk of {host} refuses{advice}. It said: {said}") from error
    except OSError as error:
        raise RobotError(
            f"cannot reach Desk of {host}: {error}. Check robot.host in the rig file, and that "
            f"https://{host}/desk opens in a browser."
        ) from error

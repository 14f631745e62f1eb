"""What the collecting panel shows, and what an operator may ask for at that moment. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from wvl_models.contract.episode import Outcome
from wvl_robot.core.arm_guard import ArmState
from wvl_robot.core.live.control import ArmReport, SessionReport
from wvl_robot.core.session_status import SessionState


class Command(StrEnum):
    """What an operator can ask for."""

    START = "start"
    STOP = "stop"
    """Without an outcome: the success predicate says, or nobody."""
    DISCARD = "discard"
    LABEL = "label"
    """An outcome key: ends the running episode; labels the last one while none is running."""
    UNDO = "undo"
    """Withdraw the operator's outcome of the last episode."""
    CLEAR_FAULT = "clear_fault"
    RECOVER = "recover"
    GO_HOME = "go_home"


ENDING = frozenset({Command.STOP, Command.DISCARD, Command.LABEL})
"""What ends an episode never waits for the answer to anything else."""


class Link(StrEnum):
    """Whether the session node is heard."""

    NEVER_HEARD = "never heard"
    CONNECTED = "connected"
    SILENT = "silent"


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveMessage:
    """A sentence for the status line."""

    text: str
    is_error: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class LastEpisode:
    """The last one that was committed."""

    episode_id: str
    outcome: Outcome | None
    """None where nobody has said, or where this panel was opened too late to hear."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveView:
    """Everything the panel shows, at one moment."""

    link: Link = Link.NEVER_HEARD
    state: SessionState | None = None
    """None while the session is not heard."""
    arm_state: ArmState | None = None
    """None while the arm is not heard."""
    fault: str = ""
    """Of session or arm, as a sentence; empty where there is none."""
    not_ready: str = ""
    """Why no episode may start; empty where one may."""
    episode_id: str = ""
    num_steps: int = 0
    rate_hz: float | None = None
    """Steps per second over the last second of the running episode; None where unknown."""
    num_missed_ticks: int = 0
    policy_version: str = ""
    pending: Command | None = None
    """The newest request that waits for its answer."""
    last_episode_id: str = ""
    last_outcome: Outcome | None = None
    """Of the last episode; None where nobody has said."""
    num_committed: int = 0
    """Since this panel was opened."""
    num_aborted: int = 0
    outcomes: tuple[tuple[Outcome, int], ...] = ()
    """How many of the committed ones have which outcome now."""
    refusals: tuple[tuple[Command, str], ...] = ()
    """Commands that are not possible now, and why: for greyed-out buttons and their tooltips."""
    message: LiveMessage = LiveMessage(text="")


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """What is known for certain: reports that are not too old, and requests on their way."""

    session: SessionReport | None
    arm: ArmReport | None
    pending: tuple[Command, ...]
    last: LastEpisode | None


def refusal(command: Command, heard: Heard) -> str:
    """Why a command is not possible now; empty where it is."""
    waiting = [c for c in heard.pending if command not in ENDING or c in ENDING]
    if waiting:
        return f"The answer to {waiting[-1].value} is awaited."
    if command in (Command.RECOVER, Command.GO_HOME):
        return _arm_refusal(command, heard)
    if heard.session is None:
        return "The session is not heard: are its nodes running?"
    return _session_refusal(command, heard, heard.session)


def _arm_refusal(command: Command, heard: Heard) -> str:
    if heard.arm is None:
        return "The arm is not heard: is the robot node running?"
    is_fault = heard.arm.state is ArmState.FAULT
    if command is Command.RECOVER:
        return "" if is_fault else f"The arm is {heard.arm.state.value}; there is no fault."
    if is_fault:
        return "Recover the arm first."
    if heard.session is not None and _is_busy(heard.session):
        return "An episode is running."
    return ""


def _session_refusal(command: Command, heard: Heard, session: SessionReport) -> str:
    state = session.state
    if command is Command.CLEAR_FAULT:
        return "" if state is SessionState.FAULT else "There is no fault to clear."
    if command is Command.START:
        return _start_refusal(heard, session)
    if command is Command.DISCARD:
        return "" if _is_busy(session) else "No episode is running."
    if state is SessionState.FINISHING:
        return "The episode is being committed."
    if command is Command.STOP:
        return "" if state is SessionState.RUNNING else "No episode is running."
    if command is Command.LABEL:
        is_possible = state is SessionState.RUNNING or heard.last is not None
        return "" if is_possible else "There is no episode to label yet."
    if state is SessionState.RUNNING:
        return "An episode is running: stop or discard it."
    return "" if heard.last is not None else "There is nothing to undo."


def _start_refusal(heard: Heard, session: SessionReport) -> str:
    if session.state is SessionState.FAULT:
        return "Clear the fault first."
    if _is_busy(session):
        return "An episode is running."
    if heard.arm is not None and heard.arm.state is ArmState.FAULT:
        return "Recover the arm first."
    return session.not_ready


def _is_busy(session: SessionReport) -> bool:
    return session.state in (SessionState.RUNNING, SessionState.FINISHING)

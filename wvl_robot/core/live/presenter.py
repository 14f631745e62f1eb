"""LivePresenter: what the collecting panel shows and what its keys do. No Qt, no ROS.

Threading rule: as `review.presenter`: one thread calls everything, nothing blocks, `poll` takes
in what has happened.
"""

from dataclasses import dataclass
from enum import StrEnum

from wvl_models.contract.episode import Outcome
from wvl_robot.core.arm_guard import ArmState
from wvl_robot.core.live.control import EpisodeReport, SessionControl
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
    """Withdraw the outcome of the last episode."""
    CLEAR_FAULT = "clear_fault"
    RECOVER = "recover"
    GO_HOME = "go_home"


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
class LiveView:
    """Everything the panel shows, at one moment."""

    link: Link
    state: SessionState | None
    """None while the session is not heard."""
    arm_state: ArmState | None
    fault: str
    """Of session or arm, as a sentence; empty where there is none."""
    not_ready: str
    """Why no episode may start; empty where one may."""
    episode_id: str
    num_steps: int
    rate_hz: float | None
    """Steps per second over the last second of the running episode; None where unknown."""
    num_missed_ticks: int
    policy_version: str
    pending: Command | None
    """A request that waits for its answer."""
    last_episode_id: str
    last_outcome: Outcome | None
    """Of the last episode; None where nobody has said."""
    num_committed: int
    """Since this panel was opened."""
    num_aborted: int
    outcomes: tuple[tuple[Outcome, int], ...]
    """How often each was given since this panel was opened."""
    refusals: tuple[tuple[Command, str], ...]
    """Commands that are not possible now, and why: for greyed-out buttons and their tooltips."""
    message: LiveMessage


class LivePresenter:
    """See the module docstring."""

    def __init__(self, control: SessionControl) -> None:
        raise NotImplementedError

    @property
    def view(self) -> LiveView:
        """What to show now."""
        raise NotImplementedError

    def poll(self, now_ns: int) -> bool:
        """Look at what has arrived, on the same monotonic clock; whether `view` has changed."""
        raise NotImplementedError

    def news(self) -> tuple[EpisodeReport, ...]:
        """What happened to episodes since the last call (the list may want a `refresh`)."""
        raise NotImplementedError

    def refusal(self, command: Command) -> str:
        """Why a command is not possible now; empty where it is."""
        raise NotImplementedError

    def start(self, task: str = "", notes: str = "") -> None:
        """Begin an episode."""
        raise NotImplementedError

    def stop(self) -> None:
        """End it; the success predicate says how, or nobody."""
        raise NotImplementedError

    def press_outcome(self, outcome: Outcome) -> None:
        """One key: ends the running episode with its label, or labels the last one."""
        raise NotImplementedError

    def discard(self) -> None:
        """Give the running episode up."""
        raise NotImplementedError

    def undo(self) -> None:
        """Withdraw the label of the last episode."""
        raise NotImplementedError

    def clear_fault(self) -> None:
        """Make the session ready again."""
        raise NotImplementedError

    def recover(self) -> None:
        """Clear the arm's fault."""
        raise NotImplementedError

    def go_home(self) -> None:
        """Drive the arm home: it moves."""
        raise NotImplementedError

"""SessionControl: what a person may ask of a running robot and what he hears of it. No ROS.

Called from the panel's thread. No method blocks; answers come as futures, which any thread may
complete.
"""

from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from wvl_models.contract.episode import Origin, Outcome
from wvl_robot.core.announced_sink import EpisodeChange
from wvl_robot.core.arm_guard import ArmState
from wvl_robot.core.session_status import SessionState


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionReport:
    """The newest status of the session."""

    heard_ns: int
    """Monotonic time of arrival, on the panel's machine and clock."""
    state: SessionState
    fault: str
    """Why an episode was given up; empty unless `state` is FAULT."""
    not_ready: str
    """Why no episode may start; empty where one may."""
    episode_id: str
    """Of the running episode."""
    num_steps: int
    last_episode_id: str
    num_missed_ticks: int
    policy_version: str
    """Empty where a person decides."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ArmReport:
    """The newest status of the arm."""

    heard_ns: int
    state: ArmState
    fault: str
    gripper_fault: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EpisodeReport:
    """Something happened to an episode."""

    change: EpisodeChange
    episode_id: str
    task: str
    origin: Origin
    outcome: Outcome | None
    num_steps: int
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a node said to a request."""

    is_accepted: bool
    text: str
    """Why not, or what was done."""


class SessionControl(Protocol):
    """Requests return at once; a future that fails with a WvlError counts as refused.

    An implementation has no timeout of its own: the presenter stops waiting and cancels.
    """

    def session(self) -> SessionReport | None:
        """The newest status; None before the first."""
        ...

    def arm(self) -> ArmReport | None:
        """The newest status; None before the first."""
        ...

    def events(self) -> tuple[EpisodeReport, ...]:
        """What happened since the last call."""
        ...

    def start(self, task: str, notes: str) -> Future[Answer]:
        """Begin an episode; an empty task means the session's own."""
        ...

    def stop(self, outcome: Outcome | None) -> Future[Answer]:
        """End the running episode with an outcome, or let the predicate say."""
        ...

    def discard(self) -> Future[Answer]:
        """Give the running episode up; what was written stays, as ABORTED."""
        ...

    def label(self, episode_id: str, outcome: Outcome | None) -> Future[Answer]:
        """Label a committed episode in the session operator's name; None withdraws his label."""
        ...

    def clear_fault(self) -> Future[Answer]:
        """Make the session ready again."""
        ...

    def recover(self) -> Future[Answer]:
        """Clear the arm's fault."""
        ...

    def go_home(self) -> Future[Answer]:
        """Drive the arm home: it MOVES, for seconds."""
        ...

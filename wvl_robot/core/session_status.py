"""What a session tells about itself."""

from dataclasses import dataclass
from enum import StrEnum

from wvl_models.contract.verdict import Reason, Verdict


class SessionState(StrEnum):
    """What a session is doing."""

    IDLE = "idle"
    """No episode; nothing is ordered, the arm holds by itself."""
    RUNNING = "running"
    FINISHING = "finishing"
    """The last step has been decided; its receipt and the commit are awaited."""
    FAULT = "fault"
    """An episode was given up; nothing starts until the operator clears it."""


class FaultKind(StrEnum):
    """What made a session give an episode up."""

    CAMERA_SILENT = "camera silent"
    CAMERA_FAULT = "camera fault"
    ARM_SILENT = "arm silent"
    ARM_FAULT = "arm fault"
    REFUSALS = "setpoints refused"
    POLICY_SILENT = "policy silent"
    DECISION = "no usable decision"
    STORE = "episode store"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """Why an episode was given up."""

    kind: FaultKind
    detail: str

    def __str__(self) -> str:
        return f"{self.kind.value}: {self.detail}"


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionStatus:
    """A session at one moment."""

    state: SessionState
    fault: Fault | None
    episode_id: str
    """Of the running episode; empty where there is none."""
    num_steps: int
    """Of the running episode."""
    verdict: Verdict
    """Of the safety gate on the running episode's last recorded step; PASS where there is none."""
    reason: Reason
    """Why, where it is not PASS."""
    last_episode_id: str
    """The last one that was committed."""
    num_missed_ticks: int
    """Ticks skipped while an episode was running, since the session's start."""
    late_ns: int
    """How late the last tick began."""

"""ArmLink: the session's side of the robot process.

The session orders setpoints; the robot process passes them through its safety gate and answers
with receipts that say what was really sent. Recording uses the receipts, never the orders.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from wvl_models.contract.observation import RobotState
from wvl_models.contract.pose import Setpoint
from wvl_models.contract.verdict import Reason, Verdict


class Source(StrEnum):
    """Who decided a setpoint."""

    TELEOP = "teleop"
    POLICY = "policy"
    INTERVENTION = "intervention"
    HOLD = "hold"
    """Nobody: the arm brakes and stands still, whatever else the order says; the target stays."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SetpointOrder:
    """One setpoint on its way to the arm, with everything the gate needs to judge it."""

    sequence: int
    """Increases by one per order of a session; a repeated or smaller one is refused."""
    stamp_ns: int
    """The tick it was decided at, monotonic."""
    expires_ns: int
    """Not to be used at or after this time."""
    setpoint: Setpoint
    source: Source
    policy_version: str
    """Version that decided it; empty for teleoperation. Of a hold: whose turn it was."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SetpointReceipt:
    """What became of an order."""

    sequence: int
    verdict: Verdict
    reason: Reason
    sent: Setpoint
    """What the arm was really told: the order, its clamped form, or the previous target. A hold
    keeps the previous target: PASS, because of NO_SETPOINT."""
    sent_ns: int


class ArmLink(Protocol):
    """The arm as the session sees it; no call blocks."""

    def state(self) -> RobotState | None:
        """The newest state, or None before the first."""
        ...

    def order(self, order: SetpointOrder) -> None:
        """Ask for a setpoint."""
        ...

    def receipts(self) -> list[SetpointReceipt]:
        """Receipts that arrived since the last call, oldest first."""
        ...

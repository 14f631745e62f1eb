"""A policy's answer to one observation: K deltas, where they start, and when they expire."""

from dataclasses import dataclass

from wvl_models.contract.action import ACTION_DIM
from wvl_models.contract.errors import DataError
from wvl_models.contract.pose import Setpoint, frozen_array
from wvl_models.contract.rotation import F64


@dataclass(frozen=True, kw_only=True, slots=True)
class ActionChunk:
    """K actions; action k is due at `observation_stamp_ns + k * period_ns`.

    A chunk carries its own expiry, so that a policy which falls silent stops the arm by itself
    (architecture.md section 4).
    """

    observation_stamp_ns: int
    """Tick of the observation this chunk answers."""
    period_ns: int
    expires_ns: int
    """No action of this chunk may be sent at or after this monotonic time."""
    policy_version: str
    sequence: int
    """Counts the host's answers; lets a late chunk be told from a new one."""
    start: Setpoint
    """The observation's target: what `ActionSpec.integrate` starts from."""
    actions: F64
    """[K, 7] denormalised deltas, see `contract.action`."""

    def __post_init__(self) -> None:
        num_steps = len(self.actions)
        if num_steps < 1:
            raise DataError("an ActionChunk needs at least one action.")
        if self.period_ns <= 0 or self.expires_ns <= self.observation_stamp_ns:
            raise DataError("an ActionChunk must expire after its observation.")
        actions = frozen_array("actions", self.actions, (num_steps, ACTION_DIM))
        object.__setattr__(self, "actions", actions)

    def due_ns(self, step: int) -> int:
        """When action `step` is to be sent."""
        return self.observation_stamp_ns + step * self.period_ns

"""Actions: the policy's normalised deltas and the absolute target poses they add up to.

Policy space [7]: delta of the *target* pose, 3 translation (m, base frame) + 3 rotation vector
(rad, base frame, applied from the left), then gripper (1 open, 0 closed, absolute).
World-model space [8]: absolute target pose + gripper, a `Setpoint` row (paper 3.2 and 4.2:
absolute end-effector poses and a gripper in {0, 1}). `ActionSpec.integrate` is the only bridge;
robot, recorder and imagination all call it, so they agree by construction. It integrates the
target and not the achieved pose: in imagination no achieved pose exists
(facts/world_model.md 2.2 calls this the paper's biggest hidden gap).
"""

from dataclasses import dataclass, field

import numpy as np

from wvl_models.contract import rotation
from wvl_models.contract.errors import DataError
from wvl_models.contract.pose import frozen_array
from wvl_models.contract.rotation import F64

ACTION_DIM = 7
"""3 translation, 3 rotation, 1 gripper (OpenVLA-OFT on a single arm, facts/policy_rl.md 1.10)."""

TARGET_DIM = 8
"""3 position, 4 quaternion xyzw, 1 gripper."""

GRIPPER = 6
"""Index of the gripper in an action; it is passed through unnormalised (mask [T*6, F])."""

_RANGE_EPSILON = 1e-8
"""OpenVLA-OFT adds this to q99 - q01 (facts/policy_rl.md 1.10)."""

_CONSTANT_RANGE = 1e-6
"""A dimension whose range is smaller never moved in the data: its tokens carry nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ActionSpec:
    """Rate, chunk length and ranges of a policy's actions; saved with every checkpoint."""

    low: F64
    """[7] value that is normalised to -1 (q01 of the training data, or its minimum)."""
    high: F64
    """[7] value that is normalised to +1 (q99, or the maximum)."""
    chunk_steps: int = 24
    """Actions in one chunk (paper 4.1: 24 for every task)."""
    rate_hz: float = 10.0
    """Control and logging rate (paper 4.1)."""
    active: tuple[bool, ...] = field(init=False)
    """[7] dimensions that move in the data; the others' tokens are left out of RL losses."""

    def __post_init__(self) -> None:
        low = frozen_array("low", self.low, (ACTION_DIM,))
        high = frozen_array("high", self.high, (ACTION_DIM,))
        if (high < low).any():
            raise DataError(f"ActionSpec.high must not lie below low: {low} and {high}.")
        if self.chunk_steps < 1 or self.rate_hz <= 0:
            raise DataError("ActionSpec needs chunk_steps >= 1 and rate_hz > 0.")
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)
        moving = (high - low) > _CONSTANT_RANGE
        moving[GRIPPER] = True
        object.__setattr__(self, "active", tuple(bool(m) for m in moving))

    @classmethod
    def unnormalised(cls) -> "ActionSpec":
        """A spec whose ranges mean nothing: for `integrate` and `differentiate` alone."""
        return cls(low=-np.ones(ACTION_DIM), high=np.ones(ACTION_DIM))

    @property
    def period_ns(self) -> int:
        """Nanoseconds between two steps."""
        return round(1e9 / self.rate_hz)

    def normalise(self, actions: F64) -> F64:
        """Actions [..., 7] in metres and radians to [-1, 1]; constant dimensions become 0."""
        scaled = 2.0 * (actions - self.low) / (self.high - self.low + _RANGE_EPSILON) - 1.0
        scaled = np.where(np.array(self.active), np.clip(scaled, -1.0, 1.0), 0.0)
        scaled[..., GRIPPER] = actions[..., GRIPPER]
        return scaled

    def denormalise(self, normalised: F64) -> F64:
        """Inverse of `normalise` inside the range; the gripper becomes exactly 0 or 1."""
        span = self.high - self.low + _RANGE_EPSILON
        actions = 0.5 * (np.clip(normalised, -1.0, 1.0) + 1.0) * span + self.low
        actions = np.where(np.array(self.active), actions, self.low)
        actions[..., GRIPPER] = (normalised[..., GRIPPER] >= 0.5).astype(np.float64)
        return actions

    def integrate(self, start: F64, actions: F64) -> F64:
        """Absolute targets [..., K, 8] that follow `start` [..., 8] under deltas [..., K, 7].

        Row k is the target after action k; the gripper is copied, not summed.
        """
        _expect(start, TARGET_DIM, "start")
        _expect(actions, ACTION_DIM, "actions")
        position = start[..., None, :3] + np.cumsum(actions[..., :3], axis=-2)
        turns = rotation.from_rotvec(actions[..., 3:6])
        quaternion = np.empty(actions.shape[:-1] + (4,))
        current = np.broadcast_to(start[..., 3:7], quaternion[..., 0, :].shape)
        for k in range(actions.shape[-2]):
            current = rotation.normalise_quaternion(rotation.multiply(turns[..., k, :], current))
            quaternion[..., k, :] = current
        return np.concatenate([position, quaternion, actions[..., GRIPPER:]], axis=-1)

    def differentiate(self, targets: F64) -> F64:
        """Deltas [..., T, 7] between consecutive targets [..., T + 1, 8]; undoes `integrate`."""
        _expect(targets, TARGET_DIM, "targets")
        before, after = targets[..., :-1, :], targets[..., 1:, :]
        turn = rotation.multiply(after[..., 3:7], rotation.conjugate(before[..., 3:7]))
        return np.concatenate(
            [after[..., :3] - before[..., :3], rotation.to_rotvec(turn), after[..., 7:]], axis=-1
        )


def _expect(array: F64, last: int, name: str) -> None:
    if array.shape[-1] != last:
        raise DataError(f"{name} must end in a dimension of {last}, got {array.shape}.")

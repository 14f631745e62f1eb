"""Which chunks may be used at all, and whether an answer is still awaited."""

import numpy as np

from wvl_models.contract.chunk import ActionChunk
from wvl_models.contract.verdict import Reason

_MAX_DELTA = 10.0
"""Metres or radians in one step: beyond it is no motion, and its sum may not be finite."""


class ChunkInbox:
    """Checks every chunk that arrives; chunks are told apart by the observations they answer.

    A policy process that was restarted counts its answers from zero again, observations do not.
    """

    def __init__(self, period_ns: int, patience_ns: int) -> None:
        """`patience_ns`: how long an answer is awaited before it is given up."""
        self._period_ns, self._patience_ns = period_ns, patience_ns
        self._policy_version = ""
        self._ignore_before_ns = 0
        self._accepted_ns = -1
        self._asked_ns: int | None = None
        self.num_unanswered = 0
        """Observations that were handed over and given up: lost, late, or answered unusably."""

    def expect_version(self, policy_version: str) -> None:
        """Accept this version's chunks and no other's; empty for none."""
        self._policy_version, self._asked_ns = policy_version, None

    def ignore_before(self, tick_ns: int) -> None:
        """Refuse answers to earlier observations, and await none."""
        self._ignore_before_ns, self._asked_ns = tick_ns, None

    def asked(self, tick_ns: int) -> None:
        """An answer to the observation of this tick is awaited, and to no earlier one any more."""
        self.num_unanswered += self._asked_ns is not None
        self._asked_ns = tick_ns

    def is_waiting(self, tick_ns: int) -> bool:
        """Whether an answer may still come."""
        return self._asked_ns is not None and tick_ns - self._asked_ns < self._patience_ns

    def check(self, chunk: ActionChunk, tick_ns: int) -> Reason:
        """Why a chunk cannot be used, or NONE: then it counts as the answer awaited."""
        observed_ns = chunk.observation_stamp_ns
        if chunk.period_ns != self._period_ns or observed_ns > tick_ns:
            return Reason.MALFORMED
        if np.abs(chunk.actions).max() > _MAX_DELTA:
            return Reason.MALFORMED
        if observed_ns < self._ignore_before_ns:
            return Reason.STALE
        if tick_ns >= chunk.expires_ns:
            return Reason.EXPIRED
        if observed_ns == self._accepted_ns:
            return Reason.DUPLICATE
        if observed_ns < self._accepted_ns:
            return Reason.OUT_OF_ORDER
        if not chunk.policy_version or chunk.policy_version != self._policy_version:
            return Reason.WRONG_POLICY_VERSION
        self._accepted_ns = observed_ns
        self._asked_ns = None
        return Reason.NONE

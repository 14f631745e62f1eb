"""What becomes of a tick: orders wait for their receipts, then they are steps of an episode.

Only a receipt knows what was really sent, and it comes after the tick; so a step is written one
tick late, in the order of the ticks. A receipt that does not come in time counts as a refusal.
"""

import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from wvl_models.contract.episode import EpisodeHeader, Label, Step
from wvl_models.contract.observation import Observation
from wvl_models.contract.pose import Setpoint
from wvl_models.contract.verdict import Reason, Verdict
from wvl_robot.core.decision import Decision
from wvl_robot.ports.arm_link import SetpointReceipt, Source
from wvl_robot.ports.episode_sink import EpisodeSink

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class PendingStep:
    """A tick whose receipt has not come yet."""

    sequence: int
    observation: Observation
    decision: Decision
    decided_ns: int
    reward: float


class EpisodeRecording:
    """The episode that is being recorded, seen from the session's thread."""

    def __init__(
        self, sink: EpisodeSink, header: EpisodeHeader, target: Setpoint, patience_ns: int
    ) -> None:
        """Opens the episode; StoreError where there is no room or no permission.

        `target` is what the arm was last told to reach, `patience_ns` how long a receipt may take.
        """
        self._sink, self._patience_ns = sink, patience_ns
        self._header, self._target = header, target
        self._pending: deque[PendingStep] = deque()
        self._receipts: dict[int, SetpointReceipt] = {}
        self._rewards: list[float] = []
        self._refusals: list[Reason] = []
        self._verdict, self._reason = Verdict.PASS, Reason.NONE
        sink.start(header)

    @property
    def header(self) -> EpisodeHeader:
        """What was known before the first step."""
        return self._header

    @property
    def target(self) -> Setpoint:
        """The last setpoint that was really sent."""
        return self._target

    @property
    def num_steps(self) -> int:
        """Ticks so far, with those that are still pending."""
        return len(self._rewards)

    @property
    def num_pending(self) -> int:
        """Ticks without a receipt."""
        return len(self._pending)

    @property
    def rewards(self) -> Sequence[float]:
        """One per tick; NaN where nobody could tell."""
        return self._rewards

    @property
    def refusals(self) -> Sequence[Reason]:
        """Reasons of the refusals since the last setpoint that was sent."""
        return self._refusals

    @property
    def verdict(self) -> Verdict:
        """Of the last step that was written."""
        return self._verdict

    @property
    def reason(self) -> Reason:
        """Of the last step that was written."""
        return self._reason

    def add(self, step: PendingStep) -> None:
        """A tick was decided and ordered."""
        self._pending.append(step)
        self._rewards.append(step.reward)

    def take(self, receipts: Sequence[SetpointReceipt]) -> None:
        """Receipts that arrived; late ones and those of others are ignored."""
        wanted = {step.sequence for step in self._pending}
        for receipt in receipts:
            if receipt.sequence in wanted:
                self._target = receipt.sent
                self._receipts[receipt.sequence] = receipt

    def settle(self, now_ns: int) -> None:
        """Write the steps whose receipts are there or overdue; StoreError from the sink."""
        while self._pending:
            step = self._pending[0]
            receipt = self._receipts.pop(step.sequence, None)
            if receipt is None:
                if now_ns - step.decided_ns < self._patience_ns:
                    return
                receipt = self._lost(step, now_ns)
            self._pending.popleft()
            self._judged(receipt)
            self._sink.append(_step(step, receipt))

    def finish(self, label: Label | None) -> str:
        """Commit; returns the episode's id. StoreError where it is not safe on disk."""
        return self._sink.finish(label)

    def abort(self, reason: str) -> None:
        """Keep what was written, as ABORTED; never raises."""
        self._sink.abort(reason)

    def _judged(self, receipt: SetpointReceipt) -> None:
        self._verdict, self._reason = receipt.verdict, receipt.reason
        if receipt.verdict is Verdict.REFUSE:
            self._refusals.append(receipt.reason)
            _LOGGER.warning("setpoint %d refused: %s", receipt.sequence, receipt.reason.name)
        else:
            self._refusals.clear()

    def _lost(self, step: PendingStep, now_ns: int) -> SetpointReceipt:
        return SetpointReceipt(
            sequence=step.sequence,
            verdict=Verdict.REFUSE,
            reason=Reason.NO_SETPOINT,
            sent=step.observation.target,
            sent_ns=now_ns,
        )


def _step(pending: PendingStep, receipt: SetpointReceipt) -> Step:
    decision = pending.decision
    return Step(
        observation=pending.observation,
        decided=decision.setpoint,
        sent=receipt.sent,
        verdict=receipt.verdict,
        reason=receipt.reason,
        reward=pending.reward,
        is_intervention=decision.source is Source.INTERVENTION,
        policy_version=decision.policy_version,
        decided_ns=pending.decided_ns,
        sent_ns=receipt.sent_ns,
    )

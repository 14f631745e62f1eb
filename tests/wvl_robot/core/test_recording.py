import numpy as np
import pytest

from tests.fakes.episode_sink import FakeEpisodeSink
from tests.fakes.robot import tool_down
from wvl_models.contract.errors import StoreError
from wvl_models.contract.examples import example_header, example_observation
from wvl_models.contract.verdict import Reason, Verdict
from wvl_robot.core.decision import Decision
from wvl_robot.core.recording import EpisodeRecording, PendingStep
from wvl_robot.ports.arm_link import SetpointReceipt, Source

START = tool_down()


@pytest.fixture
def sink() -> FakeEpisodeSink:
    return FakeEpisodeSink()


@pytest.fixture
def recording(sink: FakeEpisodeSink) -> EpisodeRecording:
    return EpisodeRecording(sink, example_header(np.random.default_rng(0)), START, 300)


def pending(sequence: int, decided_ns: int = 0) -> PendingStep:
    return PendingStep(
        sequence=sequence,
        observation=example_observation(np.random.default_rng(sequence)),
        decision=Decision(setpoint=tool_down(0.5), source=Source.TELEOP),
        decided_ns=decided_ns,
        reward=0.0,
    )


def receipt(
    sequence: int, verdict: Verdict = Verdict.PASS, reason: Reason = Reason.NONE
) -> SetpointReceipt:
    return SetpointReceipt(
        sequence=sequence,
        verdict=verdict,
        reason=reason,
        sent=tool_down(0.4 + 0.01 * sequence),
        sent_ns=sequence,
    )


def test_steps_are_written_in_their_order_whatever_the_order_of_the_receipts(
    recording: EpisodeRecording, sink: FakeEpisodeSink
) -> None:
    for sequence in (1, 2, 3):
        recording.add(pending(sequence))
    recording.take([receipt(3), receipt(2)])
    recording.settle(10)
    assert sink.last.steps == []
    recording.take([receipt(1)])
    recording.settle(20)
    assert [step.sent_ns for step in sink.last.steps] == [1, 2, 3]
    assert recording.num_pending == 0


def test_the_target_is_what_was_sent_last(recording: EpisodeRecording) -> None:
    assert recording.target is START
    recording.add(pending(1))
    sent = receipt(1)
    recording.take([sent])
    assert recording.target is sent.sent


def test_receipts_of_others_are_ignored(recording: EpisodeRecording) -> None:
    recording.add(pending(1))
    recording.take([receipt(77), receipt(-1)])
    assert recording.target is START


def test_an_overdue_receipt_is_a_refusal_and_comes_too_late_afterwards(
    recording: EpisodeRecording, sink: FakeEpisodeSink
) -> None:
    recording.add(pending(1, decided_ns=1000))
    recording.settle(1299)
    assert sink.last.steps == []
    recording.settle(1300)
    step = sink.last.steps[0]
    assert (step.verdict, step.reason) == (Verdict.REFUSE, Reason.NO_SETPOINT)
    assert step.sent is step.observation.target
    recording.take([receipt(1)])
    assert recording.target is START


def test_refusals_are_counted_until_something_is_sent(recording: EpisodeRecording) -> None:
    for sequence in (1, 2, 3):
        recording.add(pending(sequence))
    recording.take([receipt(1, Verdict.REFUSE, Reason.STALE)])
    recording.settle(0)
    recording.take([receipt(2, Verdict.REFUSE, Reason.STEP_JUMP)])
    recording.settle(0)
    assert list(recording.refusals) == [Reason.STALE, Reason.STEP_JUMP]
    recording.take([receipt(3, Verdict.CLAMP, Reason.TABLE)])
    recording.settle(0)
    assert list(recording.refusals) == []


def test_a_store_that_fails_is_heard(recording: EpisodeRecording, sink: FakeEpisodeSink) -> None:
    sink.fail_at_step = 0
    recording.add(pending(1))
    recording.take([receipt(1)])
    with pytest.raises(StoreError):
        recording.settle(0)

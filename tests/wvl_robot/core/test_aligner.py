import numpy as np
import pytest

from wvl_models.contract.examples import example_frame, example_robot_state, example_setpoint
from wvl_models.contract.observation import Observation
from wvl_robot.core.aligner import Aligner, AlignerLimits, Missing, StreamBuffer

LIMITS = AlignerLimits(max_frame_age_ns=100, max_state_age_ns=50, tolerance_ns=2)


def buffer(**changes: int) -> StreamBuffer[str]:
    settings = {"max_age_ns": 100, "tolerance_ns": 0} | changes
    samples: StreamBuffer[str] = StreamBuffer(**settings)
    for stamp_ns, value in ((10, "a"), (20, "b"), (30, "c")):
        samples.push(stamp_ns, value)
    return samples


@pytest.mark.parametrize(("tick_ns", "expected"), [(9, None), (10, "a"), (29, "b"), (30, "c")])
def test_takes_the_newest_sample_not_later_than_the_tick(tick_ns: int, expected: str) -> None:
    assert buffer().sample(tick_ns) == expected


def test_a_sample_within_the_tolerance_counts_as_of_the_tick() -> None:
    assert buffer(tolerance_ns=3).sample(27) == "c"
    assert buffer(tolerance_ns=3).sample(26) == "b"


def test_an_old_sample_is_stale() -> None:
    assert buffer().sample(130) == "c"
    assert buffer().sample(131) is None


def test_a_sample_that_is_there_already_changes_nothing() -> None:
    samples = buffer()
    samples.push(30, "again")
    assert samples.sample(30) == "c"
    assert samples.num_rejected == 0


def test_a_sample_from_an_earlier_time_is_rejected_and_counted() -> None:
    samples = buffer()
    samples.push(25, "late")
    assert samples.sample(29) == "b"
    assert samples.num_rejected == 1


def test_keeps_a_bounded_number_of_samples() -> None:
    samples: StreamBuffer[int] = StreamBuffer(max_age_ns=10**9)
    for k in range(1000):
        samples.push(k, k)
    assert samples.sample(999) == 999
    assert samples.sample(900) is None


def test_an_observation_holds_what_was_newest_at_its_tick() -> None:
    rng = np.random.default_rng(0)
    aligner = Aligner(LIMITS)
    frames = [example_frame(rng, stamp_ns=t) for t in (1000, 1033, 1066)]
    states = [example_robot_state(rng, stamp_ns=t) for t in (1010, 1020, 1061)]
    for frame in frames:
        aligner.push_frame(frame)
    for state in states:
        aligner.push_state(state)
    target = example_setpoint(rng)
    seen = aligner.observe(1060, target, "lift it")
    assert isinstance(seen, Observation)
    assert seen.stamp_ns == 1060 and seen.target is target and seen.instruction == "lift it"
    assert seen.frame is frames[1]
    assert seen.robot is states[2], "1 ns late is within the tolerance"


def test_says_what_is_missing() -> None:
    rng = np.random.default_rng(0)
    aligner, target = Aligner(LIMITS), example_setpoint(rng)
    assert aligner.observe(1000, target, "") is Missing.FRAME
    aligner.push_frame(example_frame(rng, stamp_ns=1000))
    assert aligner.observe(1000, target, "") is Missing.STATE
    aligner.push_state(example_robot_state(rng, stamp_ns=1000))
    assert isinstance(aligner.observe(1050, target, ""), Observation)
    assert aligner.observe(1051, target, "") is Missing.STATE

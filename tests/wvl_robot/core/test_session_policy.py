"""A policy in the session, and a person who takes over."""

import numpy as np
import pytest

from tests.fakes.session_bench import SPEC, SessionBench
from tests.wvl_robot.core.session_scripts import assert_gave_up, brain, take_over
from wvl_models.contract.examples import example_actions
from wvl_models.contract.pose import Setpoint
from wvl_models.contract.verdict import Verdict
from wvl_robot.core.decision import PolicyPilot
from wvl_robot.core.schedule import ScheduleConfig
from wvl_robot.core.session_status import FaultKind
from wvl_robot.ports.arm_link import Source


def test_whole_chunks_of_an_instant_policy_are_lockstep_execution() -> None:
    rng = np.random.default_rng(3)
    chunks = [example_actions(rng) for _ in range(3)]
    for actions in chunks:
        actions[:, 6] = 1.0
    answers = iter(chunks)
    bench = SessionBench(
        brain=lambda observation: next(answers),
        schedule=ScheduleConfig(execute_steps=24, lead_steps=0),
    )
    start = bench.guard.target
    bench.start(max_steps=72)
    bench.ticks(75)
    target, expected = start, []
    for actions in chunks:
        for row in SPEC.integrate(target.as_row(), actions):
            expected.append(Setpoint.from_row(row).as_row())
        target = Setpoint.from_row(expected[-1])
    sent = [step.sent.as_row() for step in bench.sink.last.steps[:72]]
    np.testing.assert_array_equal(sent, expected)
    assert {step.verdict for step in bench.sink.last.steps} == {Verdict.PASS}


def test_a_policys_steps_carry_its_version() -> None:
    bench = SessionBench(brain=brain, inference_ns=150_000_000)
    bench.start(max_steps=30)
    bench.ticks(33)
    steps = bench.sink.last.steps
    assert {step.policy_version for step in steps} == {"v0001"}
    assert not any(step.is_intervention for step in steps)
    sources = [order.source for order in bench.arm.orders]
    assert sources == [Source.HOLD] * 2 + [Source.POLICY] * 28 + [Source.HOLD]
    moves = np.diff([step.sent.pose.position_m[0] for step in steps[:30]])
    assert (moves > 0).sum() == 28, "rests for the first answer and never again"


@pytest.mark.parametrize("inference_ns", [0, 130_000_000])
def test_a_person_takes_over_at_once_and_hands_back(inference_ns: int) -> None:
    bench = SessionBench(take_over, brain=brain, inference_ns=inference_ns)
    bench.start(max_steps=40)
    bench.ticks(43)
    steps = bench.sink.last.steps
    assert [k for k, step in enumerate(steps) if step.is_intervention] == list(range(10, 20))
    assert all((step.policy_version == "") == step.is_intervention for step in steps)
    sideways = [step.sent.pose.position_m[1] for step in steps]
    assert sideways[:10] == [0.0] * 10
    assert sideways[19:] == pytest.approx([0.02] * len(sideways[19:])), "goes on from there"
    assert {step.verdict for step in steps} == {Verdict.PASS}


def test_on_release_the_policy_is_asked_about_what_is_there_now() -> None:
    bench = SessionBench(take_over, brain=brain, inference_ns=130_000_000)
    assert bench.decider is not None
    bench.start(max_steps=40)
    bench.ticks(43)
    steps = bench.sink.last.steps
    after = [seen for seen in bench.decider.asked if seen.stamp_ns > steps[19].observation.stamp_ns]
    assert after[0].stamp_ns == steps[20].observation.stamp_ns
    assert after[0].target is steps[19].sent


def test_a_version_swap_stops_the_old_versions_plan_at_once() -> None:
    bench = SessionBench(brain=brain)
    assert bench.decider is not None and isinstance(bench.pilot, PolicyPilot)
    bench.start(max_steps=20)
    bench.ticks(5)
    bench.decider.policy_version = "v0002"
    bench.pilot.set_policy_version("v0002")
    bench.guard.set_policy_version("v0002")
    bench.ticks(18)
    versions = [step.policy_version for step in bench.sink.last.steps]
    assert versions == ["v0001"] * 5 + ["v0002"] * 16
    assert {step.verdict for step in bench.sink.last.steps} == {Verdict.PASS}


def test_a_chunk_of_another_version_never_moves_the_arm() -> None:
    bench = SessionBench(brain=brain, config={"max_policy_silence_s": 1.0})
    assert bench.decider is not None
    bench.decider.policy_version = "v0666"
    bench.start()
    bench.ticks(15)
    assert {order.setpoint.pose.position_m[0] for order in bench.arm.orders} == {0.48}
    assert_gave_up(bench, FaultKind.POLICY_SILENT)

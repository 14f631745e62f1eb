import numpy as np
import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.decider import FakeDecider
from tests.fakes.robot import tool_down
from tests.fakes.teleop import FakeTeleop, hands_off, push, unplugged
from wvl_models.contract.errors import ConfigError
from wvl_models.contract.examples import example_action_spec, example_observation
from wvl_models.contract.observation import Observation
from wvl_models.contract.pose import Setpoint
from wvl_models.contract.rotation import F64
from wvl_robot.core.decision import PolicyPilot, TeleopPilot, follow
from wvl_robot.core.schedule import ScheduleConfig, make_schedule
from wvl_robot.ports.arm_link import Source
from wvl_robot.ports.teleop import TeleopCommand, TeleopEvent

SPEC = example_action_spec()


def observation(stamp_ns: int = 1_000_000_000) -> Observation:
    return example_observation(np.random.default_rng(0), stamp_ns=stamp_ns)


def brain(seen: Observation) -> F64:
    return np.tile([0.001, 0, 0, 0, 0, 0, 1.0], (24, 1))


def policy_pilot(teleop: FakeTeleop | None = None, delay_ns: int = 0) -> PolicyPilot:
    decider = FakeDecider(FakeClock(), brain, delay_ns=delay_ns)
    return pilot_of(decider, teleop)


def pilot_of(decider: FakeDecider, teleop: FakeTeleop | None = None) -> PolicyPilot:
    pilot = PolicyPilot(decider, make_schedule(SPEC, ScheduleConfig()), SPEC, teleop)
    pilot.set_policy_version("v0001")
    return pilot


def test_a_command_moves_the_target_by_its_delta_and_sets_the_gripper() -> None:
    setpoint = follow(tool_down(), push(0.01, -0.02, 0.03, is_open=False), SPEC)
    assert setpoint.pose.position_m == pytest.approx([0.49, -0.02, 0.23])
    assert setpoint.gripper_open is False


def test_an_open_dead_man_holds_and_leaves_target_and_gripper() -> None:
    pilot = TeleopPilot(FakeTeleop(), SPEC)
    seen = observation()
    decision = pilot.decide(seen)
    assert decision.setpoint is seen.target
    assert decision.source is Source.HOLD


def test_buttons_count_with_the_dead_man_open_too() -> None:
    pilot = TeleopPilot(FakeTeleop(lambda step, target: hands_off(TeleopEvent.SUCCESS)), SPEC)
    assert pilot.decide(observation()).event is TeleopEvent.SUCCESS
    assert pilot.pressed(tool_down()) is TeleopEvent.SUCCESS


def test_a_person_may_rest_as_long_as_he_likes() -> None:
    assert TeleopPilot(FakeTeleop(), SPEC).silent_for_ns(10**18) == 0


def test_a_policy_needs_no_teleop() -> None:
    decision = policy_pilot().decide(observation())
    assert decision.source is Source.POLICY and decision.event is TeleopEvent.NONE


def test_buttons_count_while_the_policy_decides() -> None:
    pilot = policy_pilot(FakeTeleop(lambda step, target: hands_off(TeleopEvent.STOP)))
    decision = pilot.decide(observation())
    assert (decision.source, decision.event) == (Source.POLICY, TeleopEvent.STOP)


def test_an_intervention_is_nobodys_version() -> None:
    pilot = policy_pilot(FakeTeleop(lambda step, target: push(0.001)))
    decision = pilot.decide(observation())
    assert (decision.source, decision.policy_version) == (Source.INTERVENTION, "")


def test_nobody_holds_in_the_turn_of_the_active_version() -> None:
    pilot = policy_pilot()
    pilot.begin(None, 0)
    decision = pilot.hold(tool_down())
    assert (decision.source, decision.policy_version) == (Source.HOLD, "v0001")


def test_a_policy_that_has_nothing_to_say_lets_the_arm_hold() -> None:
    seen, pilot = observation(), policy_pilot(delay_ns=10**12)
    assert pilot.decide(seen) == pilot.hold(seen.target)


def test_silence_is_counted_from_the_last_setpoint_of_a_chunk() -> None:
    pilot = policy_pilot(delay_ns=10**12)
    pilot.begin(None, 500_000_000)
    pilot.decide(observation())
    assert pilot.silent_for_ns(1_500_000_000) == 1_000_000_000
    instant = policy_pilot()
    instant.begin(None, 500_000_000)
    instant.decide(observation())
    assert instant.silent_for_ns(1_500_000_000) == 500_000_000


def test_a_person_who_takes_over_breaks_the_silence() -> None:
    def script(step: int, target: Setpoint) -> TeleopCommand:
        return push(0.001)

    pilot = policy_pilot(FakeTeleop(script), delay_ns=10**12)
    pilot.begin(3, 0)
    pilot.decide(observation())
    assert pilot.silent_for_ns(1_000_000_000) == 0


def test_a_new_episode_does_not_go_on_with_the_plan_of_the_one_before() -> None:
    decider = FakeDecider(FakeClock(), brain)
    pilot = pilot_of(decider)
    pilot.begin(None, 0)
    seen = observation(1_000_000_000)
    assert pilot.decide(seen).setpoint is not seen.target
    decider.is_dead = True
    pilot.begin(None, 1_050_000_000)
    seen = observation(1_100_000_000)
    assert pilot.decide(seen).setpoint is seen.target


def test_nothing_begins_without_a_version() -> None:
    pilot = policy_pilot()
    pilot.set_policy_version("")
    with pytest.raises(ConfigError, match="no policy is active"):
        pilot.begin(None, 0)


def test_the_arm_holds_while_nobody_could_take_over_and_the_policy_is_asked_anew_after() -> None:
    script = [hands_off(), unplugged(), hands_off()]
    decider = FakeDecider(FakeClock(), brain)
    pilot = pilot_of(decider, FakeTeleop(lambda step, target: script[step]))
    pilot.begin(None, 0)
    first, lost, back = (observation(k * 100_000_000) for k in (1, 2, 3))
    assert pilot.decide(first).setpoint is not first.target
    decision = pilot.decide(lost)
    assert decision == pilot.hold(lost.target)
    assert pilot.silent_for_ns(lost.stamp_ns) == 0, "the policy is not to blame"
    num_asked = len(decider.asked)
    pilot.decide(back)
    assert len(decider.asked) == num_asked + 1


def test_a_chunk_that_cannot_be_used_is_counted() -> None:
    decider = FakeDecider(FakeClock(), brain, policy_version="v0002")
    pilot = pilot_of(decider)
    pilot.begin(None, 0)
    pilot.decide(observation())
    assert pilot.num_refused == 1

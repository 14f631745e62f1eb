from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.robot import tool_down
from wvl_models.contract.chunk import ActionChunk
from wvl_models.contract.config import parse_config
from wvl_models.contract.errors import ConfigError
from wvl_models.contract.examples import example_action_spec, example_actions
from wvl_models.contract.pose import Setpoint
from wvl_models.contract.rotation import F64
from wvl_models.contract.task import TaskConfig
from wvl_models.contract.verdict import Reason
from wvl_robot.core.chunk_path import average_rows, blend_rows
from wvl_robot.core.schedule import (
    EnsembleSchedule,
    Schedule,
    ScheduleConfig,
    make_schedule,
    schedule_of,
)

SPEC = example_action_spec()
PERIOD_NS = SPEC.period_ns
HOME = tool_down()
VERSION = "v1"


def tick(number: int) -> int:
    return 1_000_000_000 + number * PERIOD_NS


def forward(num_steps: int = 24, dx_m: float = 0.001, *, is_open: bool = True) -> F64:
    actions = np.zeros((num_steps, 7))
    actions[:, 0], actions[:, 6] = dx_m, float(is_open)
    return actions


def chunk(
    at: int, start: Setpoint = HOME, actions: F64 | None = None, **changes: object
) -> ActionChunk:
    good = ActionChunk(
        observation_stamp_ns=tick(at),
        period_ns=PERIOD_NS,
        expires_ns=tick(at) + 10**10,
        policy_version=VERSION,
        sequence=at,
        start=start,
        actions=forward() if actions is None else actions,
    )
    return replace(good, **changes)  # type: ignore[arg-type]


def schedule(**settings: object) -> Schedule:
    built = make_schedule(SPEC, parse_config(settings, ScheduleConfig, source="test"))
    built.expect_version(VERSION)
    return built


def x_m(setpoint: Setpoint | None) -> float:
    assert setpoint is not None
    return float(setpoint.pose.position_m[0])


def drive(
    plan: Schedule, num_ticks: int, latency: int, actions_at: dict[int, F64] | None = None
) -> tuple[list[Setpoint | None], list[int]]:
    """A policy that answers `latency` ticks later: setpoints, and ticks at which it was asked."""
    target, setpoints, asked = HOME, [], []
    coming: dict[int, ActionChunk] = {}
    for number in range(num_ticks):
        if number in coming:
            plan.offer(coming.pop(number), tick(number))
        if plan.should_ask(tick(number)):
            asked.append(number)
            plan.asked(tick(number))
            actions = (actions_at or {}).get(number, forward())
            coming[number + latency] = chunk(number, target, actions)
            if latency == 0:
                plan.offer(coming.pop(number), tick(number))
        setpoint = plan.setpoint(tick(number), target)
        setpoints.append(setpoint)
        target = setpoint or target
    return setpoints, asked


# --- the receding horizon ---


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=10)
def test_property_whole_chunks_of_an_instant_policy_are_lockstep_execution(seed: int) -> None:
    rng = np.random.default_rng(seed)
    chunks = {24 * k: example_actions(rng) for k in range(3)}
    setpoints, asked = drive(schedule(execute_steps=24, lead_steps=0), 72, 0, chunks)
    assert asked == [0, 24, 48]
    target, expected = HOME, []
    for actions in chunks.values():
        for row in SPEC.integrate(target.as_row(), actions):
            expected.append(row)
        target = Setpoint.from_row(expected[-1])
    for setpoint, row in zip(setpoints, expected, strict=True):
        assert setpoint is not None
        np.testing.assert_array_equal(setpoint.as_row(), Setpoint.from_row(row).as_row())


def test_asks_again_after_the_horizon_and_not_after_the_chunk() -> None:
    _, asked = drive(schedule(execute_steps=10, lead_steps=0), 35, 0)
    assert asked == [0, 10, 20, 30]


@pytest.mark.parametrize("latency", [0, 1, 2])
def test_asks_ahead_so_that_no_tick_is_idle(latency: int) -> None:
    setpoints, asked = drive(schedule(execute_steps=10, lead_steps=2), 60, latency)
    assert asked == [0, *range(8 + latency, 60, 10)]
    assert None not in setpoints[latency:]


def test_a_slow_answer_is_bridged_with_the_rest_of_the_chunk() -> None:
    longest = (24 - 10 + 2) // 2
    setpoints, _ = drive(schedule(execute_steps=10, lead_steps=2), 90, longest)
    assert None not in setpoints[longest:]


def test_the_arm_rests_when_the_policy_falls_silent() -> None:
    plan = schedule()
    plan.offer(chunk(0), tick(0))
    setpoints = [plan.setpoint(tick(k), HOME) for k in range(30)]
    assert None not in setpoints[:24]
    assert setpoints[24:] == [None] * 6


def test_does_not_ask_again_while_it_waits_for_an_answer() -> None:
    plan = schedule(ask_again_s=0.5)
    plan.asked(tick(0))
    assert [plan.should_ask(tick(k)) for k in range(7)] == [False] * 5 + [True] * 2


# --- dropping what is past, and when not to ---


def test_a_chunk_for_a_resting_arm_is_executed_whole() -> None:
    plan = schedule(blend_steps=2)
    plan.offer(chunk(0), tick(7))
    assert x_m(plan.setpoint(tick(7), HOME)) == pytest.approx(0.481)
    assert x_m(plan.setpoint(tick(8), HOME)) == pytest.approx(0.482)


def test_rounding_on_the_way_does_not_make_a_resting_arm_a_moving_one() -> None:
    plan = schedule()
    rounded = Setpoint.from_row(HOME.as_row() + 1e-15)
    plan.offer(chunk(0, rounded), tick(7))
    assert x_m(plan.setpoint(tick(7), HOME)) == pytest.approx(0.481)


def test_actions_that_are_past_are_dropped_by_their_time() -> None:
    plan = schedule(execute_steps=10, lead_steps=3, blend_steps=0)
    plan.offer(chunk(0), tick(0))
    target = HOME
    for k in range(10):
        target = plan.setpoint(tick(k), target) or target
    plan.offer(chunk(7, tool_down(0.487)), tick(9))
    assert x_m(plan.setpoint(tick(10), target)) == pytest.approx(0.487 + 0.004), "action 3 of 24"


def test_after_a_pause_an_arm_that_moved_goes_over_to_what_is_due_now() -> None:
    plan = schedule(execute_steps=10, lead_steps=0, blend_steps=1)
    moved = tool_down(0.50)
    plan.offer(chunk(0), tick(4))
    first = plan.setpoint(tick(4), moved)
    assert x_m(first) == pytest.approx((0.50 + 0.485) / 2), "half-way from rest to action 4"
    assert x_m(plan.setpoint(tick(5), moved)) == pytest.approx(0.486)


def test_ticks_that_jitter_or_are_missed_do_not_shift_the_chunk() -> None:
    plan = schedule()
    plan.offer(chunk(0), tick(0))
    for number, jitter_ns in ((0, 0), (1, 30_000_000), (2, -30_000_000), (5, 4_000_000)):
        setpoint = plan.setpoint(tick(number) + jitter_ns, HOME)
        assert x_m(setpoint) == pytest.approx(0.481 + 0.001 * number)


# --- blending ---


def test_goes_over_to_the_new_path_over_the_blend_steps() -> None:
    settings = {"execute_steps": 10, "lead_steps": 0, "blend_steps": 3}
    plan = schedule(**settings)
    plan.offer(chunk(0), tick(0))
    for k in range(10):
        plan.setpoint(tick(k), HOME)
    sideways = np.zeros((24, 7))
    sideways[:, 1] = 0.001
    plan.offer(chunk(10, tool_down(0.490), sideways), tick(10))
    for k, weight in enumerate([0.25, 0.5, 0.75, 1.0, 1.0]):
        setpoint = plan.setpoint(tick(10 + k), tool_down(0.490))
        assert setpoint is not None
        old, new = [0.491 + 0.001 * k, 0.0], [0.490, 0.001 * (k + 1)]
        expected = (1 - weight) * np.array(old) + weight * np.array(new)
        assert setpoint.pose.position_m[:2] == pytest.approx(expected)


def test_the_gripper_is_never_blended() -> None:
    plan = schedule(execute_steps=10, lead_steps=0, blend_steps=5)
    plan.offer(chunk(0), tick(0))
    for k in range(10):
        plan.setpoint(tick(k), HOME)
    plan.offer(chunk(10, tool_down(0.490), forward(is_open=False)), tick(10))
    setpoint = plan.setpoint(tick(10), HOME)
    assert setpoint is not None and setpoint.gripper_open is False


@given(st.integers(0, 2**32 - 1), st.integers(0, 6), st.integers(0, 3))
@settings(max_examples=25)
def test_property_no_step_of_a_blend_is_longer_than_those_of_the_paths_and_their_gap(
    seed: int, blend_steps: int, latency: int
) -> None:
    rng = np.random.default_rng(seed)
    plan = schedule(execute_steps=8, lead_steps=3, blend_steps=blend_steps)
    chunks = {k: example_actions(rng) for k in range(60)}
    setpoints, _ = drive(plan, 60, latency, chunks)
    rows = np.stack([(setpoint or HOME).as_row() for setpoint in setpoints])
    assert np.linalg.norm(np.diff(rows[latency:, :3], axis=0), axis=1).max() < 0.05


# --- which chunks may be used ---


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"policy_version": "v0"}, Reason.WRONG_POLICY_VERSION),
        ({"policy_version": ""}, Reason.WRONG_POLICY_VERSION),
        ({"expires_ns": tick(2)}, Reason.EXPIRED),
        ({"observation_stamp_ns": tick(3)}, Reason.MALFORMED),
        ({"period_ns": 50_000_000}, Reason.MALFORMED),
        ({"actions": forward(dx_m=1e308)}, Reason.MALFORMED),
    ],
)
def test_chunks_that_must_not_be_used_are_named(changes: dict[str, object], reason: Reason) -> None:
    plan = schedule()
    assert plan.offer(chunk(0, **changes), tick(2)) is reason
    assert plan.setpoint(tick(2), HOME) is None


def test_without_a_version_no_chunk_is_used() -> None:
    plan = make_schedule(SPEC, ScheduleConfig())
    assert plan.offer(chunk(0), tick(0)) is Reason.WRONG_POLICY_VERSION
    assert plan.offer(chunk(1, policy_version=""), tick(1)) is Reason.WRONG_POLICY_VERSION


def test_nothing_is_sent_once_a_chunk_has_expired() -> None:
    plan = schedule()
    plan.offer(chunk(0, expires_ns=tick(3)), tick(0))
    setpoints = [plan.setpoint(tick(k), HOME) for k in range(5)]
    assert [s is None for s in setpoints] == [False, False, False, True, True]


def test_a_late_answer_to_an_earlier_question_is_not_used() -> None:
    plan = schedule()
    assert plan.offer(chunk(5), tick(5)) is Reason.NONE
    assert plan.offer(chunk(4), tick(6)) is Reason.OUT_OF_ORDER
    assert plan.offer(chunk(5), tick(6)) is Reason.DUPLICATE


def test_a_restarted_policy_process_counts_its_answers_from_zero_and_is_heard() -> None:
    plan = schedule()
    plan.offer(chunk(5, sequence=1000), tick(5))
    assert plan.offer(chunk(6, sequence=0), tick(6)) is Reason.NONE


def test_a_new_version_takes_the_old_ones_path_away() -> None:
    plan = schedule()
    plan.offer(chunk(0), tick(0))
    assert plan.setpoint(tick(0), HOME) is not None
    plan.asked(tick(0))
    plan.expect_version("v2")
    assert plan.setpoint(tick(1), HOME) is None
    assert plan.should_ask(tick(1))
    assert plan.offer(chunk(1), tick(1)) is Reason.WRONG_POLICY_VERSION
    assert plan.offer(chunk(1, policy_version="v2"), tick(1)) is Reason.NONE


def test_after_a_restart_answers_to_what_was_seen_before_are_not_used() -> None:
    plan = schedule()
    plan.offer(chunk(0), tick(0))
    plan.asked(tick(3))
    plan.restart(tick(5))
    assert plan.setpoint(tick(5), HOME) is None
    assert plan.offer(chunk(3), tick(5)) is Reason.STALE
    assert plan.should_ask(tick(5))
    assert plan.offer(chunk(5), tick(5)) is Reason.NONE


# --- configuration ---


def test_a_horizon_that_a_chunk_cannot_cover_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="execute_steps \\+ lead_steps is 25"):
        schedule(execute_steps=20, lead_steps=5)


def test_a_lead_longer_than_the_horizon_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="lead_steps"):
        schedule(execute_steps=2, lead_steps=3)


# --- temporal ensembling ---


def test_an_ensemble_is_the_weighted_mean_of_all_chunks_that_cover_a_tick() -> None:
    plan = schedule(execute_steps=1, lead_steps=0, ensemble_decay=0.5)
    plan.offer(chunk(0), tick(0))
    assert x_m(plan.setpoint(tick(0), HOME)) == pytest.approx(0.481)
    plan.offer(chunk(1, tool_down(0.50)), tick(1))
    weights = np.exp([0.0, -0.5])
    expected = np.average([0.482, 0.501], weights=weights)
    assert x_m(plan.setpoint(tick(1), HOME)) == pytest.approx(expected)


def test_an_ensemble_takes_the_gripper_from_the_newest_chunk() -> None:
    plan = schedule(execute_steps=1, lead_steps=0, ensemble_decay=0.0)
    plan.offer(chunk(0), tick(0))
    plan.setpoint(tick(0), HOME)
    plan.offer(chunk(1, actions=forward(is_open=False)), tick(1))
    setpoint = plan.setpoint(tick(1), HOME)
    assert setpoint is not None and setpoint.gripper_open is False


def test_an_ensemble_asks_at_every_horizon_and_keeps_all_the_rules() -> None:
    plan = schedule(execute_steps=2, lead_steps=0, ensemble_decay=0.01)
    assert isinstance(plan, EnsembleSchedule)
    setpoints, asked = drive(plan, 20, 1)
    assert asked == list(range(0, 20, 2))
    assert None not in setpoints[1:]
    assert plan.offer(chunk(19, policy_version="v0"), tick(20)) is Reason.WRONG_POLICY_VERSION
    plan.restart(tick(21))
    assert plan.setpoint(tick(21), HOME) is None
    plan.offer(chunk(21), tick(21))
    plan.expect_version("v2")
    assert plan.setpoint(tick(21), HOME) is None


def test_an_ensemble_executes_the_first_chunk_of_a_resting_arm_whole() -> None:
    plan = schedule(execute_steps=1, lead_steps=0, ensemble_decay=0.01)
    plan.offer(chunk(0), tick(6))
    assert x_m(plan.setpoint(tick(6), HOME)) == pytest.approx(0.481)


# --- rows ---


def test_half_way_between_two_rows_is_half_the_way_and_half_the_turn() -> None:
    start = HOME.as_row()
    quarter = SPEC.integrate(start, np.array([[0.02, 0.0, 0.0, 0.0, 0.0, 0.4, 0.0]]))[0]
    half = SPEC.integrate(start, np.array([[0.01, 0.0, 0.0, 0.0, 0.0, 0.2, 0.0]]))[0]
    blended = Setpoint.from_row(blend_rows(start, quarter, 0.5))
    expected = Setpoint.from_row(half)
    assert blended.pose.distance_m(expected.pose) < 1e-12
    assert blended.pose.angle_rad(expected.pose) < 1e-12


def test_a_mean_rotation_does_not_care_on_which_side_of_the_sphere_quaternions_are() -> None:
    row = HOME.as_row()
    other = row.copy()
    other[3:7] *= -1
    mean = average_rows(np.stack([row, other, row]), np.ones(3))
    assert Setpoint.from_row(mean).pose.angle_rad(HOME.pose) < 1e-12


# --- what a task file asks for ---


def task(**settings: object) -> TaskConfig:
    values = {"name": "t", "instruction": "do it", "horizon_steps": 48, **settings}
    return parse_config(values, TaskConfig, source="test")


def test_a_task_that_says_nothing_replans_after_eight_steps_and_looks_ahead() -> None:
    config = schedule_of(task(), 24)
    assert (config.execute_steps, config.lead_steps, config.blend_steps) == (8, 2, 2)
    assert config.ensemble_decay is None


def test_a_task_with_whole_chunks_executes_them_as_in_training() -> None:
    config = schedule_of(task(execute_steps=24), 24)
    assert (config.execute_steps, config.lead_steps, config.blend_steps) == (24, 0, 0)


def test_every_horizon_of_a_task_makes_a_schedule() -> None:
    for steps in range(1, 25):
        assert make_schedule(SPEC, schedule_of(task(execute_steps=steps), SPEC.chunk_steps))


def test_a_task_may_ask_for_an_ensemble() -> None:
    config = schedule_of(task(execute_steps=4, ensemble_decay=0.01), 24)
    assert isinstance(make_schedule(SPEC, config), EnsembleSchedule)


@pytest.mark.parametrize("decay", [None, 0.01])
def test_an_observation_counts_as_unanswered_once_it_is_given_up(decay: float | None) -> None:
    plan = schedule(ensemble_decay=decay)
    plan.asked(tick(0))
    plan.offer(chunk(0), tick(1))
    plan.asked(tick(6))
    assert plan.num_unanswered == 0
    plan.asked(tick(16))
    assert plan.num_unanswered == 1


def test_an_observation_that_was_answered_twice_counts_once() -> None:
    plan = schedule()
    assert plan.offer(chunk(0, sequence=4), tick(1)) is Reason.NONE
    assert plan.offer(chunk(0, sequence=5), tick(1)) is Reason.DUPLICATE

"""The same Aligner and Schedule run live and on replay; the same samples give the same ticks."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from tests.fakes.robot import tool_down
from wvl_models.contract.chunk import ActionChunk
from wvl_models.contract.examples import (
    example_action_spec,
    example_actions,
    example_frame,
    example_robot_state,
)
from wvl_models.contract.observation import CameraFrame, Observation, RobotState
from wvl_robot.core.aligner import Aligner, AlignerLimits, Missing
from wvl_robot.core.schedule import Schedule, ScheduleConfig, make_schedule

SPEC = example_action_spec()
PERIOD_NS = SPEC.period_ns
NUM_TICKS = 200
LIMITS = AlignerLimits(
    max_frame_age_ns=150_000_000, max_state_age_ns=150_000_000, tolerance_ns=5_000_000
)


@dataclass(frozen=True)
class Arrival:
    """Something that reached the session, and when."""

    arrived_ns: int
    what: CameraFrame | RobotState | ActionChunk


@dataclass(frozen=True)
class Tick:
    """What a tick came to."""

    stamp_ns: int
    frame_number: int
    state_ns: int
    setpoint: tuple[float, ...] | None


class Loop:
    """Aligner and schedule between arrivals and ticks, as a session joins them."""

    def __init__(self, config: ScheduleConfig) -> None:
        self._aligner = Aligner(LIMITS)
        self._schedule: Schedule = make_schedule(SPEC, config)
        self._schedule.expect_version("v1")
        self._target = tool_down()
        self.asked: list[Observation] = []
        self.ticks: list[Tick] = []

    def take(self, arrival: Arrival) -> None:
        if isinstance(arrival.what, CameraFrame):
            self._aligner.push_frame(arrival.what)
        elif isinstance(arrival.what, RobotState):
            self._aligner.push_state(arrival.what)
        else:
            self._schedule.offer(arrival.what, arrival.arrived_ns)

    def tick(self, now_ns: int) -> None:
        seen = self._aligner.observe(now_ns, self._target, "lift it")
        if isinstance(seen, Missing):
            self.ticks.append(Tick(now_ns, -1, -1, None))
            return
        if self._schedule.should_ask(now_ns):
            self.asked.append(seen)
            self._schedule.asked(now_ns)
        setpoint = self._schedule.setpoint(now_ns, self._target)
        self._target = setpoint or self._target
        row = tuple(setpoint.as_row().tolist()) if setpoint is not None else None
        self.ticks.append(Tick(now_ns, seen.frame.frame_number, seen.robot.stamp_ns, row))


def live(seed: int, config: ScheduleConfig) -> tuple[Loop, list[Arrival], list[int]]:
    """20 s with jitter, lost frames, a policy of varying speed; and its log."""
    rng = np.random.default_rng(seed)
    loop, log = Loop(config), []
    start_ns = 10**9
    stamps = {
        example_frame: start_ns + np.cumsum(rng.integers(20, 60, 2 * NUM_TICKS)) * 1_000_000,
        example_robot_state: start_ns + np.cumsum(rng.integers(5, 25, 6 * NUM_TICKS)) * 1_000_000,
    }
    coming: list[Arrival] = []
    for make, times in stamps.items():
        make_one: Callable[..., CameraFrame | RobotState] = make
        for stamp_ns in times.tolist():
            if rng.uniform() < 0.03:
                continue
            size = {"width": 4, "height": 4} if make is example_frame else {}
            what = make_one(rng, stamp_ns=stamp_ns, **size)
            coming.append(Arrival(stamp_ns + int(rng.integers(0, 6_000_000)), what))
    coming.sort(key=lambda arrival: arrival.arrived_ns)
    ticks = []
    for number in range(1, NUM_TICKS):
        now_ns = start_ns + number * PERIOD_NS + int(rng.integers(0, 4_000_000))
        while coming and coming[0].arrived_ns <= now_ns:
            log.append(coming.pop(0))
            loop.take(log[-1])
        num_asked = len(loop.asked)
        loop.tick(now_ns)
        ticks.append(now_ns)
        for seen in loop.asked[num_asked:]:
            thought_ns = int(rng.integers(20_000_000, 900_000_000))
            coming.append(Arrival(now_ns + thought_ns, answer(rng, seen)))
            coming.sort(key=lambda arrival: arrival.arrived_ns)
    return loop, log, ticks


def answer(rng: np.random.Generator, seen: Observation) -> ActionChunk:
    return ActionChunk(
        observation_stamp_ns=seen.stamp_ns,
        period_ns=PERIOD_NS,
        expires_ns=seen.stamp_ns + 24 * PERIOD_NS,
        policy_version="v1",
        sequence=0,
        start=seen.target,
        actions=example_actions(rng),
    )


def replay(log: list[Arrival], ticks: list[int], config: ScheduleConfig) -> Loop:
    """The log again, with nothing but its stamps."""
    loop, arrivals = Loop(config), iter(log)
    arrival = next(arrivals, None)
    for now_ns in ticks:
        while arrival is not None and arrival.arrived_ns <= now_ns:
            loop.take(arrival)
            arrival = next(arrivals, None)
        loop.tick(now_ns)
    return loop


@pytest.mark.parametrize(
    "config",
    [
        ScheduleConfig(),
        ScheduleConfig(execute_steps=24, lead_steps=0),
        ScheduleConfig(execute_steps=2, ensemble_decay=0.01),
    ],
)
def test_a_replay_sees_and_sends_what_the_session_saw_and_sent(config: ScheduleConfig) -> None:
    loop, log, ticks = live(5, config)
    again = replay(log, ticks, config)
    assert again.ticks == loop.ticks
    assert [seen.stamp_ns for seen in again.asked] == [seen.stamp_ns for seen in loop.asked]
    assert sum(tick.setpoint is not None for tick in loop.ticks) > NUM_TICKS // 2


def test_samples_that_arrived_too_late_for_their_tick_are_not_seen_on_replay_either() -> None:
    loop, log, ticks = live(6, ScheduleConfig())
    frames = [a for a in log if isinstance(a.what, CameraFrame)]
    late = 0
    for tick in loop.ticks:
        newest = max(
            (a for a in frames if a.what.stamp_ns <= tick.stamp_ns),
            key=lambda a: a.what.stamp_ns,
            default=None,
        )
        late += newest is not None and newest.arrived_ns > tick.stamp_ns
    assert late > 2, "the log holds the case"
    assert replay(log, ticks, ScheduleConfig()).ticks == loop.ticks

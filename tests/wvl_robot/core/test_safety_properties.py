"""Whatever comes in, nothing outside the limits goes out."""

import math
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wvl_robot.core.gate_orders import (
    HOME,
    LIFETIME_NS,
    LIMITS,
    PERIOD_NS,
    PERIOD_S,
    TOLERANCE,
    angle_rad,
    gate_at,
    judge,
    order,
    row,
    tilt_rad,
)
from wvl_models.contract import rotation
from wvl_robot.core.approach import ARRIVAL_MPS, DECELERATION_MPS2
from wvl_robot.core.raw_order import RawOrder, Row


def assert_within_limits(sent: Row, previous: Row) -> None:
    assert all(map(math.isfinite, sent))
    low, high = np.array(LIMITS.workspace_low_m), np.array(LIMITS.workspace_high_m)
    position = np.array(sent[:3])
    assert (low - TOLERANCE <= position).all() and (position <= high + TOLERANCE).all()
    assert position[2] >= LIMITS.table_height_m + LIMITS.tool_clearance_m - TOLERANCE
    assert tilt_rad(sent) <= LIMITS.max_tilt_rad + TOLERANCE
    bottom = np.array([*low[:2], max(low[2], LIMITS.table_height_m + LIMITS.tool_clearance_m)])
    speed_mps = (position - previous[:3]) / PERIOD_S
    room_m = np.where(speed_mps > 0, high - position, position - bottom)
    assert (speed_mps**2 <= ARRIVAL_MPS**2 + 2 * DECELERATION_MPS2 * room_m + 1e-6).all()
    step_m = float(np.linalg.norm(position - previous[:3]))
    assert step_m <= LIMITS.max_linear_mps * PERIOD_S + TOLERANCE
    assert angle_rad(sent, previous) <= LIMITS.max_angular_radps * PERIOD_S + TOLERANCE
    assert sent[7] in (0.0, 1.0)


anything = st.one_of(
    st.none(),
    st.booleans(),
    st.text(max_size=3),
    st.integers(),
    st.floats(),
    st.binary(max_size=9),
    st.lists(st.one_of(st.floats(), st.integers(), st.none()), max_size=9),
)
wild_floats = st.one_of(st.floats(), st.sampled_from([1e9, -1e9, 1e308, 5e-324]))
wild_rows = st.lists(wild_floats, min_size=8, max_size=8)
near_positions = st.tuples(st.floats(0.2, 0.75), st.floats(-0.38, 0.38), st.floats(-0.08, 0.52))
turns = st.tuples(st.floats(-0.8, 0.8), st.floats(-0.8, 0.8), st.floats(-3.2, 3.2))
near_rows = st.builds(
    lambda p, t, g: row(*p, turn=t, gripper=g),
    near_positions,
    turns,
    st.sampled_from([0.0, 1.0, 0.49, 0.5]),
)


@given(st.tuples(anything, anything, anything, anything, anything, anything), st.integers(0))
def test_no_wire_data_raises_or_reaches_the_arm(parts: tuple[object, ...], now_ns: int) -> None:
    sequence, stamp_ns, expires_ns, wire_row, source, version = parts
    raw = RawOrder(
        sequence=sequence,
        stamp_ns=stamp_ns,
        expires_ns=expires_ns,
        row=wire_row,
        source=source,
        policy_version=version,
    )
    assert gate_at().judge(raw, now_ns, is_ready=True).row is None


@given(near_rows, st.one_of(wild_rows, near_rows))
@settings(max_examples=500)
def test_one_order_from_anywhere(start: Row, wanted: list[float] | Row) -> None:
    judgement = judge(gate_at(start), order(row=wanted))
    if judgement.row is not None:
        assert_within_limits(judgement.row, start)


steps = st.tuples(
    st.tuples(*[st.floats(-0.06, 0.06)] * 3),
    st.tuples(*[st.floats(-0.12, 0.12)] * 3),
    st.booleans(),
    st.integers(-200_000_000, 400_000_000),
    st.integers(-3, 20),
    st.integers(0, 200_000_000),
)


@given(st.lists(steps, min_size=5, max_size=40))
@settings(max_examples=150)
def test_a_walk_along_the_limits(walk: list[tuple[Any, ...]]) -> None:
    """Steps that add up, so that box, cone and speed meet; stamps and counters that jump."""
    gate, previous = gate_at(), HOME
    sequence, stamp_ns, now_ns = 1, PERIOD_NS, PERIOD_NS
    for move, turn, is_open, dt_ns, dn, age_ns in walk:
        sequence, stamp_ns = max(0, sequence + dn), max(0, stamp_ns + dt_ns)
        now_ns = max(now_ns, stamp_ns + age_ns)
        x, y, z = (np.array(previous[:3]) + move).tolist()
        q = rotation.multiply(rotation.from_rotvec(np.array(turn)), np.array(previous[3:7]))
        raw = RawOrder(
            sequence=sequence,
            stamp_ns=stamp_ns,
            expires_ns=stamp_ns + LIFETIME_NS,
            row=[x, y, z, *q.tolist(), float(is_open)],
            source="teleop",
            policy_version="",
        )
        judgement = gate.judge(raw, now_ns, is_ready=True)
        if judgement.row is not None:
            assert_within_limits(judgement.row, previous)
            gate.confirm(judgement)
            previous = judgement.row


@given(st.lists(st.tuples(st.integers(1, 200_000_000), st.floats(-0.07, 0.07)), min_size=2))
@settings(max_examples=150)
def test_the_speed_over_time_keeps_to_the_limit(walk: list[tuple[int, float]]) -> None:
    """However often orders come, the way made good is bounded by the time that has passed."""
    gate, x, now_ns, way_m = gate_at(), 0.48, PERIOD_NS, 0.0
    for number, (dt_ns, dx) in enumerate(walk):
        now_ns += dt_ns
        raw = order(number + 1, stamp_ns=now_ns, expires_ns=now_ns + LIFETIME_NS, row=row(x + dx))
        judgement = judge(gate, raw)
        if judgement.row is not None:
            way_m += abs(judgement.row[0] - x)
            x = judgement.row[0]
    time_s = (now_ns - PERIOD_NS) * 1e-9 + PERIOD_S
    assert way_m <= LIMITS.max_linear_mps * time_s / 0.9 + TOLERANCE

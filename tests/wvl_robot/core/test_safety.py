import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wvl_models.contract import rotation
from wvl_models.contract.errors import ConfigError
from wvl_models.contract.pose import Setpoint
from wvl_models.contract.verdict import Reason, Verdict
from wvl_robot.core.approach import ARRIVAL_MPS, DECELERATION_MPS2
from wvl_robot.core.raw_order import RawOrder, Row
from wvl_robot.core.safety import Judgement, SafetyGate
from wvl_robot.rig.limits import SafetyLimits

LIMITS = SafetyLimits(workspace_low_m=(0.28, -0.3, 0.0), workspace_high_m=(0.68, 0.3, 0.45))
PERIOD_S = 0.1
PERIOD_NS = 100_000_000
LIFETIME_NS = 150_000_000
HOME: Row = (0.48, 0.0, 0.2, 1.0, 0.0, 0.0, 0.0, 1.0)
TOLERANCE = 1e-8


def gate_at(row: Row = HOME) -> SafetyGate:
    gate = SafetyGate(LIMITS, PERIOD_S)
    gate.resync(row)
    return gate


def order(tick: int = 1, **changes: Any) -> RawOrder:
    """A good order of tick number `tick`: stay where you are."""
    good = RawOrder(
        sequence=tick,
        stamp_ns=tick * PERIOD_NS,
        expires_ns=tick * PERIOD_NS + LIFETIME_NS,
        row=list(HOME),
        source="teleop",
        policy_version="",
    )
    return replace(good, **changes)


def row(
    x: float = 0.48,
    y: float = 0.0,
    z: float = 0.2,
    *,
    turn: tuple[float, float, float] = (0.0, 0.0, 0.0),
    gripper: float = 1.0,
) -> Row:
    """A row that is `turn` (rotation vector in base) away from tool straight down."""
    q = rotation.multiply(rotation.from_rotvec(np.array(turn)), np.array([1.0, 0.0, 0.0, 0.0]))
    qx, qy, qz, qw = q.tolist()
    return (x, y, z, qx, qy, qz, qw, gripper)


def judge(gate: SafetyGate, raw: RawOrder, *, is_ready: bool = True) -> Judgement:
    """Judged the moment it was decided, and sent where allowed."""
    now_ns = raw.stamp_ns if type(raw.stamp_ns) is int else 0
    judgement = gate.judge(raw, now_ns, is_ready=is_ready)
    if judgement.row is not None:
        gate.confirm(judgement)
    return judgement


def answer(judgement: Judgement) -> tuple[Verdict, Reason]:
    return judgement.verdict, judgement.reason


def angle_rad(a: Row, b: Row) -> float:
    return Setpoint.from_row(np.array(a)).pose.angle_rad(Setpoint.from_row(np.array(b)).pose)


def tilt_rad(a: Row) -> float:
    tool = Setpoint.from_row(np.array(a)).pose.matrix()[:3, 2]
    return math.atan2(math.hypot(tool[0], tool[1]), -tool[2])


# --- what passes ---


def test_a_small_step_passes_untouched() -> None:
    wanted = row(0.49, 0.01, 0.19, turn=(0.02, 0.0, 0.03), gripper=0.0)
    judgement = judge(gate_at(), order(row=wanted))
    assert answer(judgement) == (Verdict.PASS, Reason.NONE)
    assert judgement.row == wanted


def test_a_step_at_the_speed_limit_passes() -> None:
    assert answer(judge(gate_at(), order(row=row(0.48 + 0.025)))) == (Verdict.PASS, Reason.NONE)


def test_the_deadline_is_the_orders_own_expiry() -> None:
    judgement = judge(gate_at(), order(expires_ns=PERIOD_NS + 70_000_000))
    assert judgement.deadline_ns == PERIOD_NS + 70_000_000


def test_an_order_that_claims_a_long_life_is_held_after_its_age_limit() -> None:
    judgement = judge(gate_at(), order(expires_ns=10**15))
    assert judgement.deadline_ns == PERIOD_NS + 150_000_000


# --- what is refused ---


@pytest.mark.parametrize(
    "changes",
    [
        {"sequence": None},
        {"sequence": 1.0},
        {"sequence": True},
        {"sequence": -1},
        {"sequence": 1 << 63},
        {"expires_ns": 10**40},
        {"row": None},
        {"row": "12345678"},
        {"row": [0.5] * 7},
        {"row": [0.5] * 9},
        {"row": [*HOME[:7], "1"]},
        {"row": [*HOME[:7], True]},
        {"row": [*HOME[:7], 2.0]},
        {"row": [10**400, *HOME[1:]]},
        {"row": np.array(HOME, dtype=np.float32)},
        {"row": np.array([HOME] * 8)},
        {"row": [*HOME[:3], 0.0, 0.0, 0.0, 0.0, 1.0]},
        {"row": [*HOME[:3], 1.01, 0.0, 0.0, 0.0, 1.0]},
        {"source": "somebody"},
        {"source": ["teleop"]},
        {"policy_version": None},
    ],
)
def test_malformed_orders_are_refused_and_not_raised(changes: dict[str, Any]) -> None:
    assert answer(judge(gate_at(), order(**changes))) == (Verdict.REFUSE, Reason.MALFORMED)


def test_a_stamp_from_the_future_is_malformed() -> None:
    judgement = gate_at().judge(order(), PERIOD_NS - 1, is_ready=True)
    assert answer(judgement) == (Verdict.REFUSE, Reason.MALFORMED)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("column", range(8))
def test_what_is_not_finite_is_refused(value: float, column: int) -> None:
    bad = list(HOME)
    bad[column] = value
    assert answer(judge(gate_at(), order(row=bad))) == (Verdict.REFUSE, Reason.NOT_FINITE)


def test_a_stale_order_is_refused() -> None:
    raw = order(expires_ns=10**12)
    assert gate_at().judge(raw, PERIOD_NS + 150_000_000, is_ready=True).verdict is Verdict.PASS
    judgement = gate_at().judge(raw, PERIOD_NS + 150_000_001, is_ready=True)
    assert answer(judgement) == (Verdict.REFUSE, Reason.STALE)


def test_an_order_is_refused_from_its_expiry_on() -> None:
    raw = order(expires_ns=PERIOD_NS + 50)
    assert gate_at().judge(raw, PERIOD_NS + 49, is_ready=True).verdict is Verdict.PASS
    assert gate_at().judge(raw, PERIOD_NS + 50, is_ready=True).reason is Reason.EXPIRED


def test_a_repeated_sequence_number_is_a_duplicate() -> None:
    gate = gate_at()
    judge(gate, order(5))
    again = judge(gate, order(6, sequence=5))
    assert answer(again) == (Verdict.REFUSE, Reason.DUPLICATE)


def test_a_smaller_sequence_number_is_out_of_order() -> None:
    gate = gate_at()
    judge(gate, order(5))
    earlier = judge(gate, order(6, sequence=4))
    assert answer(earlier) == (Verdict.REFUSE, Reason.OUT_OF_ORDER)


def test_two_orders_for_one_tick_are_out_of_order() -> None:
    gate = gate_at()
    judge(gate, order(5))
    second = judge(gate, order(5, sequence=6))
    assert answer(second) == (Verdict.REFUSE, Reason.OUT_OF_ORDER)


def test_a_refused_order_cannot_be_repeated_either() -> None:
    gate = gate_at()
    judge(gate, order(5, row=row(0.60)))
    assert judge(gate, order(6, sequence=5)).reason is Reason.DUPLICATE


def test_a_stale_order_with_a_huge_counter_does_not_block_what_follows() -> None:
    gate = gate_at()
    gate.judge(order(sequence=(1 << 63) - 1), 10 * PERIOD_NS, is_ready=True)
    assert judge(gate, order(11)).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("source", "version", "is_good"),
    [
        ("policy", "v2", True),
        ("policy", "v1", False),
        ("policy", "", False),
        ("teleop", "", True),
        ("teleop", "v2", False),
        ("intervention", "", True),
    ],
)
def test_only_the_active_version_may_send_a_policys_orders(
    source: str, version: str, is_good: bool
) -> None:
    gate = gate_at()
    gate.expect_version("v2")
    judgement = judge(gate, order(source=source, policy_version=version))
    assert judgement.reason is (Reason.NONE if is_good else Reason.WRONG_POLICY_VERSION)


def test_no_policy_may_send_anything_before_a_version_is_active() -> None:
    judgement = judge(gate_at(), order(source="policy", policy_version=""))
    assert answer(judgement) == (Verdict.REFUSE, Reason.WRONG_POLICY_VERSION)


def test_an_arm_that_is_not_ready_gets_nothing() -> None:
    judgement = judge(gate_at(), order(), is_ready=False)
    assert answer(judgement) == (Verdict.REFUSE, Reason.ROBOT_NOT_READY)


def test_nothing_passes_before_the_pose_is_known() -> None:
    judgement = judge(SafetyGate(LIMITS, PERIOD_S), order())
    assert answer(judgement) == (Verdict.REFUSE, Reason.ROBOT_NOT_READY)


@pytest.mark.parametrize(
    "wanted", [row(0.48 + 0.0751), row(1e9), row(turn=(0.0, 0.0, 0.151)), row(-1e308, 1e308)]
)
def test_a_jump_is_refused_and_not_clamped(wanted: Row) -> None:
    assert answer(judge(gate_at(), order(row=wanted))) == (Verdict.REFUSE, Reason.STEP_JUMP)


def test_an_arm_outside_its_box_must_go_home_first() -> None:
    far = row(0.80)
    judgement = judge(gate_at(far), order(row=row(0.79)))
    assert answer(judgement) == (Verdict.REFUSE, Reason.WORKSPACE)


def test_an_arm_a_little_outside_its_box_may_come_back() -> None:
    judgement = judge(gate_at(row(0.69)), order(row=row(0.685)))
    assert answer(judgement) == (Verdict.CLAMP, Reason.WORKSPACE)
    assert judgement.row is not None and judgement.row[0] == 0.68


# --- what is clamped ---


def test_the_workspace_is_a_box() -> None:
    judgement = judge(gate_at(row(0.678, 0.298)), order(row=row(0.69, 0.31)))
    assert answer(judgement) == (Verdict.CLAMP, Reason.WORKSPACE)
    assert judgement.row is not None and judgement.row[:2] == (0.68, 0.3)


def test_the_tool_stays_above_the_table() -> None:
    judgement = judge(gate_at(row(z=0.0135)), order(row=row(z=0.005)))
    assert answer(judgement) == (Verdict.CLAMP, Reason.TABLE)
    assert judgement.row is not None and judgement.row[2] == 0.012


def test_a_wall_and_the_table_are_approached_no_faster_than_the_arm_can_stop() -> None:
    """Setpoints in the box at full speed, and a table that is hit (core/approach.py)."""
    wall = judge(gate_at(row(0.65)), order(row=row(0.674)))
    assert answer(wall) == (Verdict.CLAMP, Reason.WORKSPACE)
    assert wall.row is not None and 0.655 < wall.row[0] < 0.67
    table = judge(gate_at(row(z=0.04)), order(row=row(z=0.016)))
    assert answer(table) == (Verdict.CLAMP, Reason.TABLE)
    assert table.row is not None and 0.02 < table.row[2] < 0.035
    away = judge(gate_at(row(z=0.012)), order(row=row(z=0.036)))
    assert answer(away) == (Verdict.PASS, Reason.NONE)


def test_an_order_to_hold_sends_nothing_wherever_it_points() -> None:
    gate = gate_at()
    held = judge(gate, order(1, row=row(9.0), source="hold", policy_version="v9"))
    assert (held.verdict, held.reason, held.row) == (Verdict.PASS, Reason.NO_SETPOINT, None)
    again = judge(gate, order(1, row=row(0.49)))
    assert answer(again) == (Verdict.REFUSE, Reason.DUPLICATE), "it counts like any other"
    refused = judge(gate, order(2, source="hold"), is_ready=False)
    assert answer(refused) == (Verdict.REFUSE, Reason.ROBOT_NOT_READY)


def test_a_fast_step_is_shortened_along_its_way() -> None:
    judgement = judge(gate_at(), order(row=row(0.48 + 0.03, 0.04)))
    assert answer(judgement) == (Verdict.CLAMP, Reason.LINEAR_SPEED)
    assert judgement.row is not None
    assert judgement.row[:3] == pytest.approx((0.48 + 0.015, 0.02, 0.2))


def test_a_fast_turn_is_shortened_along_its_way() -> None:
    judgement = judge(gate_at(), order(row=row(turn=(0.0, 0.0, 0.14))))
    assert answer(judgement) == (Verdict.CLAMP, Reason.ANGULAR_SPEED)
    assert judgement.row is not None
    assert judgement.row == pytest.approx(row(turn=(0.0, 0.0, 0.1)))


def test_a_tilted_tool_is_brought_back_into_the_cone() -> None:
    judgement = judge(gate_at(row(turn=(0.55, 0.0, 0.0))), order(row=row(turn=(0.63, 0.0, 0.0))))
    assert answer(judgement) == (Verdict.CLAMP, Reason.ORIENTATION)
    assert judgement.row is not None
    assert judgement.row == pytest.approx(row(turn=(0.6, 0.0, 0.0)), abs=1e-9)


def test_a_shortened_turn_along_the_edge_of_the_cone_stays_inside_and_goes_on() -> None:
    """Half-way between two orientations on the edge lies one outside it (found by search)."""
    start = (*HOME[:3], 0.955336489125606, 0.0, -0.2905169450888764, 0.054148842659724604, 1.0)
    wanted = (
        *HOME[:3],
        0.9524091882822852,
        -0.07472981687598329,
        -0.2904435160254424,
        0.054541328769469544,
        1.0,
    )
    judgement = judge(gate_at(start), order(row=wanted))
    assert answer(judgement) == (Verdict.CLAMP, Reason.ANGULAR_SPEED)
    assert judgement.row is not None
    assert 0.095 < angle_rad(start, judgement.row) <= 0.1
    assert tilt_rad(judgement.row) <= 0.6 + TOLERANCE


def test_the_gripper_may_not_flutter() -> None:
    gate = gate_at()
    assert judge(gate, order(1, row=row(gripper=0.0))).verdict is Verdict.PASS
    too_soon = judge(gate, order(2, row=row(gripper=1.0)))
    assert answer(too_soon) == (Verdict.CLAMP, Reason.GRIPPER_RATE)
    assert too_soon.row is not None and too_soon.row[7] == 0.0
    assert answer(judge(gate, order(4, row=row(gripper=1.0)))) == (Verdict.PASS, Reason.NONE)


def test_the_first_reason_is_the_one_on_record() -> None:
    wanted = row(0.5, 0.33, turn=(0.0, 0.0, 0.14))
    judgement = judge(gate_at(row(0.5, 0.27)), order(row=wanted))
    assert judgement.reason is Reason.WORKSPACE
    assert judgement.row is not None
    assert angle_rad(judgement.row, HOME) == pytest.approx(0.1), "the others hold as well"


def test_orders_in_quick_succession_share_one_periods_way() -> None:
    gate = gate_at()
    judge(gate, order(1, row=row(0.49)))
    soon_ns = PERIOD_NS + 10_000_000
    judgement = judge(
        gate, order(2, stamp_ns=soon_ns, expires_ns=soon_ns + LIFETIME_NS, row=row(0.51))
    )
    assert answer(judgement) == (Verdict.CLAMP, Reason.LINEAR_SPEED)
    assert judgement.row is not None
    assert judgement.row[0] == pytest.approx(0.4925), "10 ms at 0.25 m/s"


def test_after_a_resync_the_measured_pose_counts() -> None:
    gate = gate_at()
    gate.resync(row(0.6))
    assert judge(gate, order(row=row(0.6))).verdict is Verdict.PASS
    assert judge(gate, order(2, row=row(0.48))).reason is Reason.STEP_JUMP


def test_a_workspace_below_its_own_table_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="table_height_m"):
        SafetyGate(LIMITS.model_copy(update={"table_height_m": 0.5}), PERIOD_S)


# --- the property: whatever comes in, nothing outside the limits goes out ---


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
def test_property_no_wire_data_raises_or_reaches_the_arm(
    parts: tuple[object, ...], now_ns: int
) -> None:
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
def test_property_one_order_from_anywhere(start: Row, wanted: list[float] | Row) -> None:
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
def test_property_a_walk_along_the_limits(walk: list[tuple[Any, ...]]) -> None:
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
def test_property_the_speed_over_time_keeps_to_the_limit(walk: list[tuple[int, float]]) -> None:
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

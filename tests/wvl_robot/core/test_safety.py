import math
from typing import Any

import numpy as np
import pytest

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
from wvl_models.contract.errors import ConfigError
from wvl_models.contract.verdict import Reason, Verdict
from wvl_robot.core.raw_order import Row
from wvl_robot.core.safety import Judgement, SafetyGate


def answer(judgement: Judgement) -> tuple[Verdict, Reason]:
    return judgement.verdict, judgement.reason


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

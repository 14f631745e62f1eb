"""Row 6: fuzzed orders through the safety gate; what it lets out is judged apart from it."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from wvl_models.contract.verdict import Verdict
from wvl_robot.core.safety import SafetyGate
from wvl_robot.faults.order_fuzz import (
    LIFETIME_NS,
    PERIOD_NS,
    VERSION,
    FuzzedOrder,
    OrderFuzz,
    broken_limits,
)
from wvl_robot.faults.plain_row import PlainRow
from wvl_robot.faults.promise import promise
from wvl_robot.faults.trial import FaultRow, RowPlan
from wvl_robot.rig.config import load_rig
from wvl_robot.share import share_folder

NUM_ORDERS = 100_000

START_ROW = (0.46, 0.0, 0.2, 1.0, 0.0, 0.0, 0.0, 1.0)

PLAN = RowPlan(
    number=6,
    title=f"fuzzed orders, {NUM_ORDERS} through the gate",
    pass_line="nothing outside the limits comes out; what must be refused is",
    kinds=("gate",),
    per_change=10,
    nightly=1000,
    in_suite=1,
)


def _attempt(kind: str, seed: int, folder: Path) -> Mapping[str, float]:
    """`NUM_ORDERS` orders through a new gate."""
    rng = np.random.default_rng(seed)
    limits = load_rig(share_folder(), "virtual").safety
    gate = SafetyGate(limits, PERIOD_NS * 1e-9)
    gate.resync(START_ROW)
    gate.expect_version(VERSION)
    fuzz, row = OrderFuzz(limits, rng, reach_m=0.012), START_ROW
    rows, stamps_ns, num_clamped = [row], [0], 0
    for draw, now_ns in fuzz.draw(NUM_ORDERS, 10**12):
        order = fuzz.order(draw, now_ns, row)
        judgement = gate.judge(order.raw, now_ns, is_ready=True)
        if judgement.row is None:
            continue
        promise(not order.must_be_refused, _told(order))
        promise(judgement.deadline_ns <= now_ns + LIFETIME_NS, "an order would be used too long")
        gate.confirm(judgement)
        row = judgement.row
        num_clamped += judgement.verdict is Verdict.CLAMP
        rows.append(row)
        stamps_ns.append(judgement.stamp_ns)
    times_s = np.diff(np.array(stamps_ns), prepend=0) * 1e-9
    broken = broken_limits(np.array(rows), times_s, limits)
    promise(not broken, broken)
    promise(len(rows) > 0.2 * NUM_ORDERS, "hardly anything passed: the fuzz has lost its grip")
    return {"orders": NUM_ORDERS, "sent": len(rows) - 1, "clamped": num_clamped}


def _told(order: FuzzedOrder) -> str:
    return f"an order that is wrong by '{order.way}' was let through: {order.raw}"


def open_row() -> FaultRow:
    """See `rows`."""
    return PlainRow(PLAN, _attempt)

"""Row 6, end to end: fuzzed orders to the real adapter at the real robot protocol."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from wvl_models.contract.verdict import Verdict
from wvl_robot.adapters.franka import FrankaArm
from wvl_robot.adapters.system_clock import SystemClock
from wvl_robot.core.arm_guard import ArmGuard, ArmState
from wvl_robot.faults.order_fuzz import PERIOD_NS, VERSION, OrderFuzz, broken_limits
from wvl_robot.faults.places import own_loopback
from wvl_robot.faults.promise import judge, promise
from wvl_robot.faults.stall import despite_stalls
from wvl_robot.faults.trial import FaultRow, RowPlan, Trial
from wvl_robot.rig.limits import SafetyLimits
from wvl_robot.share import share_folder
from wvl_robot.virtual.cell import CellProcess, cell_config

NUM_ORDERS = 100

WATCH_NS = 5_000_000
"""Between two looks of the watchdog, as in the robot node."""

PLAN = RowPlan(
    number=6,
    title=f"fuzzed orders, {NUM_ORDERS} to the arm",
    pass_line="nothing outside the limits reaches the arm, no reflex, no limit of the robot broken",
    kinds=("arm",),
    per_change=10,
    nightly=100,
    in_suite=3,
)


class ArmRow:
    """Cell, adapter and guard in this process, shared by the trials."""

    plan = PLAN

    def __init__(self) -> None:
        self._config = cell_config(
            share_folder(), "lift_cube", "virtual", own_loopback(), with_camera=False
        )
        self._cell = CellProcess(self._config)
        self._num_violations = self._num_lost = 0
        try:
            self._arm = self._connect()
        except BaseException:
            self._cell.close()
            raise

    def run(self, kind: str, seed: int, folder: Path) -> Trial:
        """`NUM_ORDERS` orders; those that move the arm at the session's rate."""
        return judge(
            PLAN,
            kind,
            seed,
            lambda: despite_stalls(
                self, lambda: self._attempt(np.random.default_rng(seed)), may_stop=False
            ),
        )

    def close(self) -> None:
        """Disconnect, and end the cell."""
        self._arm.close()
        self._cell.close()

    def num_lost_cycles(self) -> int:
        """See `Struck`."""
        return self._cell.report().num_lost_cycles

    def faults(self) -> str:
        """See `Struck`."""
        return self._arm.fault or ""

    def make_ready(self) -> None:
        """See `Struck`."""
        if not self._arm.read().mode.is_commandable or self._arm.fault is not None:
            self._arm.recover()

    def _connect(self) -> FrankaArm:
        rig = self._config.rig
        return FrankaArm(rig.robot, rig.gripper, SystemClock())

    def _attempt(self, rng: np.random.Generator) -> Mapping[str, float]:
        rig, clock = self._config.rig, SystemClock()
        limits, width_m = rig.safety, rig.gripper.open_width_m
        self.make_ready()
        self._arm.go_home()
        guard = ArmGuard(self._arm, clock, limits, period_s=PERIOD_NS * 1e-9, open_width_m=width_m)
        guard.set_policy_version(VERSION)
        fuzz = OrderFuzz(limits, rng, reach_m=0.012)
        row = tuple(guard.target.as_row().tolist())
        rows, stamps_ns, num_sent, num_recoveries = [row], [0], 0, 0
        num_lost_before = self._num_lost
        for draw, _ in fuzz.draw(NUM_ORDERS, 0):
            now_ns = clock.now_ns()
            order = fuzz.order(draw, now_ns, row)
            receipt = guard.on_raw(order.raw)
            if guard.state is ArmState.FAULT:
                self._promise_a_busy_machine(f"'{order.way}' led to: {guard.fault}")
                num_recoveries += 1
                guard.recover()
                _check_limits(rows, stamps_ns, limits)
                row = tuple(guard.target.as_row().tolist())
                rows, stamps_ns = [row], [0]
                continue
            if receipt.verdict is not Verdict.REFUSE:
                num_sent += 1
                promise(not order.must_be_refused, f"'{order.way}' reached the arm: {order.raw}")
                row = tuple(receipt.sent.as_row().tolist())
                rows.append(row)
                stamps_ns.append(now_ns)
                next_ns = now_ns + PERIOD_NS  # whatever is wrong comes in between, at any rate
                while clock.now_ns() < next_ns:
                    clock.sleep_until_ns(min(next_ns, clock.now_ns() + WATCH_NS))
                    guard.watch()
        _check_limits(rows, stamps_ns, limits)
        self._check_robot()
        return {
            "orders": NUM_ORDERS,
            "sent": num_sent,
            "recoveries": num_recoveries,
            "lost_cycles": self._num_lost - num_lost_before,
        }

    def _check_robot(self) -> None:
        report = self._cell.report()
        promise(not report.unenforced, f"not enforced: {report.unenforced}")
        if len(report.violations) > self._num_violations:
            self._promise_a_busy_machine(f"the robot complained: {report.violations[-1]}")
        self._num_violations, self._num_lost = len(report.violations), report.num_lost_cycles

    def _promise_a_busy_machine(self, otherwise: str) -> None:
        """A reflex is no order's doing where the control thread has missed cycles in this trial.

        The robot goes on by itself meanwhile, and what follows is a jump: seen at a load of 14.
        """
        promise(self.num_lost_cycles() > self._num_lost, otherwise)


def _check_limits(
    rows: list[tuple[float, ...]], stamps_ns: list[int], limits: SafetyLimits
) -> None:
    times_s = np.diff(np.array(stamps_ns), prepend=0) * 1e-9
    broken = broken_limits(np.array(rows), times_s, limits)
    promise(not broken, broken)


def open_row() -> FaultRow:
    """See `rows`."""
    return ArmRow()

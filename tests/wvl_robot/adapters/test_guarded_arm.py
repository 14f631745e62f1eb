"""The guard around the real franky: what its words become on an arm that has momentum."""

from collections.abc import Iterator

import numpy as np
import pytest

from tests.cells import make_config
from wvl_models.contract.pose import Setpoint
from wvl_models.contract.rotation import F64
from wvl_models.contract.verdict import Verdict
from wvl_robot.adapters.franka import FrankaArm
from wvl_robot.adapters.system_clock import SystemClock
from wvl_robot.core.arm_guard import ArmGuard
from wvl_robot.faults.arm_watch import AT_REST_RADPS, speeds_radps
from wvl_robot.ports.arm_link import SetpointOrder, Source
from wvl_robot.virtual.cell import CellProcess
from wvl_robot.virtual.motion_trace import MotionTrace

pytestmark = pytest.mark.cell

CONFIG = make_config(67, with_camera=False)
PERIOD_NS = 100_000_000
TABLE_M = 0.06
LIMITS = CONFIG.rig.safety.model_copy(update={"table_height_m": TABLE_M})


class Operator:
    """Orders one step after the other, from where the arm is, ten times a second."""

    def __init__(self, arm: FrankaArm, clock: SystemClock, cell: CellProcess) -> None:
        width_m = CONFIG.rig.gripper.open_width_m
        self.guard = ArmGuard(arm, clock, LIMITS, period_s=0.1, open_width_m=width_m)
        self._clock, self._cell = clock, cell
        self._sequence, self._tick_ns = 0, clock.now_ns()
        self.verdicts: list[Verdict] = []

    def push(self, step_m: F64, num_ticks: int) -> None:
        """Always `step_m` further than what was sent."""
        for _ in range(num_ticks):
            row = self.guard.target.as_row()
            row[:3] += step_m
            self._order(Setpoint.from_row(row), Source.TELEOP)

    def hold(self, num_ticks: int) -> int:
        """Nobody decides; the stamp of the first hold."""
        first_ns = self._tick_ns
        for _ in range(num_ticks):
            self._order(self.guard.target, Source.HOLD)
        return first_ns

    def _order(self, setpoint: Setpoint, source: Source) -> None:
        self._clock.sleep_until_ns(self._tick_ns)
        self._sequence += 1
        order = SetpointOrder(
            sequence=self._sequence,
            stamp_ns=self._tick_ns,
            expires_ns=self._tick_ns + 150_000_000,
            setpoint=setpoint,
            source=source,
            policy_version="",
        )
        self.verdicts.append(self.guard.on_order(order).verdict)
        self._tick_ns += PERIOD_NS

    def trace(self) -> MotionTrace:
        """What the physics saw since the recording began."""
        self._clock.sleep_until_ns(self._tick_ns + 8 * PERIOD_NS)
        return self._cell.motion()


@pytest.fixture(scope="module")
def arm() -> Iterator[tuple[FrankaArm, CellProcess]]:
    with CellProcess(CONFIG) as cell:
        arm = FrankaArm(CONFIG.rig.robot, CONFIG.rig.gripper, SystemClock())
        yield arm, cell
        arm.close()
        assert cell.report().unenforced == ()


@pytest.fixture
def operator(arm: tuple[FrankaArm, CellProcess]) -> Operator:
    robot, cell = arm
    robot.go_home()
    operator = Operator(robot, SystemClock(), cell)
    cell.record_motion(10.0)
    return operator


def test_full_speed_down_on_the_table_leaves_the_fingers_above_it(operator: Operator) -> None:
    """Without the walls' rule the tool came 11 to 15 mm below its lowest setpoint; the fingers
    reach 8 mm below the tool, of 12 mm clearance (docs/decisions/002-streaming.md)."""
    operator.push(np.array([0.0, 0.0, -0.024]), 14)
    assert operator.verdicts[0] is Verdict.PASS and operator.verdicts[-1] is Verdict.CLAMP
    lowest_m = float(operator.trace().tool_m[:, 2].min())
    assert operator.guard.target.pose.position_m[2] == pytest.approx(TABLE_M + 0.012)
    assert TABLE_M + 0.008 < lowest_m < TABLE_M + 0.013


def test_a_hold_out_of_full_speed_brakes_and_does_not_come_back(operator: Operator) -> None:
    operator.push(np.array([0.0, -0.02, 0.0]), 5)
    held_ns = operator.hold(5)
    trace = operator.trace()
    after = trace.stamps_ns > held_ns
    samples = list(zip(trace.stamps_ns[after].tolist(), trace.joints_rad[after], strict=True))
    moving = [stamp_ns for stamp_ns, speed in speeds_radps(samples) if speed > AT_REST_RADPS]
    assert moving[-1] - held_ns < 300_000_000, "to standstill (fault plan row 8)"
    y_m = trace.tool_m[after, 1]
    assert 0.008 < y_m[0] - y_m[-1] < 0.04
    assert y_m[-1] - y_m.min() < 0.0005

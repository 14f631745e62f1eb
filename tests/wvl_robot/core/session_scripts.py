"""Operators and policies that a session is tried with."""

import numpy as np
import pytest

from tests.fakes.session_bench import SessionBench
from tests.fakes.teleop import hands_off, push
from wvl_models.contract.errors import RobotError
from wvl_models.contract.observation import Observation
from wvl_models.contract.pose import Setpoint
from wvl_models.contract.rotation import F64
from wvl_robot.core.arm_guard import ArmState
from wvl_robot.core.session_status import FaultKind, SessionState
from wvl_robot.ports.arm_link import Source
from wvl_robot.ports.teleop import TeleopCommand


def forward(step: int, target: Setpoint) -> TeleopCommand:
    """1 mm per tick, back and forth."""
    return push(0.001 if (step // 50) % 2 == 0 else -0.001)


def brain(observation: Observation) -> F64:
    actions = np.zeros((24, 7))
    actions[:, 0], actions[:, 6] = 0.001, 1.0
    return actions


def take_over(step: int, target: Setpoint) -> TeleopCommand:
    return push(dy_m=0.002) if 10 <= step < 20 else hands_off()


def assert_gave_up(bench: SessionBench, kind: FaultKind) -> None:
    status = bench.session.status
    assert status.state is SessionState.FAULT
    assert status.fault is not None and status.fault.kind is kind
    assert bench.sink.last.aborted_because == str(status.fault)
    last = bench.arm.orders[-1]
    num_orders = len(bench.arm.orders)
    bench.ticks(5)
    assert len(bench.arm.orders) == num_orders, "nothing is ordered in a fault"
    assert last.source is Source.HOLD, "the last order was to hold"
    assert bench.guard.state is not ArmState.MOVING
    with pytest.raises(RobotError, match="Clear the fault first"):
        bench.start()

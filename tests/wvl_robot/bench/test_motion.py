import numpy as np
import pytest

from wvl_models.contract.rotation import F64
from wvl_robot.bench.motion import SentTarget, blind_motion, jerk, tracking
from wvl_robot.virtual.motion_trace import MotionTrace

MS = 1_000_000


def trace(x_m: F64) -> MotionTrace:
    """One row a millisecond, moving along x; joint 1 does the same."""
    joints, tool = np.zeros((len(x_m), 7)), np.zeros((len(x_m), 3))
    joints[:, 0] = tool[:, 0] = x_m
    return MotionTrace(
        stamps_ns=np.arange(len(x_m), dtype=np.int64) * MS, joints_rad=joints, tool_m=tool
    )


def sent(at_ms: int, x_m: float) -> SentTarget:
    return SentTarget(stamp_ns=at_ms * MS, position_m=np.array([x_m, 0.0, 0.0]))


def test_a_target_is_judged_one_period_after_it_was_sent() -> None:
    moving = trace(np.arange(400) * 0.0001)
    found = tracking(moving, [sent(0, 0.010), sent(100, 0.023)], 0.1)
    assert found.max_mm == pytest.approx(3.0)
    assert found.rms_mm == pytest.approx(np.sqrt(9.0 / 2))


def test_the_jerk_of_a_cubic_is_its_constant() -> None:
    t = np.arange(300) * 0.001
    found = jerk(trace(5.0 * t**3 / 6))
    assert found.joint_max_radps3 == pytest.approx(5.0, rel=1e-3)
    assert found.joint_rms_radps3 == pytest.approx(5.0 / np.sqrt(7), rel=1e-3)
    assert found.tool_rms_mps3 == pytest.approx(5.0, rel=1e-3)


def test_blind_motion_is_the_farthest_the_tool_came_and_ends_at_rest() -> None:
    x_m = np.concatenate(
        [np.arange(200) * 0.00025, 0.05 + np.arange(100) * 0.00025, np.full(200, 0.07475)]
    )
    found = blind_motion(trace(x_m), 200 * MS)
    assert found.distance_mm == pytest.approx(24.75)
    assert found.duration_s == pytest.approx(0.1, abs=0.002)
    assert found.speed_mps == pytest.approx(0.25, rel=0.02)


def test_an_arm_that_swings_back_is_judged_at_its_farthest() -> None:
    x_m = np.concatenate([np.zeros(100), np.linspace(0, 0.04, 50), np.linspace(0.04, 0.01, 50)])
    assert blind_motion(trace(x_m), 100 * MS).distance_mm == pytest.approx(40.0)

"""Joint speeds from what the watch has seen, however little that is."""

import numpy as np
import pytest

from wvl_robot.faults.arm_watch import speeds_radps

MS = 1_000_000


def samples(num: int) -> list[tuple[int, np.ndarray]]:
    """Every 5 ms; the last joint turns with 0.2 rad/s."""
    return [(5 * MS * k, np.array([0.0, 0.2 * 0.005 * k])) for k in range(num)]


@pytest.mark.parametrize("num", [0, 1, 2])
def test_a_physics_that_stopped_at_once_has_no_speed(num: int) -> None:
    assert speeds_radps(samples(num)) == []


def test_the_fastest_joint_counts() -> None:
    found = speeds_radps(samples(20))
    assert [stamp_ns for stamp_ns, _ in found] == [5 * MS * k for k in range(4, 20)]
    assert [speed for _, speed in found] == pytest.approx([0.2] * 16)

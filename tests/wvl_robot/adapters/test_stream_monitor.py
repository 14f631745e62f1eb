from dataclasses import replace

import pytest

from wvl_robot.adapters.stream_monitor import WRAP_MS, FrameFacts, StreamMonitor
from wvl_robot.ports.camera import CameraFault

PERIOD_NS = 33_333_333


def frame(k: int) -> FrameFacts:
    """Frame k of a healthy stream."""
    return FrameFacts(
        arrival_ns=k * PERIOD_NS,
        frame_number=k,
        device_ms=1e3 + k * PERIOD_NS * 1e-6,
        digest=k,
        brightness=120.0,
        is_right_size=True,
    )


def monitor_after(num: int) -> StreamMonitor:
    monitor = StreamMonitor(30.0)
    for k in range(num):
        monitor.add(frame(k))
    return monitor


def fault_after(monitor: StreamMonitor, k: int) -> CameraFault:
    return monitor.judge(k * PERIOD_NS + 1_000_000).fault


def test_a_steady_stream_is_healthy_and_its_rate_is_counted() -> None:
    health = monitor_after(60).judge(59 * PERIOD_NS)
    assert health.fault is CameraFault.NONE
    assert health.rate_hz == pytest.approx(30.0, abs=1.0)
    assert health.num_lost == 0


def test_nothing_yet_is_silence() -> None:
    assert StreamMonitor(30.0).judge(0).fault is CameraFault.SILENT


def test_silence_is_known_within_200_ms() -> None:
    monitor = monitor_after(10)
    last_ns = 9 * PERIOD_NS
    assert monitor.judge(last_ns + 100_000_000).fault is CameraFault.NONE
    assert monitor.judge(last_ns + 200_000_000).fault is CameraFault.SILENT


def test_two_equal_pictures_of_three_mean_frozen() -> None:
    monitor = monitor_after(10)
    monitor.add(replace(frame(10), digest=9))
    assert fault_after(monitor, 10) is CameraFault.FROZEN
    monitor.add(frame(11))
    assert fault_after(monitor, 11) is CameraFault.FROZEN
    monitor.add(frame(12))
    assert fault_after(monitor, 12) is CameraFault.NONE


def test_a_black_picture_is_named() -> None:
    monitor = monitor_after(10)
    monitor.add(replace(frame(10), brightness=1.0))
    assert fault_after(monitor, 10) is CameraFault.BLACK


def test_half_the_rate_is_slow_within_200_ms() -> None:
    monitor = monitor_after(10)
    for k in range(1, 4):
        monitor.add(replace(frame(10 + k), arrival_ns=(9 + 3 * k) * PERIOD_NS))
    assert fault_after(monitor, 18) is CameraFault.SLOW


def test_a_frame_of_wrong_size_is_reported_for_a_while() -> None:
    monitor = monitor_after(10)
    monitor.add(replace(frame(10), is_right_size=False))
    monitor.add(frame(11))
    assert fault_after(monitor, 11) is CameraFault.WRONG_SIZE
    for k in range(12, 40):
        monitor.add(frame(k))
    assert fault_after(monitor, 39) is CameraFault.NONE


def test_a_device_clock_that_goes_back_is_reported() -> None:
    monitor = monitor_after(10)
    monitor.add(replace(frame(10), device_ms=frame(9).device_ms - 5000.0))
    assert fault_after(monitor, 10) is CameraFault.TIME_BACKWARDS


def test_the_wrap_of_a_32_bit_device_clock_is_no_fault() -> None:
    monitor = monitor_after(10)
    monitor.add(replace(frame(10), device_ms=frame(10).device_ms - WRAP_MS))
    assert fault_after(monitor, 10) is CameraFault.NONE


def test_gaps_of_the_frame_counter_are_counted_as_lost() -> None:
    monitor = monitor_after(10)
    monitor.add(replace(frame(10), frame_number=13))
    monitor.add(replace(frame(11), frame_number=14))
    assert monitor.judge(11 * PERIOD_NS).num_lost == 3


def test_a_reconnected_device_may_start_its_counters_anew() -> None:
    monitor = monitor_after(10)
    monitor.restart()
    monitor.add(replace(frame(10), frame_number=1, device_ms=5.0))
    health = monitor.judge(10 * PERIOD_NS)
    assert health.fault is CameraFault.NONE
    assert health.num_lost == 0

import resource
from pathlib import Path

import pytest

from tests.cells import SHARE
from wvl_robot.doctor.camera import CameraFacts, judge_firmware, judge_usb
from wvl_robot.doctor.finding import Finding, Level
from wvl_robot.doctor.graphics import COPIES, judge_memory
from wvl_robot.doctor.kernel import (
    judge_governor,
    judge_kernel,
    judge_locked_memory,
    judge_priority,
)
from wvl_robot.doctor.middleware import (
    judge_profile,
    judge_reach,
    judge_rmw,
    judge_shared_memory,
    judge_socket_buffers,
)
from wvl_robot.doctor.network import judge_ping, parse_ping
from wvl_robot.doctor.rig_file import judge_locks, judge_residuals
from wvl_robot.doctor.storage import judge_room, judge_speed, measure_bytes_per_s
from wvl_robot.rig.config import load_rig

PING = """PING 172.16.0.2 (172.16.0.2) 1200(1228) bytes of data.

--- 172.16.0.2 ping statistics ---
1000 packets transmitted, {received} received, 0% packet loss, time 2003ms
rtt min/avg/max/mdev = 0.101/{mean}/{max}/0.020 ms
"""


def ping(received: int = 1000, mean: float = 0.15, worst: float = 0.4) -> Finding:
    seen = parse_ping(PING.format(received=received, mean=mean, max=worst))
    assert seen is not None
    return judge_ping(seen, "172.16.0.2")


@pytest.mark.parametrize(
    ("finding", "level"),
    [
        (judge_kernel(True, True, "6.8-rt"), Level.OK),
        (judge_kernel(False, False, "6.8"), Level.OK),
        (judge_kernel(False, True, "6.8"), Level.FAIL),
        (judge_priority(99, True), Level.OK),
        (judge_priority(0, True), Level.FAIL),
        (judge_priority(0, False), Level.WARN),
        (judge_locked_memory(resource.RLIM_INFINITY, True), Level.OK),
        (judge_locked_memory(8192 << 10, True), Level.FAIL),
        (judge_governor("powersave"), Level.WARN),
        (ping(), Level.OK),
        (ping(mean=0.5), Level.WARN),
        (ping(worst=3.0), Level.WARN),
        (ping(received=999), Level.WARN),
        (ping(received=900), Level.FAIL),
        (ping(mean=1.5), Level.FAIL),
        (judge_room(10**9, Path()), Level.FAIL),
        (judge_room(40 * 10**9, Path()), Level.WARN),
        (judge_room(10**12, Path()), Level.OK),
        (judge_speed(5e6, Path()), Level.FAIL),
        (judge_speed(15e6, Path()), Level.WARN),
        (judge_speed(200e6, Path()), Level.OK),
        (judge_memory(None, 5_000_000, "tiny"), Level.OK),
        (judge_memory(None, 15 * 10**9, "paper"), Level.WARN),
        (judge_memory(10**10, 15 * 10**9, "paper"), Level.FAIL),
        (judge_memory(20 * 10**9, 15 * 10**9, "paper"), Level.WARN),
        (judge_memory(COPIES * 15 * 10**9, 15 * 10**9, "paper"), Level.OK),
        (judge_rmw("rmw_cyclonedds_cpp"), Level.WARN),
        (judge_profile(None, Path("ours.xml")), Level.OK),
        (judge_profile("/nowhere.xml", Path("ours.xml")), Level.FAIL),
        (judge_profile(__file__, Path("ours.xml")), Level.WARN),
        (judge_reach(False), Level.OK),
        (judge_reach(True), Level.WARN),
        (judge_socket_buffers(212_992), Level.WARN),
        (judge_socket_buffers(4 << 20), Level.OK),
        (judge_shared_memory(1 << 20), Level.FAIL),
        (judge_residuals(1.0, 0.2), Level.OK),
        (judge_residuals(9.0, 0.2), Level.WARN),
    ],
)
def test_figures_are_judged(finding: Finding, level: Level) -> None:
    assert finding.level is level
    assert (finding.mend == "") == (level is Level.OK)


def test_a_silent_robot_leaves_no_statistics() -> None:
    assert parse_ping("10 packets transmitted, 0 received, 100% packet loss, time 9ms") is None


def camera(usb: str = "3.2", firmware: str = "5.16.0.1") -> CameraFacts:
    return CameraFacts(
        name="D435", serial="1", usb=usb, firmware=firmware, recommended_firmware="5.16.0.1"
    )


def test_usb_2_is_a_failure() -> None:
    assert judge_usb(camera()).level is Level.OK
    assert judge_usb(camera(usb="2.1")).level is Level.FAIL


def test_firmware_versions_are_compared_as_numbers() -> None:
    assert judge_firmware(camera(firmware="5.9.14.0")).level is Level.WARN
    assert judge_firmware(camera(firmware="5.16.10.0")).level is Level.OK


def test_settings_left_to_the_camera_are_named() -> None:
    rig = load_rig(SHARE, "virtual")
    finding = judge_locks(rig)
    assert finding.level is Level.WARN
    assert "exposure_100us" in finding.seen


def test_measuring_the_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    assert measure_bytes_per_s(tmp_path) > 0
    assert list(tmp_path.iterdir()) == []

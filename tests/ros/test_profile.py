"""The shared-memory profile: in force in a real process, and missed where it is not."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cells import SHARE
from tests.ros.graphs import Place
from wvl_models.contract.errors import SetupError
from wvl_robot.environment import PROFILE_VARIABLES
from wvl_robot.ros.profile import SHARED_MEMORY, put_in_force, remove_stale_segments

pytestmark = [pytest.mark.ros, pytest.mark.slow]

PROGRAM = """
import logging, os, sys
from pathlib import Path
import psutil
logging.basicConfig(stream=sys.stdout)
from wvl_robot.ros.profile import check_in_force, largest_segment_bytes, put_in_force
put_in_force(Path(sys.argv[1]))
import rclpy
rclpy.init()
node = rclpy.create_node("a")
check_in_force(rclpy.utilities.get_rmw_implementation_identifier())
print("largest", largest_segment_bytes() >> 20, "MiB", flush=True)
own = [one.laddr for one in psutil.Process().net_connections(kind="udp")]
heard = {one.ip for one in own if one.port < 32768}  # it sends from those above
print("udp", *sorted(heard), flush=True)
os._exit(0)
"""


def run(**environment: str) -> str:
    clean = {key: value for key, value in os.environ.items() if key not in PROFILE_VARIABLES}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(SHARE)],
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def test_a_participant_has_room_for_images(place: Place) -> None:
    output = run()
    assert int(output.split("largest ")[1].split()[0]) >= 32
    assert "NOT IN FORCE" not in output


def udp_addresses(output: str) -> set[str]:
    return set(output.split("udp ")[1].split())


def test_a_participant_is_heard_on_loopback_alone_unless_other_machines_were_let_in(
    place: Place,
) -> None:
    assert udp_addresses(run()) == {"127.0.0.1"}
    assert "0.0.0.0" in udp_addresses(run(ROS_AUTOMATIC_DISCOVERY_RANGE="SUBNET"))


def test_another_profile_without_room_is_told_loudly(place: Place) -> None:
    small = (SHARE / "config" / "fastdds_shm.xml").read_text().replace("33554432", "1048576")
    path = place.folder / "small.xml"
    path.write_text(small.replace("4194304", "524288"))
    assert "PROFILE IS NOT IN FORCE" in run(FASTRTPS_DEFAULT_PROFILES_FILE=str(path))


def test_a_profile_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PROFILE_VARIABLES[0], "/nowhere.xml")
    with pytest.raises(SetupError, match=r"/nowhere\.xml"):
        put_in_force(SHARE)


def test_what_a_killed_node_left_behind_is_removed_and_what_a_living_one_has_is_not(
    place: Place,
) -> None:
    living = begin_node()
    of_the_living = segments_of(living)
    killed = begin_node()
    of_the_killed = segments_of(killed) - of_the_living  # it may have found the other by now
    try:
        assert of_the_living and of_the_killed
        end(killed)
        remove_stale_segments()
        assert of_the_living <= segments()
        assert not of_the_killed & segments()
    finally:
        end(killed)
        end(living)
        remove_stale_segments()
    assert not of_the_living & segments()


def begin_node() -> subprocess.Popen[str]:
    program = PROGRAM.replace("os._exit(0)", "sys.stdin.read()")
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(SHARE)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert any("largest" in line for line in child.stdout)
    return child


def end(child: subprocess.Popen[str]) -> None:
    child.kill()
    child.communicate()


def segments() -> set[Path]:
    return {path for path in SHARED_MEMORY.glob("fastrtps_*") if "port" not in path.name}


def segments_of(child: subprocess.Popen[str]) -> set[Path]:
    """What it has mapped, its own and those of the nodes it found, with the locks beside them."""
    maps = Path(f"/proc/{child.pid}/maps").read_text()
    mapped = set(re.findall(r"/dev/shm/fastrtps_[0-9a-f]+$", maps, flags=re.MULTILINE))
    return {path for path in segments() if str(path).removesuffix("_el") in mapped}

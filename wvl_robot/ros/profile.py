"""The Fast DDS shared-memory profile: put in force before the first participant, checked after.
What killed processes left in the memory is removed before.

Without it most 640x480 images are lost without any error (facts/platform.md), so a node says so at
its start instead of running half blind.
"""

import contextlib
import fcntl
import logging
import os
import re
import shutil
from pathlib import Path

from wvl_models.contract.errors import SetupError
from wvl_robot.environment import (
    ON_THIS_MACHINE,
    PROFILE_VARIABLES,
    RANGE,
    chosen_profile,
    profile_file,
)

_LOG = logging.getLogger(__name__)

SEGMENT_BYTES = 16 << 20
"""The profile asks for 32 MiB; anything from here on holds a second of nothing but images."""

SHARED_MEMORY = Path("/dev/shm")

NEEDED_BYTES = 48 << 20
"""A camera's segment fills up; the other nodes touch a few pages of theirs."""


def put_in_force(share: Path) -> None:
    """Make room in the shared memory; choose range and profile unless somebody chose them.

    Call it before rclpy.init. SetupError where there is no such profile or no room.
    """
    chosen = chosen_profile(os.environ)
    os.environ.setdefault(RANGE, ON_THIS_MACHINE[0])
    path = Path(chosen) if chosen else profile_file(share, os.environ)
    if not path.is_file():
        raise SetupError(f"the Fast DDS profile {path} ({PROFILE_VARIABLES[0]}) does not exist.")
    num_removed = remove_stale_segments()
    if num_removed:
        _LOG.info("%d shared-memory segments of killed processes were removed", num_removed)
    free = shutil.disk_usage(SHARED_MEMORY).free
    if free < NEEDED_BYTES:
        raise SetupError(
            f"{SHARED_MEMORY} has {free >> 20} MiB free, images between nodes need "
            f"{NEEDED_BYTES >> 20}. In a container: --shm-size=1g."
        )
    for name in PROFILE_VARIABLES:
        os.environ.setdefault(name, str(path))


def remove_stale_segments(folder: Path = SHARED_MEMORY) -> int:
    """Delete the segments of killed processes; returns how many.

    A killed node leaves 32 MiB behind, and a day of them fills the memory. A living participant
    holds a lock on the file beside its segment, which the kernel takes from a dead one; `fastdds
    shm clean` goes by the same.
    """
    num_removed = 0
    for lock in folder.glob("fastrtps_*_el"):
        segment = lock.with_name(lock.name.removesuffix("_el"))
        if not re.fullmatch(r"fastrtps_[0-9a-f]+", segment.name):
            continue  # a port, which its next owner deals with
        with contextlib.suppress(OSError), lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            segment.unlink(missing_ok=True)
            lock.unlink(missing_ok=True)
            num_removed += 1
    return num_removed


def check_in_force(rmw: str) -> None:
    """Warn loudly where the participants of this process have no segment that holds images."""
    if "fastrtps" not in rmw:
        _LOG.warning("%s is not the middleware this was tried with (rmw_fastrtps_cpp)", rmw)
        return
    largest = largest_segment_bytes()
    if largest < SEGMENT_BYTES:
        _LOG.error(
            "THE SHARED-MEMORY PROFILE IS NOT IN FORCE: largest segment %d KiB, expected %d KiB. "
            "Camera images will be lost. Unset %s or point it to config/fastdds_shm.xml.",
            largest >> 10,
            SEGMENT_BYTES >> 10,
            PROFILE_VARIABLES[0],
        )


def largest_segment_bytes() -> int:
    """Size of the largest Fast DDS segment that this process has mapped."""
    sizes = [0]
    for line in Path("/proc/self/maps").read_text(encoding="ascii", errors="replace").splitlines():
        if re.search(r"/dev/shm/fastrtps_[0-9a-f]+$", line):
            low, high = line.split()[0].split("-")
            sizes.append(int(high, 16) - int(low, 16))
    return max(sizes)

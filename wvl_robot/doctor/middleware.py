"""ROS 2: the packages, and shared memory large enough for images."""

import importlib.util
import os
import shutil
from pathlib import Path

from wvl_robot.doctor.finding import Finding, fail, ok, warn
from wvl_robot.environment import (
    PEERS,
    PROFILE_VARIABLES,
    RANGE,
    SOCKET_BYTES,
    chosen_profile,
    is_open,
    profile_file,
)
from wvl_robot.ros.profile import NEEDED_BYTES, SHARED_MEMORY

RMW = "rmw_fastrtps_cpp"

SYSCTL = Path("/proc/sys/net/core")


def check_middleware(share: Path) -> list[Finding]:
    """Packages, profile, shared memory."""
    missing = [name for name in ("rclpy", "wvl_interfaces") if not importlib.util.find_spec(name)]
    if missing:
        return [
            fail(
                "ROS 2",
                f"cannot import {' and '.join(missing)}",
                "`make setup` installs ROS 2 from wheels; with a native one, `make ws` and source "
                "the workspace",
            )
        ]
    return [
        judge_rmw(os.environ.get("RMW_IMPLEMENTATION", "")),
        judge_profile(chosen_profile(os.environ), profile_file(share, os.environ)),
        *_network(),
        judge_shared_memory(shutil.disk_usage(SHARED_MEMORY).free),
    ]


def _network() -> list[Finding]:
    """Who is heard; where that is somebody else, whether images get through."""
    others_are_heard = is_open(os.environ)
    reach = judge_reach(others_are_heard)
    if not others_are_heard:
        return [reach]
    limits = [int((SYSCTL / name).read_text(encoding="ascii")) for name in ("rmem_max", "wmem_max")]
    return [reach, judge_socket_buffers(min(limits))]


def judge_rmw(chosen: str) -> Finding:
    """The middleware that everything was measured with."""
    if chosen in ("", RMW):
        return ok("ROS 2", f"rclpy and wvl_interfaces, {RMW}")
    return warn("ROS 2", f"RMW_IMPLEMENTATION is {chosen}", f"unset it, or set it to {RMW}")


def judge_profile(chosen: str | None, ours: Path) -> Finding:
    """Nodes put our profile in force unless the environment names another."""
    if chosen is None or Path(chosen) == ours:
        return ok("shared-memory profile", str(ours))
    mend = f"unset {PROFILE_VARIABLES[0]}"
    if not Path(chosen).is_file():
        return fail("shared-memory profile", f"{chosen} does not exist", mend)
    return warn("shared-memory profile", f"{chosen} is in force, not ours", mend)


def judge_reach(others_are_heard: bool) -> Finding:
    """Who may send orders to the arm."""
    if not others_are_heard:
        return ok("reach of the nodes", "this machine alone")
    return warn(
        "reach of the nodes",
        "whoever is on the network may send orders",
        f"unset {PEERS} and {RANGE}, or give the arm's computer a network of its own",
    )


def judge_socket_buffers(granted_bytes: int) -> Finding:
    """Of net.core, for images between machines."""
    seen = f"{granted_bytes >> 10} KiB granted, {SOCKET_BYTES >> 10} needed"
    if granted_bytes >= SOCKET_BYTES:
        return ok("socket buffers", seen)
    mend = f"sudo sysctl -w net.core.rmem_max={SOCKET_BYTES} net.core.wmem_max={SOCKET_BYTES}"
    return warn("socket buffers", seen, f"{mend} (to keep it: /etc/sysctl.d)")


def judge_shared_memory(free_bytes: int) -> Finding:
    """Of /dev/shm."""
    seen = f"{SHARED_MEMORY}: {free_bytes >> 20} MiB free, {NEEDED_BYTES >> 20} needed"
    if free_bytes >= NEEDED_BYTES:
        return ok("shared memory", seen)
    return fail("shared memory", seen, "in a container: --shm-size=1g; else look into /dev/shm")

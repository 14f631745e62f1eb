"""The environment in which nodes run, the same under `wvl up`, `ros2 launch` and from the loop."""

from collections.abc import Mapping
from pathlib import Path

RANGE, PEERS = "ROS_AUTOMATIC_DISCOVERY_RANGE", "ROS_STATIC_PEERS"

ON_THIS_MACHINE = ("LOCALHOST", "OFF")
"""Ranges in which nobody outside is looked for."""

SOCKET_BYTES = 4 << 20
"""What fastdds_network.xml asks for a socket; Linux grants at most net.core.[rw]mem_max."""

PROFILE_VARIABLES = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")
"""Fast DDS 2 reads the first, Fast DDS 3 (Kilted and newer) the second."""


def is_open(environment: Mapping[str, str]) -> bool:
    """Whether nodes of other machines are heard."""
    is_range_wide = environment.get(RANGE, ON_THIS_MACHINE[0]) not in ON_THIS_MACHINE
    return is_range_wide or bool(environment.get(PEERS))


def chosen_profile(environment: Mapping[str, str]) -> str | None:
    """The Fast DDS profile that the environment names, if it names one."""
    return next((environment[name] for name in PROFILE_VARIABLES if environment.get(name)), None)


def profile_file(share: Path, environment: Mapping[str, str]) -> Path:
    """The Fast DDS profile that ships with the project, for this range of discovery.

    Its sockets are on loopback unless other machines were let in. The range alone keeps nobody out:
    with sockets on every network a node heard 78 of 88 orders of another machine that named this
    one as its peer (LOCALHOST here, a network namespace for the other; Fast DDS 2.14.5).
    """
    name = "fastdds_network.xml" if is_open(environment) else "fastdds_shm.xml"
    return share / "config" / name


def node_environment(share: Path, base: Mapping[str, str]) -> dict[str, str]:
    """`base` with what the nodes need; what is set already stays."""
    profile = str(profile_file(share, base))
    return {
        # Busy-waiting OpenMP threads cost 4.6x on a busy 2-core machine (facts/toy_loop.md).
        "OMP_WAIT_POLICY": "passive",
        # MuJoCo draws without a screen; llvmpipe's own threads fight the others for the processors.
        "MUJOCO_GL": "egl",
        "LP_NUM_THREADS": "0",
        "PYTHONUNBUFFERED": "1",
        **dict.fromkeys(PROFILE_VARIABLES, profile),
        # Orders move an arm: by default nobody outside this machine hears or sends any.
        RANGE: ON_THIS_MACHINE[0],
        "RCUTILS_COLORIZED_OUTPUT": "0",
        "RCUTILS_CONSOLE_OUTPUT_FORMAT": "[{severity}] {message}",
        **base,
    }

"""The environment in which nodes run, the same under `wvl up`, `ros2 launch` and from the loop."""

from collections.abc import Mapping
from pathlib import Path

PROFILE_VARIABLES = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")
"""Fast DDS 2 reads the first, Fast DDS 3 (Kilted and newer) the second."""


def node_environment(share: Path, base: Mapping[str, str]) -> dict[str, str]:
    """`base` with what the nodes need; what is set already stays."""
    profile = str(share / "config" / "fastdds_shm.xml")
    return {
        # Busy-waiting OpenMP threads cost 4.6x on a busy 2-core machine (facts/toy_loop.md).
        "OMP_WAIT_POLICY": "passive",
        # MuJoCo draws without a screen; llvmpipe's own threads fight the others for the processors.
        "MUJOCO_GL": "egl",
        "LP_NUM_THREADS": "0",
        "PYTHONUNBUFFERED": "1",
        **dict.fromkeys(PROFILE_VARIABLES, profile),
        # Orders move an arm: by default nobody outside this machine hears or sends any.
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        "RCUTILS_COLORIZED_OUTPUT": "0",
        "RCUTILS_CONSOLE_OUTPUT_FORMAT": "[{severity}] {message}",
        **base,
    }

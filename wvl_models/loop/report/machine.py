"""Which machine and which versions the figures come from."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

PACKAGES = (
    "world-vla-loop",
    "torch",
    "numpy",
    "zarr",
    "transformers",
    "diffusers",
    "mujoco",
    "franky-control",
    "pyrealsense2",
    "ros-jazzy-rclpy",
)


def describe_machine() -> dict[str, str | int | float]:
    """Processor, cores that this process may use, memory, system."""
    pages, page_bytes = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(pages * page_bytes / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "gpu": "none used",
    }


def versions() -> dict[str, str]:
    """Versions of the packages that the figures depend on; those not installed are left out."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except ModuleNotFoundError:  # PackageNotFoundError is one
            continue
    return found


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2] for line in text.splitlines() if line.startswith("model name"))
    return next(names, platform.machine()).strip()

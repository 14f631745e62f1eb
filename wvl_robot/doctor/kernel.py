"""Real-time kernel, priorities and locked memory: what libfranka's 1 kHz loop needs."""

import os
import platform
import resource
from pathlib import Path

from wvl_robot.doctor.finding import Finding, fail, ok, warn

REALTIME_FLAG = Path("/sys/kernel/realtime")
"""Holds 1 under PREEMPT_RT; what libfranka itself looks at."""

NEEDED_PRIORITY = 99
"""libfranka asks for SCHED_FIFO at the highest priority (its documentation, "Setting up the
real-time kernel": rtprio 99, memlock 102400)."""

NEEDED_LOCKED_BYTES = 102_400 << 10

GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")

_LIMITS = (
    "add `@realtime - rtprio 99` and `@realtime - memlock unlimited` to "
    "/etc/security/limits.conf, `sudo usermod -aG realtime $USER`, log in again"
)


def check_kernel(is_realtime_wanted: bool) -> list[Finding]:
    """Findings on this machine; a virtual rig needs none of it."""
    is_realtime = REALTIME_FLAG.exists() and REALTIME_FLAG.read_text().strip() == "1"
    findings = [
        judge_kernel(is_realtime, is_realtime_wanted, platform.release()),
        judge_priority(_highest_priority(), is_realtime_wanted),
        judge_locked_memory(resource.getrlimit(resource.RLIMIT_MEMLOCK)[0], is_realtime_wanted),
    ]
    if GOVERNOR.exists():
        findings.append(judge_governor(GOVERNOR.read_text().strip()))
    return findings


def judge_kernel(is_realtime: bool, is_wanted: bool, release: str) -> Finding:
    """PREEMPT_RT or not."""
    if is_realtime:
        return ok("kernel", f"{release}, PREEMPT_RT")
    if not is_wanted:
        return ok("kernel", f"{release}, not real-time (the rig file does not ask for it)")
    return fail(
        "kernel",
        f"{release} is no PREEMPT_RT kernel",
        "Ubuntu: `sudo pro enable realtime-kernel`; Debian: `sudo apt install "
        "linux-image-rt-amd64`; then boot it (with NVIDIA: IGNORE_PREEMPT_RT_PRESENCE=1 when the "
        "driver is installed)",
    )


def judge_priority(highest: int, is_wanted: bool) -> Finding:
    """Highest real-time priority that this user may have."""
    if highest >= NEEDED_PRIORITY:
        return ok("real-time priority", f"up to {highest}")
    seen = f"up to {highest}, {NEEDED_PRIORITY} is needed"
    return (fail if is_wanted else warn)("real-time priority", seen, _LIMITS)


def judge_locked_memory(num_bytes: int, is_wanted: bool) -> Finding:
    """How much memory may be locked; RLIM_INFINITY is -1."""
    if num_bytes == resource.RLIM_INFINITY or num_bytes >= NEEDED_LOCKED_BYTES:
        return ok("locked memory", "enough")
    seen = f"{num_bytes >> 10} KiB, {NEEDED_LOCKED_BYTES >> 10} are needed"
    return (fail if is_wanted else warn)("locked memory", seen, _LIMITS)


def judge_governor(governor: str) -> Finding:
    """CPU frequency scaling makes the first cycle after a pause late."""
    if governor == "performance":
        return ok("CPU governor", governor)
    return warn("CPU governor", governor, "`sudo cpupower frequency-set -g performance`")


def _highest_priority() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_RTPRIO)
    if os.geteuid() == 0 or soft == resource.RLIM_INFINITY:
        return os.sched_get_priority_max(os.SCHED_FIFO)
    return soft

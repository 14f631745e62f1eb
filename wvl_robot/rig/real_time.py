"""Real-time priority for the threads that must answer each millisecond, where the user may have it.

On a rig that is libfranka's control thread; on the virtual cell also the simulated robot, which
stands for a controller with a computer of its own. Without it a busy machine makes either miss the
20 cycles that end in a reflex: seen with load 3 on two cores, and with three busy loops beside it
the virtual robot fell to 0.84 of real time; with it neither happened (docs/decisions).
"""

import contextlib
import logging
import os
from collections.abc import Iterator

_LOG = logging.getLogger(__name__)

VIRTUAL_ROBOT_PRIORITY, CONTROL_THREAD_PRIORITY = 1, 2
"""SCHED_RR; the lowest two, above every ordinary program and below everything of the kernel."""


@contextlib.contextmanager
def real_time_birth(priority: int) -> Iterator[None]:
    """Threads that start inside run with real-time priority; the caller's own comes back after.

    Linux hands a thread's scheduling policy to the threads it starts. Without permission (rtprio
    in /etc/security/limits.conf, which a Franka needs anyway) there is no effect.
    """
    policy, parameter = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(priority))
    except OSError:
        _LOG.info("no real-time priority: see rtprio in /etc/security/limits.conf")
        yield
        return
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, parameter)

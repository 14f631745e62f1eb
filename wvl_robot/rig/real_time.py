"""Real-time priority for the threads with deadlines, where the user may have it.

Each millisecond must be answered by libfranka's control thread, and on the virtual cell by the
simulated robot, which stands for a controller with a computer of its own. Without a priority a
busy machine makes either miss the 20 cycles that end in a reflex: seen with load 3 on two cores,
and with three busy loops beside it the virtual robot fell to 0.84 of real time; with it neither
happened (docs/decisions). Between the two come the nodes (`wvl_robot.ros.timeliness`), and among
their threads the one that ticks before those that carry images.
"""

import contextlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path

_LOG = logging.getLogger(__name__)

VIRTUAL_ROBOT_PRIORITY, NODE_PRIORITY, TICK_PRIORITY, CONTROL_THREAD_PRIORITY = 1, 2, 3, 4
"""SCHED_RR; the lowest four, above every ordinary program and below everything of the kernel."""

_NO_RIGHT = "no real-time priority: `wvl doctor` says how to get it (rtprio in limits.conf)"


def prioritise_process(priority: int) -> None:
    """All threads of this process, and those they start, but for those that have a priority.

    Without permission there is no effect.
    """
    try:
        for thread in Path("/proc/self/task").iterdir():
            with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
                number = int(thread.name)
                if os.sched_getscheduler(number) == os.SCHED_OTHER:
                    os.sched_setscheduler(number, os.SCHED_RR, os.sched_param(priority))
    except OSError:
        _LOG.info(_NO_RIGHT)


def prioritise_thread(priority: int) -> None:
    """The calling thread. Without permission there is no effect."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(priority))
    except OSError:
        _LOG.info(_NO_RIGHT)


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
        _LOG.info(_NO_RIGHT)
        yield
        return
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, parameter)

"""What a node with a deadline does about Python and about the machine's other work.

A thread that wants to run waits until the running one gives the interpreter up: by default up to
5 ms, ten times what a tick may be late. A pass of the garbage collector over everything that was
ever imported holds all threads. And a renderer or a training that computes takes its turn.
"""

import gc
import logging
import os
import sys
from pathlib import Path

_LOG = logging.getLogger(__name__)

SWITCH_S = 1e-4
"""Beside a thread that computes a third of the time, ticks were late by 5.2 ms at p99 with Python's
5 ms, by 1.0 ms with 0.5 ms and by 0.3 ms with 0.1 ms (n=800, 2 cores of an AMD EPYC)."""

PRIORITY = 20
"""Of SCHED_FIFO: above everything that has none, below libfranka's own thread (99). Beside the
virtual cell, which computes all the time, ticks were late by 4.3 ms at p99 without and by 0.2 to
0.4 ms with it, and a setpoint was at the arm 13.9 ms and 2.7 to 2.9 ms after its tick at p50
(`wvl bench control`, n=921 and 463, 2 cores of an AMD EPYC)."""


def keep_time() -> None:
    """Call it once everything is imported and set up, in a process whose threads have deadlines.

    Threads that are started later inherit the priority. Who may not have it goes on without.
    """
    sys.setswitchinterval(SWITCH_S)
    gc.collect()
    gc.freeze()
    try:
        for thread in Path("/proc/self/task").iterdir():
            os.sched_setscheduler(int(thread.name), os.SCHED_FIFO, os.sched_param(PRIORITY))
    except OSError as error:
        _LOG.info("no real-time priority (%s); `wvl doctor` says how to get it", error.strerror)

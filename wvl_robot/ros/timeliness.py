"""What a node with a deadline does about Python and about the machine's other work.

A thread that wants to run waits until the running one gives the interpreter up: by default up to
5 ms, ten times what a tick may be late. A pass of the garbage collector over everything that was
ever imported holds all threads. And a renderer or a training that computes takes its turn: beside
the virtual cell, which computes all the time, ticks were late by 4.3 ms at p99 without a real-time
priority and by less than 1 ms with it (docs/decisions/006).
"""

import gc
import sys

from wvl_robot.rig.real_time import NODE_PRIORITY, prioritise_process

SWITCH_S = 1e-4
"""Beside a thread that computes a third of the time, ticks were late by 5.2 ms at p99 with Python's
5 ms, by 1.0 ms with 0.5 ms and by 0.3 ms with 0.1 ms (n=800, 2 cores of an AMD EPYC)."""


def keep_time() -> None:
    """Call it once everything is imported and set up, in a process whose threads have deadlines."""
    sys.setswitchinterval(SWITCH_S)
    gc.collect()
    gc.freeze()
    prioritise_process(NODE_PRIORITY)

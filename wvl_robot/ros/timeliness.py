"""What a node with a deadline does about Python and about the machine's other work.

A thread that wants to run waits until the running one gives the interpreter up: by default up to
5 ms, ten times what a tick may be late. A pass of the garbage collector over everything that was
ever imported holds all threads. And a renderer or a training that computes takes its turn: beside
the virtual cell, which computes all the time, ticks were late by 4.3 ms at p99 without a real-time
priority and by less than 1 ms with it (docs/decisions/006). And memory for an image that goes back
to the system with every image comes back from it page by page.
"""

import ctypes
import gc
import sys

from wvl_robot.rig.real_time import NODE_PRIORITY, prioritise_process

SWITCH_S = 1e-4
"""Beside a thread that computes a third of the time, ticks were late by 5.2 ms at p99 with Python's
5 ms, by 1.0 ms with 0.5 ms and by 0.3 ms with 0.1 ms (n=800, 2 cores of an AMD EPYC)."""


_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""Of mallopt(3)."""

_MMAP_BYTES = 32 << 20
"""As much as glibc allows."""

_TRIM_BYTES = 256 << 20
"""Many times what all messages on their way take together."""


def keep_memory() -> None:
    """Have malloc keep what it got: an image is copied six times on its way, each into new memory.

    An image of 640x480 took 4.2 ms from one plain node to another and 1.6 ms with this (p50,
    n=650, two cores of an AMD EPYC; a tick beside it was late by 1.0 and by 0.6 ms at p99). No
    effect where the C library is another one than glibc.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _MMAP_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _TRIM_BYTES)


def keep_time() -> None:
    """Call it once everything is imported and set up, in a process whose threads have deadlines."""
    keep_memory()
    sys.setswitchinterval(SWITCH_S)
    gc.collect()
    gc.freeze()
    prioritise_process(NODE_PRIORITY)

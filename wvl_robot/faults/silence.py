"""What rows 7 and 12 ask of the arm once the policy is silent and its last chunk is over."""

import time

from wvl_robot.faults.live_graph import LiveGraph
from wvl_robot.faults.promise import promise

HELD_MS = 110.0
"""From the end of the last chunk to the tick at which the session lets the arm hold: a tick, and
the time between two processes that hear the same chunk (fault plan row 7: 100 ms)."""

REST_MS = 300.0
"""From that tick to standstill (issue 3 item 3, fault plan row 8)."""

_SURE_MS = 100.0
"""Watched for longer than it may take."""


def promise_rest(graph: LiveGraph, noise_since_ns: int) -> dict[str, float]:
    """Wait until the last chunk that was heard is over: held in time, and at rest in time."""
    end_ns = graph.chunk_ends_ns[-1]
    watched_ns = end_ns + round((HELD_MS + REST_MS + _SURE_MS) * 1e6)
    time.sleep(max(watched_ns - time.monotonic_ns(), 0) * 1e-9)
    held_ns = graph.holds_ns[-1]
    held_ms, rest_ms = (held_ns - end_ns) * 1e-6, graph.watch.rest_ms(held_ns)
    noise_ms = graph.watch.noise_ms(noise_since_ns)
    promise(held_ms <= HELD_MS + noise_ms, f"held {held_ms:.0f} ms after the last chunk")
    promise(rest_ms <= REST_MS + noise_ms, f"moving {rest_ms:.0f} ms after the hold")
    return {"held_ms": held_ms, "rest_ms": rest_ms, "noise_ms": noise_ms}

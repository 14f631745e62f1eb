"""The measuring subscriber: notes when messages of the running graph arrive; sends nothing.

A process of its own (`python -m wvl_robot.bench.listener FILE`), so that it costs the graph one
more subscriber to every topic and no line of code.
"""

import sys
import time
from pathlib import Path
from typing import Any

import rclpy
from rclpy.signals import SignalHandlerOptions

from wvl_robot.bench.columns import Columns, serve_until_told
from wvl_robot.ros import topics
from wvl_robot.ros.profile import put_in_force
from wvl_robot.ros.timeliness import keep_time
from wvl_robot.share import share_folder

NAMES = (
    "image_stamp_ns",
    "image_hop_ns",
    "frame_stamp_ns",
    "frame_arrival_ns",
    "frame_number",
    "order_sequence",
    "order_tick_ns",
    "order_expires_ns",
    "receipt_sequence",
    "receipt_sent_ns",
    "receipt_verdict",
    "session_ns",
    "session_missed",
    "arm_ns",
    "arm_holds",
    "arm_is_holding",
)
"""Every column is written, also where nothing of its topic arrived."""

AWAKE_S = 0.1
"""A graph that has ended wakes nobody, and then no signal would be heard."""


def main() -> None:
    """Listen until SIGTERM."""
    path, columns = Path(sys.argv[1]), Columns(*NAMES)
    put_in_force(share_folder())
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node("bench_listener")
    ear = _Ear(columns)
    for topic, callback in (
        (topics.IMAGE, ear.image),
        (topics.FRAME_METADATA, ear.metadata),
        (topics.SETPOINT, ear.order),
        (topics.RECEIPT, ear.receipt),
        (topics.SESSION_STATUS, ear.session),
        (topics.ARM_STATUS, ear.arm),
    ):
        node.create_subscription(topic.kind, topic.name, callback, topic.qos)
    node.create_timer(AWAKE_S, lambda: None)
    keep_time()  # as any node of the graph that hears images
    serve_until_told(lambda: columns.write(path))
    rclpy.spin(node)


class _Ear:
    """Callbacks (Any: generated messages have no types); each looks at the clock first."""

    def __init__(self, columns: Columns) -> None:
        self._add = columns.add

    def image(self, message: Any) -> None:
        now_ns = time.time_ns()
        stamp_ns = _wall_ns(message)
        self._add(image_stamp_ns=stamp_ns, image_hop_ns=now_ns - stamp_ns)

    def metadata(self, message: Any) -> None:
        self._add(
            frame_stamp_ns=_wall_ns(message),
            frame_arrival_ns=message.stamp_ns,
            frame_number=message.frame_number,
        )

    def order(self, message: Any) -> None:
        self._add(
            order_sequence=message.sequence,
            order_tick_ns=message.stamp_ns,
            order_expires_ns=message.expires_ns,
        )

    def receipt(self, message: Any) -> None:
        self._add(
            receipt_sequence=message.sequence,
            receipt_sent_ns=message.sent_ns,
            receipt_verdict=message.verdict,
        )

    def session(self, message: Any) -> None:
        self._add(session_ns=message.stamp_ns, session_missed=message.num_missed_ticks)

    def arm(self, message: Any) -> None:
        self._add(
            arm_ns=message.stamp_ns,
            arm_holds=message.num_holds,
            arm_is_holding=int(message.state == "holding"),
        )


def _wall_ns(message: Any) -> int:
    return int(message.header.stamp.sec) * 1_000_000_000 + int(message.header.stamp.nanosec)


if __name__ == "__main__":
    main()

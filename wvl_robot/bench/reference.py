"""The reference: what one gets from rclpy without doing anything about it.

Two processes with default quality of service and the default transport (no shared-memory profile):
`camera` publishes 640x480 images at 30 Hz from a timer; `loop FILE` keeps the newest one, and ten
times a second, from a timer too, publishes a setpoint. The same hops as ours, and no robot.
"""

import sys
import time
from array import array
from pathlib import Path
from typing import Any

import rclpy
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image
from wvl_interfaces import msg

from wvl_robot.bench.columns import Columns, serve_until_told

WIDTH, HEIGHT, CAMERA_HZ, LOOP_HZ = 640, 480, 30.0, 10.0

DEFAULT_DEPTH = 10

NAMES = ("tick_ns", "image_ns", "image_number", "image_hop_ns")


def main() -> None:
    """`camera`, or `loop FILE`."""
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node(f"reference_{sys.argv[1]}")
    if sys.argv[1] == "camera":
        _publish_images(node)
        serve_until_told(lambda: None)
    else:
        columns, path = Columns(*NAMES), Path(sys.argv[2])
        _loop(node, columns)
        serve_until_told(lambda: columns.write(path))
    rclpy.spin(node)


def _publish_images(node: Node) -> None:
    publisher = node.create_publisher(Image, "reference/image", DEFAULT_DEPTH)
    pixels, numbers = array("B", bytes(WIDTH * HEIGHT * 3)), iter(range(10**9))

    def publish() -> None:
        image = Image(height=HEIGHT, width=WIDTH, encoding="rgb8", step=WIDTH * 3, data=pixels)
        image.header.frame_id = str(next(numbers))
        image.header.stamp = node.get_clock().now().to_msg()
        publisher.publish(image)

    node.create_timer(1.0 / CAMERA_HZ, publish)


def _loop(node: Node, columns: Columns) -> None:
    publisher = node.create_publisher(msg.Setpoint, "reference/setpoint", DEFAULT_DEPTH)

    def take(image: Any) -> None:  # sensor_msgs/Image
        now_ns, stamp = time.time_ns(), image.header.stamp
        columns.add(
            image_ns=time.monotonic_ns(),
            image_number=int(image.header.frame_id),
            image_hop_ns=now_ns - stamp.sec * 1_000_000_000 - stamp.nanosec,
        )

    def tick() -> None:
        columns.add(tick_ns=time.monotonic_ns())
        publisher.publish(msg.Setpoint(stamp_ns=time.monotonic_ns()))

    node.create_subscription(Image, "reference/image", take, DEFAULT_DEPTH)
    node.create_timer(1.0 / LOOP_HZ, tick)


if __name__ == "__main__":
    main()

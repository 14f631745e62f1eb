"""A ROS node of the trial's own process."""

import contextlib
import threading
from collections.abc import Iterator

import rclpy
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor

from wvl_robot.ros.host import Ending, Host
from wvl_robot.ros.profile import put_in_force
from wvl_robot.share import share_folder


@contextlib.contextmanager
def spun_node(domain: int) -> Iterator[Host]:
    """A node in this process, in a context of its own, spun by a thread."""
    put_in_force(share_folder())
    context = Context()
    rclpy.init(context=context, domain_id=domain)
    node = rclpy.create_node("faults", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)

    def spin() -> None:
        with contextlib.suppress(ExternalShutdownException):
            executor.spin()

    thread = threading.Thread(target=spin, name="faults-executor", daemon=True)
    host = Host(node, Ending())
    thread.start()
    try:
        yield host
    finally:
        host.stop.set()
        executor.shutdown(timeout_sec=5.0)
        thread.join(5.0)
        host.close()
        node.destroy_node()
        rclpy.shutdown(context=context)

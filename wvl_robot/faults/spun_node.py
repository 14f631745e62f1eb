"""A ROS node of the trial's own process."""

import contextlib
from collections.abc import Iterator

import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor

from wvl_robot.ros.host import Ending, Host
from wvl_robot.ros.profile import put_in_force
from wvl_robot.share import share_folder


@contextlib.contextmanager
def spun_node(domain: int | None = None) -> Iterator[Host]:
    """A node in this process, in a context of its own, spun by a thread.

    Without `domain` it is that of the environment. An error of a callback comes out at the end.
    """
    put_in_force(share_folder())
    context = Context()
    rclpy.init(context=context, domain_id=domain)
    node = rclpy.create_node("faults", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    ending = Ending()
    host = Host(node, ending)
    host.spin(executor)
    try:
        yield host
    finally:
        host.stop.set()
        executor.shutdown(timeout_sec=5.0)
        host.close()
        node.destroy_node()
        rclpy.shutdown(context=context)
        ending.check()

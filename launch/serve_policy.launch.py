"""The policy alone, beside a robot on another machine: data in wvl_robot.graphs."""

from wvl_robot.ros.launching import describe


def generate_launch_description():
    """Called by `ros2 launch`."""
    return describe("serve_policy")

"""Stages of the loop on request: data in wvl_robot.graphs."""

from wvl_robot.ros.launching import describe


def generate_launch_description():
    """Called by `ros2 launch`."""
    return describe("learner")

"""Reflexes that a test may ask the virtual robot for."""

from enum import IntEnum


class Reflex(IntEnum):
    """Position in the wire's list of errors, as in libfranka's `research_interface::robot::Error`.

    franka-sim has no contact, so none of the first four comes by itself; the client sees them as it
    would see the robot's own.
    """

    JOINT_POSITION_LIMITS_VIOLATION = 0
    SELF_COLLISION_AVOIDANCE_VIOLATION = 2
    JOINT_REFLEX = 6
    CARTESIAN_REFLEX = 7
    """A collision."""
    JOINT_MOTION_GENERATOR_ACCELERATION_DISCONTINUITY = 15
    COMMUNICATION_CONSTRAINTS_VIOLATION = 25

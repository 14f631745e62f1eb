"""What the safety gate said about a setpoint; stored with every step of an episode.

The gate itself is `wvl_robot.core.safety`; the codes live here because episodes carry them.
Numbers are on disk: append, never renumber.
"""

from enum import IntEnum


class Verdict(IntEnum):
    """The three answers of the gate."""

    PASS = 0
    CLAMP = 1
    REFUSE = 2


class Reason(IntEnum):
    """Why a setpoint was clamped or refused; the first that applies, in the order of checks.

    NO_SETPOINT with REFUSE: no receipt came. With PASS: nobody decided, and the arm was held.
    """

    NONE = 0
    MALFORMED = 1
    NOT_FINITE = 2
    STALE = 3
    EXPIRED = 4
    DUPLICATE = 5
    OUT_OF_ORDER = 6
    WRONG_POLICY_VERSION = 7
    WORKSPACE = 8
    TABLE = 9
    STEP_JUMP = 10
    LINEAR_SPEED = 11
    ANGULAR_SPEED = 12
    ORIENTATION = 13
    GRIPPER_RATE = 14
    ROBOT_NOT_READY = 15
    CAMERA_FAULT = 16
    NO_SETPOINT = 17

"""The error tree. Every message says what happened, what was expected and what to do.

`WvlError` and its children are for situations a user can mend; the command line prints
their text without a traceback. `assert` is for our own invariants.

    WvlError
    ├── ConfigError       a YAML file, argument or parameter is wrong
    ├── DataError         an array or a record does not fit the contract
    ├── StoreError        the episode store refuses (damaged, locked, full, unknown episode)
    ├── CheckpointError   a checkpoint or a registry version is unusable
    ├── RobotError        the arm, its gripper or its controller refuses
    ├── CameraError       the camera refuses, is silent or sends unusable frames
    ├── TeleopError       the teleoperation device is missing, has gone or is silent
    └── SetupError        something the machine lacks (GL, port, permission, package)
"""


class WvlError(Exception):
    """Base of every error a user can mend; carries one or two plain sentences."""


class ConfigError(WvlError):
    """A configuration value is missing, unknown or out of range."""


class DataError(WvlError):
    """An array or record at a room's door has the wrong shape, dtype, unit or value."""


class StoreError(WvlError):
    """The episode store cannot do what was asked without losing or inventing data."""


class CheckpointError(WvlError):
    """A checkpoint, tokenizer or registry version is missing, damaged or of the wrong kind."""


class RobotError(WvlError):
    """The robot or its gripper refuses a command or is in a state that forbids it."""


class CameraError(WvlError):
    """The camera cannot deliver the frames the rig file asks for."""


class TeleopError(WvlError):
    """The teleoperation device is missing, was unplugged, or has not been heard lately."""


class SetupError(WvlError):
    """The machine lacks a package, a port, a GL library, a permission or space."""

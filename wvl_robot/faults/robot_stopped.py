"""What tells that the robot has stopped by itself from everything else that may go wrong."""

from wvl_models.contract.errors import RobotError


class RobotStoppedError(RobotError):
    """A reflex on the way home, at an episode's start or while a trial drives the arm."""


def is_reflex(words: str) -> bool:
    """Whether these are the robot's words for a reflex."""
    return "reflex" in words


def error_of(words: str) -> RobotError:
    """The error that says them."""
    return RobotStoppedError(words) if is_reflex(words) else RobotError(words)

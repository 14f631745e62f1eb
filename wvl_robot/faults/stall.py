"""A reflex that nobody asked for: where the robot's control lost cycles it is the machine's.

The robot goes on by itself while cycles are lost, and what follows is a jump
(docs/decisions/008-faults.md). Such a trial has tried nothing: it is tried again, and counted.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from wvl_models.contract.errors import RobotError, WvlError
from wvl_robot.faults.promise import PromiseBrokenError

NUM_TRIES = 3


class RobotStoppedError(RobotError):
    """A reflex on the way home, at an episode's start or while a trial drives the arm."""


class Struck(Protocol):
    """An arm, and whatever else the trials share."""

    def num_lost_cycles(self) -> int:
        """Of the robot's control, so far."""

    def faults(self) -> str:
        """What is said to be wrong; empty where nothing is."""

    def make_ready(self) -> None:
        """Recover, for the next try."""


def despite_stalls(
    struck: Struck, attempt: Callable[[], Mapping[str, float]], *, may_stop: bool
) -> Mapping[str, float]:
    """What `attempt` measured, and how many tries before it were stopped by the machine.

    A reflex counts as the machine's where cycles were lost in the try; in an attempt that makes the
    robot stop itself (`may_stop`) only one on the way home, at the start or while driving.
    """
    for num_stalls in range(NUM_TRIES):
        num_lost = struck.num_lost_cycles()
        try:
            return {**attempt(), "stalls": num_stalls}
        except (PromiseBrokenError, WvlError) as error:
            is_early = isinstance(error, RobotStoppedError)
            is_stall = is_early or (not may_stop and _is_reflex(f"{error} {struck.faults()}"))
            if not is_stall or struck.num_lost_cycles() <= num_lost:
                raise
            struck.make_ready()
    raise PromiseBrokenError(f"the machine was too busy {NUM_TRIES} times")


def error_of(words: str) -> RobotError:
    """The error that says these words of the robot."""
    return RobotStoppedError(words) if _is_reflex(words) else RobotError(words)


def _is_reflex(words: str) -> bool:
    return "reflex" in words

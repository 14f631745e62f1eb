"""A person at a gamepad, as the teleop node would publish him: Joy at 50 Hz from a thread."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sensor_msgs.msg import Joy

from tests.ros.client import PATIENCE_S, Client
from wvl_robot.ros import topics

Y, OPTIONS, RIGHT_SHOULDER, UP = 3, 6, 10, 11
"""Buttons of config/teleop/gamepad.yaml: clear fault, start, dead-man, success."""

PERIOD_S = 0.02
AGAIN_S = 2.0


class EpisodeLostError(Exception):
    """The session gave the episode up: on a busy machine, frames and states come late."""


class Person:
    """Holds what he was last told to hold; `is_plugged` false is a cable that was pulled."""

    def __init__(self, client: Client) -> None:
        self._publisher = client.publisher(topics.TELEOP_JOY)
        self._status = client.hear(topics.SESSION_STATUS)
        self.is_plugged = True
        self._message = Joy()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._publish, daemon=True)
        self.hold()
        self._thread.start()

    def hold(self, *buttons: int, forward: float = 0.0, left: float = 0.0) -> None:
        """From now on."""
        self._message = Joy(
            axes=[left, forward, 0.0, 0.0, 0.0, 0.0],
            buttons=[int(index in buttons) for index in range(15)],
        )

    def press(self, button: int, is_so: Callable[[], bool]) -> None:
        """Press it, and again, until something is so: a busy machine may miss a press."""
        self._try(button, is_so, {})

    def clear_fault(self) -> None:
        """As `press`, in a fault."""
        self._try(Y, lambda: self._status[-1].state == "idle", {}, may_fail=True)

    def drive(self, is_so: Callable[[], bool], **stick: float) -> None:
        """Hold the dead-man and the stick until something is so, then let go."""
        self._try(RIGHT_SHOULDER, is_so, stick)

    def _try(
        self,
        button: int,
        is_so: Callable[[], bool],
        stick: dict[str, float],
        *,
        may_fail: bool = False,
    ) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not is_so():
            assert time.monotonic() < deadline, "it never was"
            if not may_fail and self._status and self._status[-1].state == "fault":
                raise EpisodeLostError(self._status[-1].fault)
            self.hold(button, **stick)
            again = time.monotonic() + AGAIN_S
            while not is_so() and time.monotonic() < again:
                time.sleep(PERIOD_S)
            self.hold()
            time.sleep(3 * PERIOD_S)

    def close(self) -> None:
        self._stop.set()
        self._thread.join(5.0)

    def _publish(self) -> None:
        while not self._stop.wait(PERIOD_S):
            if self.is_plugged:
                self._publisher.publish(self._message)


def in_some_attempt(person: Person, attempt: Callable[[], None]) -> None:
    """An episode that is lost is tried again, three times in all, as a person would."""
    for is_last in (False, False, True):
        try:
            attempt()
            return
        except EpisodeLostError:
            if is_last:
                raise
            person.is_plugged = True
            person.clear_fault()


@contextmanager
def at_the_controls(client: Client) -> Iterator[Person]:
    """A person, until he goes."""
    person = Person(client)
    try:
        yield person
    finally:
        person.close()

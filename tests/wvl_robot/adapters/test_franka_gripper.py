"""Which commands reach a hand that is slow; the hand is a stand-in that counts them."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from wvl_robot.adapters.franka_gripper import FrankaGripper
from wvl_robot.rig.config import GripperConfig

BUSY_S = 0.1


@dataclass(frozen=True)
class HandState:
    width: float
    is_grasped: bool


class SlowHand:
    """Takes 100 ms for a command, as a real one takes a second."""

    def __init__(self, width_m: float) -> None:
        self._width_m = width_m
        self.commands: list[str] = []
        self.is_stuck = False

    @property
    def state(self) -> HandState:
        time.sleep(0.005)
        return HandState(width=self._width_m, is_grasped=self._width_m < 0.03)

    def move(self, width_m: float, speed_mps: float) -> bool:
        return self._do("open", width_m)

    def grasp(self, width_m: float, *rest: float) -> bool:
        return self._do("close", 0.02)

    def _do(self, name: str, width_m: float) -> bool:
        self.commands.append(name)
        time.sleep(BUSY_S)
        if self.is_stuck:
            raise RuntimeError("libfranka gripper: command failed")
        self._width_m = width_m
        return True


def make(width_m: float = 0.065) -> tuple[SlowHand, FrankaGripper]:
    hand: Any = SlowHand(width_m)  # Any: stands in for franky.Gripper
    return hand, FrankaGripper(hand, GripperConfig())


@pytest.fixture
def pair() -> Iterator[tuple[SlowHand, FrankaGripper]]:
    hand, gripper = make()
    yield hand, gripper
    gripper.close()


def wait_until(is_true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 3.0
    while not is_true() and time.monotonic() < deadline:
        time.sleep(0.005)
    return is_true()


Pair = tuple[SlowHand, FrankaGripper]


def test_only_changes_are_sent(pair: Pair) -> None:
    hand, gripper = pair
    for is_open in [True] * 5 + [False] * 5:
        gripper.command(is_open=is_open)
        time.sleep(0.01)
    assert gripper.wait_until_done(3.0)
    time.sleep(0.3)
    assert hand.commands == ["close"]


def test_a_wish_never_waits_for_the_hand(pair: Pair) -> None:
    _, gripper = pair
    before_s = time.perf_counter()
    for k in range(100):
        gripper.command(is_open=k % 2 == 0)
    assert time.perf_counter() - before_s < BUSY_S


def test_the_newest_wish_wins(pair: Pair) -> None:
    hand, gripper = pair
    gripper.command(is_open=False)
    assert wait_until(lambda: hand.commands == ["close"])
    for is_open in (True, False, True):  # while it is busy closing
        gripper.command(is_open=is_open)
    assert gripper.wait_until_done(3.0)
    assert hand.commands == ["close", "open"]


def test_a_wish_that_comes_and_goes_is_never_sent(pair: Pair) -> None:
    hand, gripper = pair
    gripper.command(is_open=False)
    assert wait_until(lambda: hand.commands == ["close"])
    gripper.command(is_open=True)
    gripper.command(is_open=False)
    assert gripper.wait_until_done(3.0)
    time.sleep(0.3)
    assert hand.commands == ["close"]


def test_a_hand_that_was_left_closed_is_opened_first() -> None:
    hand, gripper = make(width_m=0.01)
    gripper.command(is_open=True)
    assert gripper.wait_until_done(3.0)
    gripper.close()
    assert hand.commands == ["open"]


def test_a_failed_command_is_told_and_not_repeated_until_the_next_change(pair: Pair) -> None:
    hand, gripper = pair
    hand.is_stuck = True
    gripper.command(is_open=False)
    assert wait_until(lambda: gripper.fault is not None)
    assert "did not close" in str(gripper.fault)
    time.sleep(0.3)
    assert hand.commands == ["close"]
    hand.is_stuck = False
    gripper.command(is_open=True)
    assert wait_until(lambda: gripper.fault is None)
    assert hand.commands == ["close", "open"]


def test_feedback_comes_from_readings(pair: Pair) -> None:
    _, gripper = pair
    assert gripper.width_m == 0.065
    assert not gripper.is_grasped
    gripper.command(is_open=False)
    assert wait_until(lambda: gripper.is_grasped)
    assert gripper.width_m == 0.02


def test_threads_end_on_close() -> None:
    _, gripper = make()
    gripper.close()
    gripper.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("gripper-")]

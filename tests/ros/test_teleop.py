"""A person drives the real graph on the virtual cell, takes over, loses his device."""

import os
import pty
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import Any

import numpy as np
import pytest

from tests.policies import publish_random
from tests.ros.client import Client
from tests.ros.graphs import Place, node, up
from tests.ros.operator import (
    OPTIONS,
    RIGHT_SHOULDER,
    UP,
    EpisodeLostError,
    at_the_controls,
    in_some_attempt,
)
from wvl_models.contract.episode import Origin, Outcome
from wvl_models.contract.verdict import Verdict
from wvl_models.episodes.store import EpisodeStore
from wvl_models.registry.registry import Registry
from wvl_robot.environment import node_environment
from wvl_robot.ros import topics
from wvl_robot.share import share_folder

pytestmark = [pytest.mark.ros, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def client(place: Place) -> Iterator[Client]:
    one = Client()
    yield one
    one.close()


class Watch:
    """The session's status, as it was last heard."""

    def __init__(self, client: Client) -> None:
        self._client, self._heard = client, client.hear(topics.SESSION_STATUS)

    @property
    def now(self) -> Any:  # SessionStatus
        self._client.until(lambda: bool(self._heard))
        return self._heard[-1]

    def until_ready(self) -> None:
        self._client.until(lambda: self.now.is_ready)

    def until_steps(self, number: int) -> None:
        """Of the running episode; EpisodeLostError where it is given up meanwhile."""

        def is_so() -> bool:
            if self.now.state == "fault":
                raise EpisodeLostError(self.now.fault)
            return bool(self.now.num_steps >= number)

        self._client.until(is_so)

    def is_in(self, state: str) -> Callable[[], bool]:
        return lambda: self.now.state == state


class Arm:
    """Where the arm is."""

    def __init__(self, client: Client) -> None:
        self._heard = client.hear(topics.ROBOT_STATE)

    def at(self) -> Any:  # geometry_msgs/Point
        return self._heard[-1].pose.position


@pytest.mark.cell
def test_a_person_records_an_episode_and_may_pull_the_plug_in_between(
    place: Place, client: Client
) -> None:
    store = place.folder / "episodes"
    words = (f"host:={place.host}", f"store:={store}", "operator:=ann")
    with up("teleop_collect", "teleop:=joy", *words) as graph:
        watch = Watch(client)
        client.until(lambda: "device (joy) is silent" in watch.now.not_ready)
        with at_the_controls(client) as person:
            watch.until_ready()
            arm = Arm(client)

            def attempt() -> None:
                person.press(OPTIONS, watch.is_in("running"))
                start = arm.at()
                person.drive(lambda: arm.at().x > start.x + 0.04, forward=1.0)
                person.hold(RIGHT_SHOULDER, forward=1.0)
                person.is_plugged = False
                graph.wait_for("The arm holds meanwhile")
                held = watch.now.num_steps
                watch.until_steps(held + 5)
                person.is_plugged = True
                watch.until_steps(held + 10)
                person.hold()  # what comes back held must be let go once
                person.drive(lambda: arm.at().y > start.y + 0.03, left=1.0)
                person.press(UP, watch.is_in("idle"))

            in_some_attempt(person, attempt)
        assert graph.end() == 0, graph.output
    assert "Traceback" not in graph.output
    with EpisodeStore(store) as opened:
        episode_id = opened.ids()[-1]
        assert opened.verify(episode_id) == ()
        header, signals = opened.header(episode_id), opened.read_signals(episode_id)
        label = opened.labels.current(episode_id)
    assert (header.origin, header.seed, header.operator) == (Origin.TELEOP, None, "ann")
    assert label is not None and (label.outcome, label.author) == (Outcome.SUCCESS, "ann")
    assert not signals.is_intervention.any()
    assert (signals.verdict != Verdict.CLAMP).all(), "the gate had nothing to slow down"
    moves = np.diff(signals.sent[:, :3], axis=0)
    assert moves[:, 0].sum() > 0.02 and moves[:, 1].sum() > 0.015
    lengths = np.linalg.norm(moves, axis=1)
    assert lengths.max() <= 0.012 + 1e-9, "no step is above the profile's speed"
    assert longest(lengths < 1e-9) >= 8, "held while the plug was out, and until it was let go"


@pytest.mark.cell
def test_a_person_takes_over_from_a_policy_which_goes_on_from_where_he_left_the_arm(
    place: Place, client: Client
) -> None:
    registry = Registry(place.folder / "registry")
    version = publish_random(registry, place.folder / "scratch", 1)
    store = place.folder / "episodes"
    words = (f"host:={place.host}", f"store:={store}", f"registry:={registry.root}")
    with up("deploy_policy", "teleop:=joy", f"policy:={version}", *words) as graph:
        watch = Watch(client)
        with at_the_controls(client) as person:
            watch.until_ready()
            arm = Arm(client)

            def attempt() -> None:
                person.press(OPTIONS, watch.is_in("running"))
                watch.until_steps(8)
                start_x = arm.at().x
                person.drive(lambda: arm.at().x < start_x - 0.05, forward=-1.0)
                watch.until_steps(watch.now.num_steps + 15)
                person.press(UP, watch.is_in("idle"))

            in_some_attempt(person, attempt)
        assert graph.end() == 0, graph.output
    with EpisodeStore(store) as opened:
        episode_id = opened.ids()[-1]
        facts, signals = opened.facts(episode_id), opened.read_signals(episode_id)
        header = opened.header(episode_id)
    assert header.origin is Origin.POLICY and header.seed is None
    runs = [(flag, len(list(steps))) for flag, steps in groupby(signals.is_intervention.tolist())]
    assert [flag for flag, _ in runs] == [False, True, False]
    assert runs[1][1] >= 5
    assert version in facts.policy_versions
    first, last = runs[0][1], runs[0][1] + runs[1][1]
    moves = np.diff(signals.sent[:, :3], axis=0)
    assert moves[first : last - 1, 0].sum() < -0.02, "the person's way"
    after = np.linalg.norm(moves[last:], axis=1)
    assert (after > 1e-6).any(), "the policy moves again"
    assert after.max() <= 0.02, "and does not jump back to where it had been"


def longest(flags: np.ndarray) -> int:
    """Length of the longest run of true."""
    return max((len(list(run)) for flag, run in groupby(flags.tolist()) if flag), default=0)


TTY = "import os, sys; os.open(sys.argv[1], os.O_RDWR); os.execv(sys.executable, sys.argv[2:])"
"""The first terminal that the leader of a session opens is its own; then it becomes the program."""


@contextmanager
def in_a_terminal(*words: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A Python program in a terminal of its own, and the terminal's other end."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", TTY, os.ttyname(theirs), sys.executable, *words]
    child = subprocess.Popen(
        command,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env=node_environment(share_folder(), os.environ),
    )
    os.close(theirs)
    try:
        yield child, ours
    finally:
        child.kill()
        child.wait()
        os.close(ours)


def read_until(file: int, words: str) -> str:
    """What the program wrote, up to these words."""
    said = ""
    deadline = time.monotonic() + 60.0
    while words not in said:
        assert time.monotonic() < deadline, said
        said += os.read(file, 4096).decode("utf-8", "replace")
    return said


def test_the_keyboard_program_reads_its_terminal_until_ctrl_c(place: Place, client: Client) -> None:
    with in_a_terminal("-m", "wvl_models.cli.main", "teleop", "keyboard") as (
        child,
        file,
    ):
        said = read_until(file, "Ctrl-C: end")
        assert "forward/back" in said
        heard = client.hear(topics.KEYBOARD_JOY)
        client.until(lambda: bool(heard))
        assert not any(heard[-1].buttons)
        os.write(file, b"w")
        client.until(lambda: any(joy.axes[0] == 1.0 and joy.buttons[0] for joy in heard))
        client.until(lambda: not any(heard[-1].buttons))
        os.write(file, b"\x03")
        assert child.wait(60.0) == 0


def test_a_keyboard_without_a_terminal_says_what_to_do(place: Place) -> None:
    with node("teleop", device="keyboard") as running:
        assert running.wait(60.0) == 1
    assert "there is no terminal here" in running.output and "Traceback" not in running.output


def test_a_missing_device_is_waited_for(place: Place) -> None:
    with node("teleop", device="gamepad") as running:
        running.wait_for("no gamepad found")
        assert running.end() == 0, running.output
    assert running.output.count("no gamepad found") == 1

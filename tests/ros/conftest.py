"""Every ROS test has a domain and a loopback address of its own, so that several run at once."""

import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed: `make setup`")
pytest.importorskip("wvl_interfaces", reason="wvl_interfaces is not built: `make setup`")

with warnings.catch_warnings():  # rosidl's parser uses a module that Python calls deprecated
    warnings.simplefilter("ignore", DeprecationWarning)
    import rosidl_generator_py  # noqa: F401

from tests.cells import SHARE
from tests.ros.graphs import Place
from wvl_robot.ros.live_lab import free_domain
from wvl_robot.ros.profile import put_in_force

put_in_force(SHARE)  # before the first participant of this process, which sends images, too

_counter = 0


def make_place(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A domain and an address of its own, in the environment of this process, too."""
    global _counter
    _counter += 1
    pid = os.getpid()
    host = f"127.{128 + (pid >> 8) % 100}.{max(pid & 255, 1)}.{1 + _counter % 250}"
    domain = free_domain()
    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    monkeypatch.setenv("ROS_LOG_DIR", str(folder / "ros_log"))
    return Place(host=host, domain=domain, folder=folder)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Where a test's nodes live."""
    return make_place(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def shared_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Where the nodes of a whole file live."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield make_place(tmp_path_factory.mktemp("ros"), monkeypatch)

"""Every ROS test has a domain and a loopback address of its own, so that several run at once."""

import os
import warnings
from collections.abc import Iterator

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed: `make setup`")
pytest.importorskip("wvl_interfaces", reason="wvl_interfaces is not built: `make setup`")

with warnings.catch_warnings():  # rosidl's parser uses a module that Python calls deprecated
    warnings.simplefilter("ignore", DeprecationWarning)
    import rosidl_generator_py  # noqa: F401

from tests.ros.graphs import Place
from wvl_robot.ros.live_lab import free_domain

_counter = 0


@pytest.fixture
def place(tmp_path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """Where a test's nodes live; the test's own process, too."""
    global _counter
    _counter += 1
    pid = os.getpid()
    host = f"127.{128 + (pid >> 8) % 100}.{max(pid & 255, 1)}.{1 + _counter % 250}"
    domain = free_domain()
    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    monkeypatch.setenv("ROS_LOG_DIR", str(tmp_path / "ros_log"))
    yield Place(host=host, domain=domain, folder=tmp_path)

"""The session's ports at a real topic."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("rclpy")

import rclpy

from tests.ros.graphs import Place
from wvl_models.contract.examples import example_observation
from wvl_robot.adapters.system_clock import SystemClock
from wvl_robot.ros import convert, topics
from wvl_robot.ros.host import Ending, Host
from wvl_robot.ros.session_ports import RosCamera

pytestmark = [pytest.mark.ros]


@pytest.fixture
def host(place: Place) -> Iterator[Host]:
    rclpy.init(domain_id=place.domain)
    node = rclpy.create_node("ports")
    host = Host(node, Ending())
    yield host
    host.close()
    node.destroy_node()
    rclpy.shutdown()


def spin_until(host: Host, is_true: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 20.0
    while not is_true():
        assert time.monotonic() < deadline_s
        rclpy.spin_once(host.node, timeout_sec=0.02)


def test_frames_lost_on_the_way_to_the_session_are_counted(host: Host) -> None:
    camera = RosCamera(host, SystemClock(), frozenset())
    send_image = host.publisher(topics.IMAGE)
    send_metadata = host.publisher(topics.FRAME_METADATA)
    frame = example_observation(np.random.default_rng(0)).frame

    def send(number: int, *, with_metadata: bool) -> None:
        numbered = replace(frame, frame_number=number, stamp_ns=frame.stamp_ns + number)
        stamp = host.time()
        if with_metadata:
            send_metadata(convert.to_metadata(numbered, stamp))
        send_image(convert.to_image(numbered, stamp))

    for number, is_whole in ((7, True), (8, False), (9, True), (2, True), (5, True)):
        send(number, with_metadata=is_whole)
        if is_whole:
            arrived = frame.stamp_ns + number
            spin_until(host, lambda: _stamp_ns(camera) == arrived)  # noqa: B023  # of this round
    assert camera.health().num_lost == 1 + 2, "8 was lost, then 3 and 4 of a new camera node"


def _stamp_ns(camera: RosCamera) -> int:
    frame = camera.latest()
    return frame.stamp_ns if frame is not None else -1

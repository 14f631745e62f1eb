"""The session's ports at a real topic."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("rclpy")

import rclpy
from wvl_interfaces import msg

from tests.cells import SHARE
from tests.ros.graphs import Place
from wvl_models.contract.action import ActionSpec
from wvl_models.contract.examples import example_observation
from wvl_models.contract.task import load_task
from wvl_robot.adapters.system_clock import SystemClock
from wvl_robot.ros import convert, policy_follower, topics
from wvl_robot.ros.host import Ending, Host
from wvl_robot.ros.policy_follower import PolicyFollower
from wvl_robot.ros.session_ports import RosArmLink, RosCamera

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


def other_participant(place: Place, name: str, stack: ExitStack) -> rclpy.node.Node:
    """A node in a process of its own, as far as DDS can tell."""
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=place.domain)
    stack.callback(rclpy.shutdown, context=context)
    node = rclpy.create_node(name, context=context)
    stack.callback(node.destroy_node)
    return node


def test_no_episode_starts_before_the_policy_serves_and_sees_and_the_arm_expects_it(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower = PolicyFollower(host, load_task(SHARE, "lift_cube"), None)
    tell_policy, tell_arm = host.publisher(topics.POLICY_STATUS), host.publisher(topics.ARM_STATUS)
    assert follower.complaint() == "no policy is being served"
    spec = ActionSpec.unnormalised()
    for age_s, complaint in ((math.inf, "hears no camera"), (0.1, "does not let orders of")):
        tell_policy(convert.to_policy_status("v0001", spec, "", age_s, host.time()))
        spin_until(host, lambda: complaint in follower.complaint())  # noqa: B023  # of this round
    assert "does not let orders of policy v0001 pass" in follower.complaint()
    tell_arm(msg.ArmStatus(policy_version="v0001"))
    spin_until(host, lambda: follower.complaint() == "")
    monkeypatch.setattr(policy_follower, "STATUS_TIMEOUT_S", 0.0)
    assert "v0001 has been silent" in follower.complaint()


def test_a_policy_that_does_not_fit_is_complained_about_once(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    follower = PolicyFollower(host, load_task(SHARE, "lift_cube"), None)
    tell_policy = host.publisher(topics.POLICY_STATUS)
    spec = ActionSpec.unnormalised()
    tell_policy(convert.to_policy_status("v0001", spec, "", 0.1, host.time()))
    spin_until(host, lambda: follower.version == "v0001")
    for _ in range(3):
        tell_policy(
            convert.to_policy_status(
                "v0002", replace(spec, rate_hz=spec.rate_hz / 2), "", 0.1, host.time()
            )
        )
        spin_until(host, lambda: follower.version == "")
        rclpy.spin_once(host.node, timeout_sec=0.2)
    said = [record for record in caplog.records if "v0002 has chunks" in record.getMessage()]
    assert len(said) == 1


def test_orders_wait_until_the_robot_node_has_been_known_for_a_second(
    host: Host, place: Place
) -> None:
    """It is known by its receipts, not by its name: that may be missing after a kill."""
    link = RosArmLink(host)
    with ExitStack() as stack:
        onlooker = other_participant(place, "robot", stack)
        onlooker.create_subscription(msg.Setpoint, topics.SETPOINT.name, print, 1)
        spin_until(host, lambda: host.node.count_subscribers(topics.SETPOINT.name) == 1)
        assert link.complaint() == "no robot node hears orders"

        robot = other_participant(place, "of_another_name", stack)
        qos = topics.SETPOINT.qos
        robot.create_subscription(msg.Setpoint, topics.SETPOINT.name, print, qos)
        robot.create_publisher(msg.SetpointReceipt, topics.RECEIPT.name, topics.RECEIPT.qos)
        spin_until(host, lambda: link.complaint() == "the robot node has just been met")
        since_s = time.monotonic()
        spin_until(host, lambda: link.complaint() == "")
        assert time.monotonic() - since_s > 0.9
    spin_until(host, lambda: link.complaint() == "no robot node hears orders")


def _stamp_ns(camera: RosCamera) -> int:
    frame = camera.latest()
    return frame.stamp_ns if frame is not None else -1

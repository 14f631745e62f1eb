"""Messages and contract types: what goes out comes back, and what does not fit is refused."""

import math
from array import array
from dataclasses import fields

import numpy as np
import pytest

pytest.importorskip("rclpy")

from builtin_interfaces.msg import Time
from wvl_interfaces import msg

from wvl_models.contract.errors import DataError
from wvl_models.contract.examples import (
    example_action_spec,
    example_calibration,
    example_chunk,
    example_frame,
    example_observation,
    example_robot_state,
    example_setpoint,
)
from wvl_models.contract.verdict import Reason, Verdict
from wvl_robot.core.raw_order import RawOrder, parse_order
from wvl_robot.core.session_status import Fault, FaultKind, SessionState, SessionStatus
from wvl_robot.ports.arm_link import SetpointOrder, SetpointReceipt, Source
from wvl_robot.ports.camera import CameraFault, CameraHealth
from wvl_robot.ros import convert

pytestmark = pytest.mark.ros

NOW = Time(sec=3, nanosec=4)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def assert_same(a: object, b: object) -> None:
    """Equal field by field, arrays exactly."""
    if isinstance(a, np.ndarray):
        np.testing.assert_array_equal(a, b)
    elif hasattr(a, "__dataclass_fields__"):
        assert type(a) is type(b)
        for field in fields(a):
            assert_same(getattr(a, field.name), getattr(b, field.name))
    else:
        assert a == b


def test_a_robot_state_comes_back_bit_for_bit(rng: np.random.Generator) -> None:
    state = example_robot_state(rng, stamp_ns=12)
    assert_same(convert.from_robot_state(convert.to_robot_state(state, NOW)), state)


def test_an_order_comes_back_and_is_well_formed(rng: np.random.Generator) -> None:
    order = SetpointOrder(
        sequence=7,
        stamp_ns=100,
        expires_ns=200,
        setpoint=example_setpoint(rng),
        source=Source.POLICY,
        policy_version="v1",
    )
    raw = convert.from_order(convert.to_order(order, NOW))
    assert raw == RawOrder.of(order)
    assert not isinstance(parse_order(raw), Reason)


def test_a_broken_order_reaches_the_gate_instead_of_raising() -> None:
    message = msg.Setpoint(sequence=1, stamp_ns=1, expires_ns=2, source="nobody")
    message.target.pose.position.x = math.nan
    assert parse_order(convert.from_order(message)) is Reason.MALFORMED
    message.source = "teleop"
    assert parse_order(convert.from_order(message)) is Reason.NOT_FINITE


def test_a_receipt_comes_back(rng: np.random.Generator) -> None:
    receipt = SetpointReceipt(
        sequence=7,
        verdict=Verdict.CLAMP,
        reason=Reason.TABLE,
        sent=example_setpoint(rng),
        sent_ns=5,
    )
    assert_same(convert.from_receipt(convert.to_receipt(receipt)), receipt)


def test_a_frame_comes_back_from_its_two_messages(rng: np.random.Generator) -> None:
    frame = example_frame(rng, stamp_ns=9, width=8, height=6)
    image, metadata = convert.to_image(frame, NOW), convert.to_metadata(frame, NOW)
    assert convert.stamp_of(image) == convert.stamp_of(metadata)
    assert_same(convert.from_image(image, metadata), frame)


@pytest.mark.parametrize(("field", "value"), [("encoding", "bgr8"), ("step", 1), ("height", 7)])
def test_an_image_of_another_form_is_refused(
    rng: np.random.Generator, field: str, value: object
) -> None:
    frame = example_frame(rng, width=8, height=6)
    image = convert.to_image(frame, NOW)
    setattr(image, field, value)
    with pytest.raises(DataError, match="packed rgb8"):
        convert.from_image(image, convert.to_metadata(frame, NOW))


def test_intrinsics_come_back_through_camera_info(rng: np.random.Generator) -> None:
    k = example_calibration(rng).intrinsics
    info = convert.to_camera_info(k, NOW)
    assert info.k[2] == k.cx - 0.5, "ROS counts pixel centres in integers"
    assert convert.from_camera_info(info) == k


def test_a_query_comes_back_with_the_frame_that_it_names(rng: np.random.Generator) -> None:
    seen = example_observation(rng)
    query = convert.to_query(seen, NOW)
    assert query.frame_stamp_ns == seen.frame.stamp_ns
    assert_same(convert.from_query(query, seen.frame), seen)


def test_a_chunk_comes_back_bit_for_bit(rng: np.random.Generator) -> None:
    chunk = example_chunk(rng)
    assert_same(convert.from_chunk(convert.to_chunk(chunk, NOW)), chunk)


def test_a_chunk_that_is_no_rows_of_seven_is_refused(rng: np.random.Generator) -> None:
    message = convert.to_chunk(example_chunk(rng), NOW)
    message.actions = array("d", [0.0] * 8)
    with pytest.raises(DataError, match="rows of 7"):
        convert.from_chunk(message)


def test_a_policy_comes_back_with_its_ranges() -> None:
    spec = example_action_spec()
    version, heard = convert.from_policy_status(convert.to_policy_status("v1", spec, "", 0.1, NOW))
    assert version == "v1"
    assert_same(heard, spec)


def test_no_policy_is_told_as_none() -> None:
    assert convert.from_policy_status(convert.to_policy_status("", None, "", math.inf, NOW)) is None


@pytest.mark.parametrize("fault", CameraFault)
def test_camera_health_comes_back(fault: CameraFault) -> None:
    health = CameraHealth(fault=fault, rate_hz=29.5, num_lost=3)
    assert convert.from_health(convert.to_health(health, 5, NOW)) == health


def test_a_session_says_why_it_is_not_ready() -> None:
    status = SessionStatus(
        state=SessionState.FAULT,
        fault=Fault(kind=FaultKind.ARM_SILENT, detail="no state"),
        episode_id="",
        num_steps=0,
        verdict=Verdict.PASS,
        reason=Reason.NONE,
        last_episode_id="e1",
        num_missed_ticks=2,
        late_ns=3,
    )
    message = convert.to_session_status(status, 9, "the arm is silent", "v1", NOW)
    assert (message.state, message.fault) == ("fault", "arm silent: no state")
    assert (message.is_ready, message.not_ready) == (False, "the arm is silent")


@pytest.mark.parametrize(
    ("break_it", "read"),
    [
        (msg.RobotState(mode="flying"), convert.from_robot_state),
        (msg.SetpointReceipt(reason=250), convert.from_receipt),
        (msg.CameraStatus(fault="sad"), convert.from_health),
    ],
)
def test_a_name_or_number_that_nobody_knows_is_refused(break_it: object, read) -> None:
    with pytest.raises(DataError, match="unknown"):
        read(break_it)

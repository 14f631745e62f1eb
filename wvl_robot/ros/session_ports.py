"""The session's ports over ROS: camera, arm, policy and referee, each as it was last heard.

Callbacks put things down in the executor's thread, the session's thread picks them up; neither
waits for the other. Messages that do not fit the contract are dropped, and said so once a second.
"""

import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from sensor_msgs.msg import Image
from wvl_interfaces import msg

from wvl_models.contract.chunk import ActionChunk
from wvl_models.contract.errors import DataError, WvlError
from wvl_models.contract.observation import CameraFrame, Observation, RobotState
from wvl_robot.ports.arm_link import SetpointOrder, SetpointReceipt
from wvl_robot.ports.camera import CameraFault, CameraHealth
from wvl_robot.ports.clock import Clock
from wvl_robot.ros import convert, topics
from wvl_robot.ros.host import Host

_LOG = logging.getLogger(__name__)

MAX_UNPAIRED = 8
"""Images or metadata that wait for their other half: a quarter of a second."""

STATUS_TIMEOUT_NS = 1_000_000_000
"""A camera node that has said nothing for this long is gone."""

REFEREE_TIMEOUT_NS = 1_000_000_000

_PARTICIPANT_BYTES = 12
"""Of an endpoint's id: the beginning that says whose endpoint it is (RTPS)."""

ACQUAINTANCE_S = 1.0
"""A writer knows of a reader before the reader knows of the writer. Orders of that time come late
or never: a session that had just started gave an episode up after five of them (fault row 1)."""

_UNHEARD = CameraHealth(fault=CameraFault.SILENT, rate_hz=0.0, num_lost=0)

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Shelf(Generic[K, V]):
    """The newest few things by key."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._things: OrderedDict[K, V] = OrderedDict()

    def put(self, key: K, thing: V) -> None:
        """Add one; the oldest falls off."""
        self._things[key] = thing
        while len(self._things) > self._size:
            self._things.popitem(last=False)

    def take(self, key: K) -> V | None:
        """Remove and return one, or None."""
        return self._things.pop(key, None)

    def get(self, key: K) -> V | None:
        """One, or None."""
        return self._things.get(key)


class Complaints:
    """Logs what does not fit, at most once a second."""

    def __init__(self) -> None:
        self._last_s = 0.0

    def __call__(self, topic: str, error: WvlError) -> None:
        """A message of `topic` was dropped."""
        if time.monotonic() - self._last_s > 1.0:
            self._last_s = time.monotonic()
            _LOG.warning("a message on %s was dropped: %s", topic, error)


class FrameHearer:
    """Joins Image and FrameMetadata by their stamp, whichever comes first."""

    def __init__(self, host: Host, take: Callable[[CameraFrame], None]) -> None:
        """`take` is called with every whole frame, in the executor's thread."""
        self._take, self._complain = take, Complaints()
        self._images: Shelf[tuple[int, int], Image] = Shelf(MAX_UNPAIRED)
        self._metadata: Shelf[tuple[int, int], msg.FrameMetadata] = Shelf(MAX_UNPAIRED)
        host.subscribe(topics.FRAME_METADATA, self._on_metadata)
        host.subscribe(topics.IMAGE, self._on_image)

    def _on_metadata(self, metadata: msg.FrameMetadata) -> None:
        stamp = convert.stamp_of(metadata)
        image = self._images.take(stamp)
        if image is None:
            self._metadata.put(stamp, metadata)
        else:
            self._join(image, metadata)

    def _on_image(self, image: Image) -> None:
        stamp = convert.stamp_of(image)
        metadata = self._metadata.take(stamp)
        if metadata is None:
            self._images.put(stamp, image)
        else:
            self._join(image, metadata)

    def _join(self, image: Image, metadata: msg.FrameMetadata) -> None:
        try:
            self._take(convert.from_image(image, metadata))
        except DataError as error:
            self._complain(topics.IMAGE.name, error)


class RosCamera:
    """The camera node as a `Camera`."""

    def __init__(self, host: Host, clock: Clock, tolerated: frozenset[CameraFault]) -> None:
        """`tolerated` faults are none here: the age of the frames decides."""
        self._clock, self._tolerated = clock, tolerated
        self._frame: CameraFrame | None = None
        self._health, self._heard_ns, self._num_lost = _UNHEARD, 0, 0
        FrameHearer(host, self._take)
        host.subscribe(topics.CAMERA_STATUS, self._on_status)

    def latest(self) -> CameraFrame | None:
        """See `Camera`."""
        return self._frame

    def health(self) -> CameraHealth:
        """See `Camera`; what was lost on the way from the camera node counts as lost, too."""
        health = self._health
        is_gone = self._clock.now_ns() - self._heard_ns > STATUS_TIMEOUT_NS
        fault = CameraFault.SILENT if is_gone else health.fault
        if fault in self._tolerated:
            fault = CameraFault.NONE
        num_lost = max(health.num_lost, self._num_lost)
        return CameraHealth(fault=fault, rate_hz=health.rate_hz, num_lost=num_lost)

    def close(self) -> None:
        """The node is closed by its host."""

    def _take(self, frame: CameraFrame) -> None:
        before, self._frame = self._frame, frame
        if before is not None:  # a camera node that was started anew counts from zero again
            self._num_lost += max(frame.frame_number - before.frame_number - 1, 0)

    def _on_status(self, status: msg.CameraStatus) -> None:
        self._health, self._heard_ns = convert.from_health(status), self._clock.now_ns()


class RosArmLink:
    """The robot node as an `ArmLink`."""

    def __init__(self, host: Host) -> None:
        self._host, self._complain = host, Complaints()
        self._state: RobotState | None = None
        self._receipts: deque[SetpointReceipt] = deque()
        self._publish = host.publisher(topics.SETPOINT)
        self._hearers: set[bytes] = set()
        self._met_s = time.monotonic()
        host.subscribe(topics.ROBOT_STATE, self._on_state)
        host.subscribe(topics.RECEIPT, self._on_receipt)

    def state(self) -> RobotState | None:
        """See `ArmLink`."""
        return self._state

    def order(self, order: SetpointOrder) -> None:
        """See `ArmLink`."""
        self._publish(convert.to_order(order, self._host.time()))

    def receipts(self) -> list[SetpointReceipt]:
        """See `ArmLink`."""
        return [self._receipts.popleft() for _ in range(len(self._receipts))]

    def complaint(self) -> str:
        """Why an order would not arrive; empty where it would. Asked a few times a second.

        The robot node is who sends receipts. Its name would say so, too, but names come by a
        message of their own, which the successor of a killed session may never hear (fault row 11).
        """
        node = self._host.node
        robots = set(map(_participant, node.get_publishers_info_by_topic(topics.RECEIPT.name)))
        found = node.get_subscriptions_info_by_topic(topics.SETPOINT.name)
        hearers = {bytes(one.endpoint_gid) for one in found if _participant(one) in robots}
        if hearers - self._hearers:
            self._met_s = time.monotonic()
        self._hearers = hearers
        if not hearers:
            return "no robot node hears orders"
        is_new = time.monotonic() - self._met_s < ACQUAINTANCE_S
        return "the robot node has just been met" if is_new else ""

    def _on_state(self, message: msg.RobotState) -> None:
        try:
            self._state = convert.from_robot_state(message)
        except DataError as error:
            self._complain(topics.ROBOT_STATE.name, error)

    def _on_receipt(self, message: msg.SetpointReceipt) -> None:
        try:
            self._receipts.append(convert.from_receipt(message))
        except DataError as error:
            self._complain(topics.RECEIPT.name, error)


def _participant(endpoint: Any) -> bytes:  # TopicEndpointInfo
    return bytes(endpoint.endpoint_gid)[:_PARTICIPANT_BYTES]


class RosDecider:
    """The policy node as a `Decider`."""

    def __init__(self, host: Host) -> None:
        self._host, self._complain = host, Complaints()
        self._lock = threading.Lock()
        self._chunk: ActionChunk | None = None
        self._publish = host.publisher(topics.POLICY_QUERY)
        host.subscribe(topics.ACTION_CHUNK, self._on_chunk)

    def ask(self, observation: Observation) -> None:
        """See `Decider`."""
        self._publish(convert.to_query(observation, self._host.time()))

    def answer(self) -> ActionChunk | None:
        """See `Decider`."""
        with self._lock:
            chunk, self._chunk = self._chunk, None
        return chunk

    def _on_chunk(self, message: msg.ActionChunk) -> None:
        try:
            chunk = convert.from_chunk(message)
        except DataError as error:
            self._complain(topics.ACTION_CHUNK.name, error)
            return
        with self._lock:
            self._chunk = chunk


class RosReferee:
    """The virtual cell's predicate as a `Referee`; silent on a real rig."""

    def __init__(self, host: Host) -> None:
        self._newest: Any = None  # SuccessState
        host.subscribe(topics.SUCCESS, self._on_success)

    def is_success(self, stamp_ns: int) -> bool | None:
        """See `Referee`: the newest judgement, unless it is too old to count."""
        newest = self._newest
        if newest is None or stamp_ns - newest.stamp_ns > REFEREE_TIMEOUT_NS:
            return None
        return bool(newest.is_success)

    def _on_success(self, message: msg.SuccessState) -> None:
        self._newest = message


class RosRecovery:
    """Asks the robot node to recover the arm, on the operator's button; never waits for it."""

    def __init__(self, host: Host) -> None:
        self._client = host.client(topics.RECOVER)

    def __call__(self) -> None:
        """Ask; the answer goes to the log. An arm without a fault refuses, and that is all."""
        if self._client.service_is_ready():
            self._client.call_async(topics.RECOVER.kind.Request()).add_done_callback(self._say)

    def _say(self, future: Any) -> None:  # rclpy's Future of a Trigger.Response
        answer = future.result()
        if answer is not None:
            _LOG.info("recovery of the arm: %s", answer.message)

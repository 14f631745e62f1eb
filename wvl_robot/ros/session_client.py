"""SessionControl over ROS services and topics, on a node that somebody else made and spins.

Messages are turned into reports in the executor's thread and picked up by the panel's. No call
waits: a service that is not there is an answer, too.
"""

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from rclpy.node import Node
from std_srvs.srv import Trigger
from wvl_interfaces import msg, srv

from wvl_models.contract.episode import Origin, Outcome
from wvl_models.contract.errors import SetupError
from wvl_robot.core.announced_sink import EpisodeChange
from wvl_robot.core.arm_guard import ArmState
from wvl_robot.core.live.control import Answer, ArmReport, EpisodeReport, SessionReport
from wvl_robot.core.session_status import SessionState
from wvl_robot.ros import topics

ValueT = TypeVar("ValueT")

NUM_EVENTS = 100
"""As many as the topic itself keeps."""


class RosSessionControl:
    """Implements `core.live.control.SessionControl`."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._session: SessionReport | None = None
        self._arm: ArmReport | None = None
        self._events: deque[EpisodeReport] = deque(maxlen=NUM_EVENTS)
        self._subscriptions = [
            node.create_subscription(topic.kind, topic.name, callback, topic.qos)
            for topic, callback in (
                (topics.SESSION_STATUS, self._on_session),
                (topics.ARM_STATUS, self._on_arm),
                (topics.EPISODE_EVENT, self._on_event),
            )
        ]
        used = (topics.START, topics.STOP, topics.LABEL, topics.CLEAR_FAULT)
        self._clients = {
            endpoint.name: node.create_client(endpoint.kind, endpoint.name)
            for endpoint in (*used, topics.RECOVER, topics.GO_HOME)
        }

    def close(self) -> None:
        """Take everything off the node, in its executor's thread, which waits on it till then."""
        executor = self._node.executor
        if executor is None:
            self._destroy()
        else:
            executor.create_task(self._destroy)

    def _destroy(self) -> None:
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        for client in self._clients.values():
            self._node.destroy_client(client)

    def has_service(self, endpoint: topics.Endpoint) -> bool:
        """Whether somebody answers; a graph takes a moment to be seen."""
        return bool(self._clients[endpoint.name].service_is_ready())

    def session(self) -> SessionReport | None:
        """See `SessionControl`."""
        return self._session

    def arm(self) -> ArmReport | None:
        """See `SessionControl`."""
        return self._arm

    def events(self) -> tuple[EpisodeReport, ...]:
        """See `SessionControl`."""
        taken = []
        while self._events:
            taken.append(self._events.popleft())
        return tuple(taken)

    def start(self, task: str, notes: str) -> Future[Answer]:
        """See `SessionControl`."""
        return self._ask(topics.START, srv.StartEpisode.Request(task=task, notes=notes))

    def stop(self, outcome: Outcome | None) -> Future[Answer]:
        """See `SessionControl`."""
        return self._ask(topics.STOP, srv.StopEpisode.Request(outcome=_word(outcome)))

    def discard(self) -> Future[Answer]:
        """See `SessionControl`."""
        return self._ask(topics.STOP, srv.StopEpisode.Request(discard=True))

    def label(self, episode_id: str, outcome: Outcome | None) -> Future[Answer]:
        """See `SessionControl`."""
        request = srv.LabelEpisode.Request(
            episode_id=episode_id, outcome=_word(outcome), confidence=1.0
        )
        return self._ask(topics.LABEL, request)

    def clear_fault(self) -> Future[Answer]:
        """See `SessionControl`."""
        return self._ask(topics.CLEAR_FAULT, Trigger.Request())

    def recover(self) -> Future[Answer]:
        """See `SessionControl`."""
        return self._ask(topics.RECOVER, Trigger.Request())

    def go_home(self) -> Future[Answer]:
        """See `SessionControl`."""
        return self._ask(topics.GO_HOME, Trigger.Request())

    def _ask(self, endpoint: topics.Endpoint, request: Any) -> Future[Answer]:
        """Any: a request of that service."""
        promise: Future[Answer] = Future()
        if not self.has_service(endpoint):
            promise.set_exception(
                SetupError(f"nobody answers {endpoint.name}: is the graph running?")
            )
            return promise
        client = self._clients[endpoint.name]
        client.call_async(request).add_done_callback(lambda done: _fulfil(promise, done))
        return promise

    def _on_session(self, message: msg.SessionStatus) -> None:
        state = _known(SessionState, message.state)
        if state is not None:
            self._session = SessionReport(
                heard_ns=time.monotonic_ns(),
                state=state,
                fault=message.fault,
                not_ready=message.not_ready,
                episode_id=message.episode_id,
                num_steps=int(message.num_steps),
                last_episode_id=message.last_episode_id,
                num_missed_ticks=int(message.num_missed_ticks),
                policy_version=message.policy_version,
            )

    def _on_arm(self, message: msg.ArmStatus) -> None:
        state = _known(ArmState, message.state)
        if state is not None:
            self._arm = ArmReport(
                heard_ns=time.monotonic_ns(),
                state=state,
                fault=message.fault,
                gripper_fault=message.gripper_fault,
            )

    def _on_event(self, message: msg.EpisodeEvent) -> None:
        change, origin = _known(EpisodeChange, message.kind), _known(Origin, message.origin)
        if change is not None and origin is not None:
            self._events.append(
                EpisodeReport(
                    change=change,
                    episode_id=message.episode_id,
                    task=message.task,
                    origin=origin,
                    outcome=_known(Outcome, message.outcome),
                    num_steps=int(message.num_steps),
                    detail=message.detail,
                )
            )


def _known(kind: Callable[[str], ValueT], word: str) -> ValueT | None:
    """A word of an enum; None for what this version does not know."""
    try:
        return kind(word)
    except ValueError:
        return None


def _word(outcome: Outcome | None) -> str:
    return "" if outcome is None else outcome.value


def _fulfil(promise: Future[Answer], done: Any) -> None:  # rclpy's Future
    if not promise.set_running_or_notify_cancel():
        return  # the presenter has stopped waiting
    error = done.exception()
    if error is not None:
        promise.set_exception(error)
        return
    answer = done.result()
    promise.set_result(Answer(is_accepted=bool(answer.success), text=str(answer.message)))

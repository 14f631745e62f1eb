"""The panel's side of the session, against a node that answers as a session does."""

from array import array
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import numpy as np
import pytest
from sensor_msgs.msg import Image
from wvl_interfaces import msg

from tests.ros.client import Client
from tests.ros.graphs import Place
from wvl_models.contract.episode import Outcome
from wvl_models.contract.errors import SetupError
from wvl_robot.core.announced_sink import EpisodeChange
from wvl_robot.core.arm_guard import ArmState
from wvl_robot.core.session_status import SessionState
from wvl_robot.ros import topics
from wvl_robot.ros.live_camera import RosLiveCamera
from wvl_robot.ros.session_client import RosSessionControl

pytestmark = [pytest.mark.ros]


class Session:
    """A node with the session's services; it says yes, or no with a reason."""

    def __init__(self) -> None:
        self.client = Client()
        self.asked: list[Any] = []
        self.refusal = ""

    def serve(self, endpoint: topics.Endpoint) -> None:
        self.client.node.create_service(endpoint.kind, endpoint.name, self._answer)

    def _answer(self, request: Any, response: Any) -> Any:
        self.asked.append(request)
        response.success, response.message = not self.refusal, self.refusal or "done"
        return response


@pytest.fixture
def session(place: Place) -> Iterator[Session]:
    session = Session()
    yield session
    session.client.close()


@pytest.fixture
def panel(place: Place) -> Iterator[Client]:
    """Stands in for rqt, which owns and spins the node."""
    client = Client()
    yield client
    client.close()


@pytest.fixture
def control(panel: Client) -> Iterator[RosSessionControl]:
    control = RosSessionControl(panel.node)
    yield control
    control.close()


def wait_ready(panel: Client, control: RosSessionControl, endpoint: topics.Endpoint) -> None:
    panel.until(lambda: control.has_service(endpoint))


def answer(panel: Client, future: Future) -> Any:
    panel.until(future.done)
    return future.result()


def test_a_service_that_is_not_there_is_an_answer_at_once(control: RosSessionControl) -> None:
    with pytest.raises(SetupError, match=r"nobody answers session/start"):
        control.start("", "").result(timeout=0)


def test_a_request_reaches_the_session_and_its_answer_comes_back(
    session: Session, panel: Client, control: RosSessionControl
) -> None:
    session.serve(topics.START)
    wait_ready(panel, control, topics.START)
    said = answer(panel, control.start("lift_cube", "a note"))
    assert (said.is_accepted, said.text) == (True, "done")
    assert (session.asked[0].task, session.asked[0].notes) == ("lift_cube", "a note")


def test_a_refusal_keeps_the_sessions_own_words(
    session: Session, panel: Client, control: RosSessionControl
) -> None:
    session.serve(topics.RECOVER)
    session.refusal = "the arm is not in a fault."
    wait_ready(panel, control, topics.RECOVER)
    said = answer(panel, control.recover())
    assert (said.is_accepted, said.text) == (False, "the arm is not in a fault.")


@pytest.mark.parametrize(
    ("outcome", "word"), [(Outcome.NEAR_SUCCESS, "near_success"), (None, "")], ids=["label", "undo"]
)
def test_a_label_goes_out_in_the_operators_name(
    session: Session,
    panel: Client,
    control: RosSessionControl,
    outcome: Outcome | None,
    word: str,
) -> None:
    session.serve(topics.LABEL)
    wait_ready(panel, control, topics.LABEL)
    answer(panel, control.label("an-episode", outcome))
    request = session.asked[0]
    assert (request.episode_id, request.outcome, request.author) == ("an-episode", word, "")


def test_the_newest_status_is_kept(
    session: Session, panel: Client, control: RosSessionControl
) -> None:
    assert control.session() is None
    status = session.client.publisher(topics.SESSION_STATUS)
    arm = session.client.publisher(topics.ARM_STATUS)
    status.publish(msg.SessionStatus(state="fault", fault="arm fault: reflex", num_steps=7))
    arm.publish(msg.ArmStatus(state="fault", fault="cartesian_reflex"))
    panel.until(lambda: control.session() is not None and control.arm() is not None)
    assert control.session().state is SessionState.FAULT
    assert (control.session().fault, control.session().num_steps) == ("arm fault: reflex", 7)
    assert (control.arm().state, control.arm().fault) == (ArmState.FAULT, "cartesian_reflex")


def test_a_word_of_another_version_is_no_status(
    session: Session, panel: Client, control: RosSessionControl
) -> None:
    status = session.client.publisher(topics.SESSION_STATUS)
    status.publish(msg.SessionStatus(state="dreaming"))
    status.publish(msg.SessionStatus(state="idle"))
    panel.until(lambda: control.session() is not None)
    assert control.session().state is SessionState.IDLE


def test_events_are_told_once(session: Session, panel: Client, control: RosSessionControl) -> None:
    events = session.client.publisher(topics.EPISODE_EVENT)
    for kind, outcome in (("started", ""), ("committed", "success")):
        events.publish(
            msg.EpisodeEvent(kind=kind, episode_id="one", origin="teleop", outcome=outcome)
        )
    heard: list[Any] = []
    panel.until(lambda: len(heard.extend(control.events()) or heard) == 2)
    assert [event.change for event in heard] == [EpisodeChange.STARTED, EpisodeChange.COMMITTED]
    assert [event.outcome for event in heard] == [None, Outcome.SUCCESS]
    assert control.events() == ()


def test_nothing_stays_on_the_node(panel: Client) -> None:
    def count() -> int:
        return len(list(panel.node.subscriptions)) + len(list(panel.node.clients))

    before = count()
    control = RosSessionControl(panel.node)
    assert count() > before
    control.close()
    panel.until(lambda: count() == before)


@pytest.fixture
def publish_image(session: Session) -> Callable[[int], None]:
    publisher = session.client.node.create_publisher(Image, topics.IMAGE.name, topics.IMAGE.qos)

    def publish(value: int) -> None:
        data = array("B", np.full((4, 6, 3), value, dtype=np.uint8).tobytes())
        publisher.publish(Image(height=4, width=6, encoding="rgb8", step=18, data=data))

    return publish


def test_pictures_come_while_somebody_looks(
    publish_image: Callable[[int], None], panel: Client
) -> None:
    camera = RosLiveCamera(panel.node)
    assert camera.newest() is None
    camera.set_wanted(True)

    def has_come() -> bool:
        publish_image(9)
        return camera.newest() is not None

    panel.until(has_come)
    assert camera.newest().shape == (4, 6, 3)
    camera.set_wanted(False)
    assert list(panel.node.subscriptions) == []

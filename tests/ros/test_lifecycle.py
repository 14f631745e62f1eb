"""Managed nodes: what each transition does, what is refused, and that activating again works."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("rclpy")

from tests.ros.client import Client
from tests.ros.graphs import Place, node, up
from tests.ros.lifecycle import ACTIVATE, CLEANUP, CONFIGURE, DEACTIVATE, change, state
from wvl_models.contract.episode import Outcome
from wvl_models.contract.errors import StoreError
from wvl_models.episodes.store import EpisodeStore
from wvl_robot.ros import topics

pytestmark = [pytest.mark.ros, pytest.mark.slow]


@pytest.fixture
def client(place: Place) -> Iterator[Client]:
    client = Client()
    yield client
    client.close()


def is_locked(store: Path) -> bool:
    with EpisodeStore.create(store) as opened:
        try:
            opened.lock()
        except StoreError:
            return True
    return False


def test_a_session_goes_through_its_states_and_back(place: Place, client: Client) -> None:
    store = place.folder / "store"
    with node("session", store=str(store), host=place.host, autostart="false") as running:
        assert state(client, "session") == "unconfigured"
        assert not is_locked(store)
        assert change(client, "session", CONFIGURE)
        assert state(client, "session") == "inactive"
        assert is_locked(store)
        assert client.node.count_publishers(topics.SESSION_STATUS.name) == 0
        for _ in range(2):
            assert change(client, "session", ACTIVATE)
            heard = client.hear(topics.SESSION_STATUS)
            client.until(lambda: bool(heard))  # noqa: B023  # of this round
            assert not client.call(topics.START).success, "there is no arm"
            assert change(client, "session", DEACTIVATE)
        assert change(client, "session", CLEANUP)
        assert not is_locked(store)
        assert running.end(signal.SIGINT) == 0, running.output
    assert "Traceback" not in running.output


def test_a_transition_that_does_not_fit_is_refused_and_the_node_lives(
    place: Place, client: Client
) -> None:
    with node("learner", autostart="false") as running:
        assert not change(client, "learner", ACTIVATE)
        assert change(client, "learner", CONFIGURE, ACTIVATE)
        assert not change(client, "learner", CONFIGURE)
        assert state(client, "learner") == "active"
        assert running.end() == 0


def test_what_cannot_be_configured_stays_visible_and_can_be_tried_again(
    place: Place, client: Client
) -> None:
    store = place.folder / "store"
    with EpisodeStore.create(store) as other:
        other.lock()
        with node("session", store=str(store), host=place.host, autostart="false") as running:
            assert not change(client, "session", CONFIGURE)
            assert state(client, "session") == "unconfigured"
            reports = client.hear(topics.DIAGNOSTICS)
            client.until(lambda: bool(reports))
            status = reports[-1].status[0]
            assert (status.name, status.level) == ("session: node", b"\x02")
            assert "is being written by another process" in status.message
            other.close()
            assert change(client, "session", CONFIGURE)
            assert running.end() == 0


def assert_shown(client: Client) -> None:
    """What RViz and rqt show of a running graph."""
    reports, poses = client.hear(topics.DIAGNOSTICS), client.hear(topics.EE_POSE)
    joints, moving = client.hear(topics.JOINT_STATES), client.hear(topics.TF)
    camera, jpegs = client.hear(topics.TF_STATIC), client.hear(topics.COMPRESSED)
    client.until(lambda: all((reports, poses, joints, moving, camera, jpegs)))
    assert moving[-1].transforms[0].child_frame_id == "ee"
    assert joints[-1].name[0] == "fr3_joint1"
    parts = {"cell: node", "robot: arm", "camera: stream", "session: session", "session: recorder"}
    client.until(lambda: parts <= {s.name for report in reports for s in report.status})


@pytest.mark.cell
@pytest.mark.timeout(600)
def test_an_episode_survives_its_nodes_being_deactivated_and_activated_again(
    place: Place, client: Client
) -> None:
    store = place.folder / "store"
    with up("teleop_collect", f"host:={place.host}", f"store:={store}") as graph:
        arm, session = client.hear(topics.ARM_STATUS), client.hear(topics.SESSION_STATUS)
        events = client.hear(topics.EPISODE_EVENT)

        def start() -> None:
            session.clear()
            client.until(lambda: bool(session) and session[-1].is_ready)
            assert client.call(topics.START, has_seed=True, seed=1).success
            client.until(lambda: session[-1].num_steps > 3)

        start()
        assert_shown(client)
        assert change(client, "robot", DEACTIVATE)
        client.until(lambda: session[-1].state == "fault")
        assert change(client, "robot", ACTIVATE)
        client.until(lambda: arm[-1].state == "ready")
        assert client.call(topics.CLEAR_FAULT).success

        start()
        assert change(client, "session", DEACTIVATE)
        client.until(lambda: len([e for e in events if e.kind == "aborted"]) == 2)
        client.until(lambda: arm[-1].state == "ready")  # it was told to hold
        assert change(client, "camera", DEACTIVATE, ACTIVATE)
        assert change(client, "session", ACTIVATE)

        start()
        assert client.call(topics.STOP, discard=True).success
        assert change(client, "robot", DEACTIVATE, CLEANUP, CONFIGURE, ACTIVATE)
        start()
        assert graph.end() == 0, graph.output
    assert "Traceback" not in graph.output
    with EpisodeStore(store) as opened:
        labels = [opened.labels.current(episode_id) for episode_id in opened.ids()]
    assert [label.outcome for label in labels if label] == [Outcome.ABORTED] * 4

"""Single nodes as processes: how they start, refuse and end."""

import signal
import socket

import pytest

from tests.ros.graphs import Place, node, up

pytestmark = [pytest.mark.ros, pytest.mark.slow]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_node_without_noise(place: Place, number: int) -> None:
    with node("session", store=str(place.folder / "store"), host=place.host) as running:
        while not (place.folder / "store" / "lock").exists():
            assert running.child.poll() is None, running.output
        assert running.end(number) == 0
    assert "Traceback" not in running.output


@pytest.mark.parametrize(
    ("name", "parameters", "said"),
    [
        ("session", {"task": "juggle"}, "session: unknown task 'juggle'. Known tasks:"),
        ("robot", {"rig": "moon"}, "moon.yaml: No such file"),
        ("session", {"store": "/proc/nowhere"}, "session: cannot create an episode store at"),
        ("policy", {"policy": "v9"}, "policy: no policy version 'v9' in"),
        ("camera", {"host": "127.250.250.250"}, "camera: no virtual camera at 127.250.250.250"),
        ("robot", {"host": "127.250.250.250"}, "robot: "),
        ("campaign", {"seeds": "'1;2'"}, "campaign: the parameters of node 'campaign'"),
    ],
)
def test_what_a_user_can_mend_is_said_in_one_line(
    place: Place, name: str, parameters: dict[str, str], said: str
) -> None:
    with node(name, **parameters) as running:
        assert running.wait(60.0) == 1
    assert said in running.output
    assert "Traceback" not in running.output


def test_a_store_that_another_process_writes_is_not_touched(place: Place) -> None:
    store = str(place.folder / "store")
    with node("session", store=store, host=place.host) as first:
        while not (place.folder / "store" / "lock").exists():
            assert first.child.poll() is None, first.output
        with node("session", store=store, host=place.host) as second:
            assert second.wait(60.0) == 1
        assert "is being written by another" in second.output
        assert first.end() == 0


@pytest.mark.cell
def test_a_taken_port_is_one_line_and_ends_the_graph(place: Place) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((place.host, 1337))
        taken.listen()
        words = (f"host:={place.host}", f"store:={place.folder / 'store'}")
        with up("teleop_collect", *words) as graph:
            assert graph.wait(120.0) == 1
    assert graph.lines[-1].startswith(f"wvl: cell: port 1337 of {place.host} is taken")
    assert "Traceback" not in graph.output


@pytest.mark.cell
def test_a_machine_without_gl_is_one_line_and_ends_the_graph(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUJOCO_GL", "glfw")
    monkeypatch.delenv("DISPLAY", raising=False)
    words = (f"host:={place.host}", f"store:={place.folder / 'store'}")
    with up("teleop_collect", *words) as graph:
        assert graph.wait(120.0) == 1
    assert graph.lines[-1].startswith("wvl: cell: the virtual camera's renderer has died")
    assert "Install libegl1" in graph.lines[-1]

"""What a user reads when no robot answers. Real sockets, no robot."""

import socket
import threading
from collections.abc import Iterator

import pytest

from tests.cells import loopback
from wvl_models.contract.errors import RobotError
from wvl_robot.adapters.franka_connect import connect
from wvl_robot.rig.config import RobotConfig

CONNECT, VERSION_MISMATCH = 0, 1
"""Of the wire: the command's number, and the status a robot of another version answers."""


def config(host: str, *, is_realtime: bool = False) -> RobotConfig:
    return RobotConfig(host=host, is_realtime=is_realtime, home_joints_rad=(0.0,) * 7)


@pytest.fixture
def listener() -> Iterator[tuple[str, socket.socket]]:
    """Somebody who accepts connections to the FCI port."""
    host = loopback(3)
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((host, 1337))
        server.listen()
        yield host, server


def test_refused_connection_names_the_mend_for_a_cell() -> None:
    with pytest.raises(RobotError, match="start the virtual cell first"):
        connect(config(loopback(4)))


def test_silent_robot_is_given_up_in_time(listener: tuple[str, socket.socket]) -> None:
    with pytest.raises(RobotError, match=r"does not answer within 0\.3 s.*robot's address"):
        connect(config(listener[0]), timeout_s=0.3)


def test_missing_real_time_kernel_is_named(listener: tuple[str, socket.socket]) -> None:
    with pytest.raises(RobotError, match="no real-time kernel"):
        connect(config(listener[0], is_realtime=True), timeout_s=2.0)


def test_other_server_version_names_the_build_to_install(
    listener: tuple[str, socket.socket],
) -> None:
    def answer_as_a_panda() -> None:
        client, _ = listener[1].accept()
        command, command_id, _ = (
            int.from_bytes(client.recv(4), "little") for _ in ("command", "id", "size")
        )
        assert command == CONNECT
        body = bytes([VERSION_MISMATCH]) + (5).to_bytes(2, "little")
        header = [command, command_id, 12 + len(body)]
        client.sendall(b"".join(n.to_bytes(4, "little") for n in header) + body)
        client.recv(64)
        client.close()

    thread = threading.Thread(target=answer_as_a_panda)
    thread.start()
    with pytest.raises(RobotError, match="by-robot-server-version/5/"):
        connect(config(listener[0]), timeout_s=2.0)
    thread.join()

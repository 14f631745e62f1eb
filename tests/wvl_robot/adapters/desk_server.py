"""A robot's web interface in the v1 layout that `franky.Desk` asks for, over real HTTPS."""

import base64
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import trustme

USER, PASSWORD = "operator", "secret"


class DeskServer(ThreadingHTTPServer):
    """State of a robot as Desk shows it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.mode, self.brakes, self.fci = "Programming", "Locked", "Inactive"
        self.owner: str | None = None
        self.time_to_self_test_s = 3600.0
        self.changes: list[str] = []

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


@contextmanager
def serve_desk() -> Iterator[DeskServer]:
    server = DeskServer()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: DeskServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        robot = self.server
        answers = {
            "/api/system": {"timeToTd2": robot.time_to_self_test_s},
            "/api/system/operating-mode": {"status": robot.mode},
            "/api/arm/joints": [{"brakeStatus": robot.brakes}] * 7,
            "/api/fci": {"status": robot.fci},
            "/api/system/control-token": {"owner": robot.owner, "tokenId": "1"},
        }
        self._answer(answers[self.path])

    def do_POST(self) -> None:
        robot = self.server
        length = int(self.headers.get("Content-Length") or 0)
        content = json.loads(self.rfile.read(length) or "null")
        if self.path == "/api/system/control-token:take":
            robot.owner = content["owner"]
            self._answer({"tokenId": "1", "token": "t"})
            return
        robot.changes.append(self.path)
        if self.headers.get("X-Control-Token") != "t":
            self._answer({"code": "NoControl"}, status=403)
            return
        if self.path == "/api/system/operating-mode:change":
            robot.mode = content["desiredOperatingMode"]
        elif self.path == "/api/arm/joints:unlock":
            robot.brakes = "Unlocked"
        elif self.path == "/api/arm/joints:lock":
            robot.brakes, robot.fci = "Locked", "Inactive"
        elif self.path == "/api/fci:activate":
            robot.fci = "Active"
        elif self.path == "/api/system/control-token:release":
            robot.owner = None
        self._answer({})

    def _answer(self, data: object, status: int = 200) -> None:
        expected = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if self.headers.get("Authorization") != expected:
            data, status = {"code": "Unauthorized"}, 401
        body = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""

"""Runs the nodes of a graph as processes with honcho, and says how it ended.

Ctrl-C ends all of them; so does a node that ends, which is a failure unless it is the campaign's
and its exit code is 0.
"""

import json
import os
import shlex
import sys
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import honcho.manager
from honcho.manager import Manager
from honcho.printer import Message, Printer

from wvl_robot import orphan
from wvl_robot.graph_spec import NodeStart, Value

NUM_LAST_LINES = 12

KILL_AFTER_S = 25
"""A session commits or aborts its episode, and a stage saves its state, before SIGKILL comes."""

STARTING_RETRY_S = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphEnd:
    """How a graph ended."""

    node: str
    """Whose end was the graph's; empty where Ctrl-C was."""
    exit_code: int
    last_lines: tuple[str, ...]
    """Of that node."""


class _Memory(Printer):
    """A printer that remembers what every node said last."""

    def __init__(self) -> None:
        super().__init__(sys.stdout)
        self.last: dict[str, deque[str]] = {}

    def write(self, message: Message) -> None:
        text = message.data
        text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        lines = self.last.setdefault(message.name, deque(maxlen=NUM_LAST_LINES))
        lines.extend(text.splitlines())
        super().write(message)


class _Events:
    """Honcho's queue, which takes note of the first node that ends."""

    def __init__(self, events: Any) -> None:  # multiprocessing.Queue
        self._events = events
        self.first: Message | None = None

    def put(self, message: Message) -> None:
        self._events.put(message)

    def get(self, timeout: float) -> Message:
        message = self._events.get(timeout=timeout)
        if message.type == "stop" and self.first is None:
            self.first = message
        return message


class _Supervisor(Manager):
    """Honcho, with an ear for the first node that ends, and for a Ctrl-C while nodes start."""

    def __init__(self) -> None:
        self.memory = _Memory()
        super().__init__(self.memory)
        self.events = _Events(self.events)
        self.is_interrupted = False

    def terminate(self) -> None:
        """Called by honcho's signal handler, and when a node has ended."""
        self.is_interrupted = self.is_interrupted or self.events.first is None
        if not self._all_started():  # honcho needs every process id
            threading.Timer(STARTING_RETRY_S, self.terminate).start()
            return
        super().terminate()


def command_line(start: NodeStart, python: str) -> str:
    """What starts a node, as one line for a shell."""
    words = [python, *start.words, "--ros-args"]
    for path in start.parameter_files:
        words += ["--params-file", str(path)]
    for name, value in start.parameters.items():
        words += ["-p", f"{name}:={_yaml(value)}"]
    return "exec " + shlex.join(words)


def supervise(starts: Sequence[NodeStart], environment: Mapping[str, str]) -> GraphEnd:
    """Run the nodes until one of them ends or a signal comes, then end the others."""
    honcho.manager.KILL_WAIT = KILL_AFTER_S  # the one setting that honcho has no argument for
    supervisor = _Supervisor()
    for start in starts:
        supervisor.add_process(
            start.name,
            command_line(start, sys.executable),
            env={**environment, orphan.VARIABLE: str(os.getpid())},
        )
    supervisor.loop()
    first = supervisor.events.first
    if supervisor.is_interrupted or first is None:
        return GraphEnd(node="", exit_code=0, last_lines=())
    return GraphEnd(
        node=first.name,
        exit_code=first.data["returncode"],
        last_lines=tuple(supervisor.memory.last.get(first.name, ())),
    )


def _yaml(value: Value) -> str:
    """A value as rcl parses it: JSON is YAML, and a quoted number stays a string."""
    return json.dumps(value)

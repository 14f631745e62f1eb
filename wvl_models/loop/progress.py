"""Where long work says how far it is; who draws it is decided at the edge."""

import json
import sys
from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

T = TypeVar("T")


class Progress(Protocol):
    """A line of work with a known length."""

    def begin(self, what: str, total: int) -> None:
        """A new line of work."""
        ...

    def advance(self, message: str = "", steps: int = 1) -> None:
        """Some of it is done; `message` is a figure worth seeing, e.g. the loss."""
        ...


def follow(progress: Progress, what: str, total: int, items: Iterable[T]) -> Iterator[T]:
    """Pass items on and count them."""
    progress.begin(what, total)
    for item in items:
        yield item
        progress.advance()


class JsonProgress:
    """One JSON object per line on stdout, what the learner node reads."""

    def __init__(self) -> None:
        self._what, self._total, self._step = "", 0, 0

    def begin(self, what: str, total: int) -> None:
        """See `Progress`."""
        self._what, self._total, self._step = what, total, 0
        self._write(what)

    def advance(self, message: str = "", steps: int = 1) -> None:
        """See `Progress`."""
        self._step += steps
        self._write(f"{self._what} {message}".strip())

    def _write(self, message: str) -> None:
        line = {"step": self._step, "total": self._total, "message": message}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()

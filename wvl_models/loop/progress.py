"""Where long work says how far it is; who draws it is decided at the edge."""

import json
import sys
from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

T = TypeVar("T")


class Progress(Protocol):
    """Lines of work with known lengths, one after the other."""

    def begin(self, what: str, total: int) -> None:
        """A new line of work."""
        ...

    def reach(self, step: int, message: str = "") -> None:
        """So many steps of it are done; `message` is a figure worth seeing, e.g. the loss."""
        ...


def follow(progress: Progress, what: str, total: int, items: Iterable[T]) -> Iterator[T]:
    """Pass items on and count them."""
    progress.begin(what, total)
    for step, item in enumerate(items, start=1):
        yield item
        progress.reach(step)


class JsonProgress:
    """One JSON object per line on stdout, what the learner node reads."""

    def __init__(self) -> None:
        self._what, self._total = "", 0

    def begin(self, what: str, total: int) -> None:
        """See `Progress`."""
        self._what, self._total = what, total
        self.reach(0)

    def reach(self, step: int, message: str = "") -> None:
        """See `Progress`."""
        text = f"{self._what} {message}".strip()
        sys.stdout.write(json.dumps({"step": step, "total": self._total, "message": text}) + "\n")
        sys.stdout.flush()

"""What the robot server warns of, kept so that a test can fail on it."""

import logging
import time
from dataclasses import dataclass

PROVOKED = "provoked by a test"
"""Marks a reflex that a test asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FciEvent:
    """A warning or an error of the server's log."""

    stamp_ns: int
    text: str

    @property
    def is_unenforced(self) -> bool:
        """A limit was broken and the server only said so: its enforcement was off."""
        return "not enforced" in self.text

    @property
    def is_violation(self) -> bool:
        """The client broke a limit of the protocol."""
        return PROVOKED not in self.text and (
            "limit violated" in self.text or "aborting the motion" in self.text
        )


class FciLog(logging.Handler):
    """Keeps what franka-sim warns of, so that a test can fail on it."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.events: list[FciEvent] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record; called by the server's threads."""
        self.events.append(FciEvent(stamp_ns=time.monotonic_ns(), text=record.getMessage()))

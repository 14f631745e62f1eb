"""What of the panel is to be drawn anew, and what its status line says."""

from dataclasses import dataclass
from enum import StrEnum

from wvl_models.contract.errors import WvlError


class Changed(StrEnum):
    """One part of the panel."""

    ROWS = "rows"
    EPISODE = "episode"
    """Another episode is selected, or its content has come."""
    DRAFT = "draft"
    STEP = "step"
    """The cursor has moved, or the film was started or stopped."""
    FRAME = "frame"
    MESSAGE = "message"


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A sentence for the status line."""

    text: str
    is_error: bool = False


class News:
    """What the panel has not been told yet."""

    def __init__(self) -> None:
        self.message = Message(text="")
        """The newest."""
        self._changes: set[Changed] = set()

    def add(self, *changes: Changed) -> None:
        """These are to be drawn anew."""
        self._changes.update(changes)

    def say(self, text: str, *, is_error: bool = False) -> None:
        """A new sentence."""
        self.message = Message(text=text, is_error=is_error)
        self.add(Changed.MESSAGE)

    def say_error(self, error: WvlError) -> None:
        """What went wrong."""
        self.say(str(error), is_error=True)

    def take(self) -> frozenset[Changed]:
        """Everything since the last time."""
        changes, self._changes = frozenset(self._changes), set()
        return changes

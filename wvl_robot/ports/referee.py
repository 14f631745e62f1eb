"""Referee: someone who can tell whether the current state is a success state."""

from typing import Protocol


class Referee(Protocol):
    """The virtual cell's predicate; on a real rig nobody knows until an operator labels."""

    def is_success(self, stamp_ns: int) -> bool | None:
        """Whether the state at `stamp_ns` is a success state; None where nobody can tell."""
        ...

"""Decider: whoever answers observations with action chunks, in its own time."""

from typing import Protocol

from wvl_models.contract.chunk import ActionChunk
from wvl_models.contract.observation import Observation


class Decider(Protocol):
    """A policy behind a door. Neither call blocks: inference runs ahead in its own process."""

    def ask(self, observation: Observation) -> None:
        """Hand over an observation; an unanswered earlier one is superseded."""
        ...

    def answer(self) -> ActionChunk | None:
        """The newest chunk that has not been fetched yet, or None."""
        ...

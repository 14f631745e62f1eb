"""EpisodeSink: where the session puts what happened."""

from typing import Protocol

from wvl_models.contract.episode import EpisodeHeader, Label, Step


class EpisodeSink(Protocol):
    """Takes an episode step by step. `append` may queue and must return within a millisecond."""

    def start(self, header: EpisodeHeader) -> None:
        """Open an episode; raises StoreError where there is no room or no permission."""
        ...

    def append(self, step: Step) -> None:
        """Record one tick; raises StoreError once a queued step could not be written."""
        ...

    def finish(self, label: Label | None) -> str:
        """Commit and return the episode's id; blocks until it is safe on disk."""
        ...

    def abort(self, reason: str) -> None:
        """Keep what is there as ABORTED; never raises."""
        ...

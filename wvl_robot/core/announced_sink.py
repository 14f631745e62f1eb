"""An EpisodeSink that tells what happens to episodes, whichever sink keeps them."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from wvl_models.contract.episode import EpisodeHeader, Label, Outcome, Step
from wvl_robot.ports.episode_sink import EpisodeSink


class EpisodeChange(StrEnum):
    """What can happen to an episode."""

    STARTED = "started"
    COMMITTED = "committed"
    ABORTED = "aborted"
    LABELLED = "labelled"


@dataclass(frozen=True, kw_only=True, slots=True)
class EpisodeNews:
    """One thing that happened."""

    change: EpisodeChange
    header: EpisodeHeader
    num_steps: int
    outcome: Outcome | None = None
    """None where nobody has said."""
    detail: str = ""
    """Why it was aborted."""


class AnnouncedSink:
    """Passes everything on to `sink`, and news to `announce`, which must not block or raise."""

    def __init__(self, sink: EpisodeSink, announce: Callable[[EpisodeNews], None]) -> None:
        self._sink, self._announce = sink, announce
        self._header: EpisodeHeader | None = None
        self._num_steps = 0

    def start(self, header: EpisodeHeader) -> None:
        """See `EpisodeSink`."""
        self._sink.start(header)
        self._header, self._num_steps = header, 0
        self._tell(EpisodeChange.STARTED)

    def append(self, step: Step) -> None:
        """See `EpisodeSink`."""
        self._sink.append(step)
        self._num_steps += 1

    def finish(self, label: Label | None) -> str:
        """See `EpisodeSink`."""
        episode_id = self._sink.finish(label)
        self._tell(EpisodeChange.COMMITTED, None if label is None else label.outcome)
        self._header = None
        return episode_id

    def abort(self, reason: str) -> None:
        """See `EpisodeSink`."""
        self._sink.abort(reason)
        self._tell(EpisodeChange.ABORTED, Outcome.ABORTED, reason)
        self._header = None

    def _tell(
        self, change: EpisodeChange, outcome: Outcome | None = None, detail: str = ""
    ) -> None:
        if self._header is not None:
            self._announce(
                EpisodeNews(
                    change=change,
                    header=self._header,
                    num_steps=self._num_steps,
                    outcome=outcome,
                    detail=detail,
                )
            )

"""Episodes in memory."""

from dataclasses import dataclass, field

from wvl_models.contract.episode import EpisodeHeader, Label, Step
from wvl_models.contract.errors import StoreError


@dataclass
class FakeEpisode:
    """What was recorded."""

    header: EpisodeHeader
    steps: list[Step] = field(default_factory=list)
    label: Label | None = None
    is_committed: bool = False
    aborted_because: str = ""


class FakeEpisodeSink:
    """An `EpisodeSink` that fails at a step where the test says so."""

    def __init__(self) -> None:
        self.episodes: list[FakeEpisode] = []
        self.is_full = False
        self.fail_at_step: int | None = None
        self.fail_at_finish = False

    @property
    def last(self) -> FakeEpisode:
        return self.episodes[-1]

    def start(self, header: EpisodeHeader) -> None:
        if self.is_full:
            raise StoreError("the disk is full.")
        self.episodes.append(FakeEpisode(header=header))

    def append(self, step: Step) -> None:
        if len(self.last.steps) == self.fail_at_step:
            raise StoreError("the disk is full.")
        self.last.steps.append(step)

    def finish(self, label: Label | None) -> str:
        if self.fail_at_finish:
            raise StoreError("the disk is full.")
        self.last.label, self.last.is_committed = label, True
        return self.last.header.episode_id

    def abort(self, reason: str) -> None:
        self.last.aborted_because = reason

import numpy as np
import pytest

from tests.fakes.episode_sink import FakeEpisodeSink
from wvl_models.contract.episode import Label, Outcome
from wvl_models.contract.errors import StoreError
from wvl_models.contract.examples import example_header, example_step
from wvl_robot.core.announced_sink import AnnouncedSink, EpisodeChange, EpisodeNews

RNG = np.random.default_rng(0)
HEADER, STEP = example_header(RNG), example_step(RNG)


class Listener:
    """An announced sink, what it said, and what lies behind it."""

    def __init__(self) -> None:
        self.news: list[EpisodeNews] = []
        self.behind = FakeEpisodeSink()
        self.sink = AnnouncedSink(self.behind, self.news.append)

    @property
    def changes(self) -> list[EpisodeChange]:
        return [news.change for news in self.news]


def test_a_committed_episode_is_told_with_its_steps_and_its_outcome() -> None:
    listener = Listener()
    listener.sink.start(HEADER)
    listener.sink.append(STEP)
    listener.sink.append(STEP)
    assert listener.sink.finish(Label(outcome=Outcome.SUCCESS)) == HEADER.episode_id
    assert listener.changes == [EpisodeChange.STARTED, EpisodeChange.COMMITTED]
    assert (listener.news[-1].num_steps, listener.news[-1].outcome) == (2, Outcome.SUCCESS)
    assert listener.behind.last.is_committed


def test_an_aborted_episode_is_told_with_the_reason() -> None:
    listener = Listener()
    listener.sink.start(HEADER)
    listener.sink.abort("camera silent")
    assert listener.changes == [EpisodeChange.STARTED, EpisodeChange.ABORTED]
    assert listener.news[-1].detail == "camera silent"
    assert listener.behind.last.aborted_because == "camera silent"


def test_an_episode_that_could_not_be_opened_is_not_told() -> None:
    listener = Listener()
    listener.behind.is_full = True
    with pytest.raises(StoreError):
        listener.sink.start(HEADER)
    assert listener.news == []


def test_a_commit_that_failed_is_not_told_as_one() -> None:
    listener = Listener()
    listener.sink.start(HEADER)
    listener.behind.fail_at_finish = True
    with pytest.raises(StoreError):
        listener.sink.finish(None)
    listener.sink.abort("the disk is full.")
    assert listener.changes == [EpisodeChange.STARTED, EpisodeChange.ABORTED]

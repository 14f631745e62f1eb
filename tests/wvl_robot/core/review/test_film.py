"""Frames decoded ahead of the hand."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.wvl_robot.core.review.conftest import NUM_STEPS, AddEpisode, wait_for
from wvl_models.episodes.store import EpisodeStore
from wvl_robot.core.review.film import Film, _Reel

SHAPE = (6, 8)
FRAME_BYTES = 6 * 8 * 3


@pytest.fixture
def film(store: EpisodeStore, add: AddEpisode) -> Iterator[Film]:
    add("a")
    add("b")
    opened = Film(store, 100 * FRAME_BYTES)
    yield opened
    opened.close()


def is_there(film: Film, step: int) -> bool:
    return film.frame(step) is not None


def test_every_frame_is_the_recorded_one(film: Film, store: EpisodeStore) -> None:
    film.open("a", NUM_STEPS, SHAPE)
    recorded = store.read("a").rgb
    for step in (3, 0, 5, 1):
        wait_for(lambda step=step: is_there(film, step))
        frame = film.frame(step)
        assert frame is not None
        assert np.array_equal(frame, recorded[step])
        assert not frame.flags.writeable


def test_the_next_frames_come_unasked(film: Film) -> None:
    film.open("a", NUM_STEPS, SHAPE)
    wait_for(lambda: is_there(film, 0))
    reel = film._reel
    assert reel is not None
    wait_for(lambda: len(reel.frames) == NUM_STEPS)


def test_another_reel_shows_nothing_of_the_one_before(film: Film, store: EpisodeStore) -> None:
    film.open("a", NUM_STEPS, SHAPE)
    wait_for(lambda: is_there(film, 2))
    film.open("b", NUM_STEPS, SHAPE)
    wait_for(lambda: is_there(film, 2))
    frame = film.frame(2)
    assert frame is not None
    assert np.array_equal(frame, store.read("b").rgb[2])


def test_no_more_is_kept_than_the_budget_allows(store: EpisodeStore, add: AddEpisode) -> None:
    add("a")
    film = Film(store, 3 * FRAME_BYTES)
    try:
        film.open("a", NUM_STEPS, SHAPE)
        for step in (0, 5, 2, 4):
            wait_for(lambda step=step: is_there(film, step))
            assert film._reel is not None
            assert len(film._reel.frames) <= 3
    finally:
        film.close()


def test_a_damaged_frame_is_named_and_the_others_are_shown(film: Film, store: EpisodeStore) -> None:
    path = Path(store.layout.episode("a") / "rgb" / "c.0.0.0.0")
    data = bytearray(path.read_bytes())
    data[3] ^= 0xFF  # inside the first frame
    path.write_bytes(bytes(data))
    film.open("a", NUM_STEPS, SHAPE)
    wait_for(lambda: is_there(film, 5))
    problem = ""

    def has_problem() -> bool:
        nonlocal problem
        problem = problem or film.take_problem()
        return bool(problem)

    wait_for(has_problem)
    assert "episode a" in problem and "damaged" in problem
    assert film.frame(0) is None
    assert film.take_problem() == ""


def test_a_plan_never_reaches_beyond_the_episode() -> None:
    """A budget for millions of small pictures held the panel up for seconds."""
    reel = _Reel("a", NUM_STEPS, 10**9)
    assert len(list(reel._plan())) <= 2 * NUM_STEPS

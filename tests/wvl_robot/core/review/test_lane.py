"""Success intervals under the mouse."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wvl_models.contract.episode import Label, Outcome
from wvl_robot.core.review.lane import Intervals, LaneTool, begin_drag, cut_to, erased, painted

LENGTH = 20
SPANS: Intervals = ((3, 6), (10, 15))


def drag(start: int, end: int, tool: LaneTool = LaneTool.AUTO) -> Intervals:
    return begin_drag(SPANS, start, LENGTH, tool).at(end)


@pytest.mark.parametrize(
    ("start", "stop", "after"),
    [
        (7, 9, ((3, 6), (7, 9), (10, 15))),
        (6, 8, ((3, 8), (10, 15))),
        (5, 12, ((3, 15),)),
        (4, 5, SPANS),
        (8, 8, SPANS),
    ],
)
def test_painting_joins_what_touches(start: int, stop: int, after: Intervals) -> None:
    assert painted(SPANS, start, stop) == after


@pytest.mark.parametrize(
    ("start", "stop", "after"),
    [
        (0, 20, ()),
        (11, 13, ((3, 6), (10, 11), (13, 15))),
        (5, 11, ((3, 5), (11, 15))),
        (7, 9, SPANS),
    ],
)
def test_erasing_cuts_and_splits(start: int, stop: int, after: Intervals) -> None:
    assert erased(SPANS, start, stop) == after


def test_a_drag_on_empty_ground_paints_the_steps_it_crosses_in_both_directions() -> None:
    assert drag(17, 19) == (*SPANS, (17, 20))
    assert begin_drag((), 8, LENGTH, LaneTool.AUTO).at(6) == ((6, 9),)


def test_a_click_paints_one_step() -> None:
    assert drag(8, 8) == ((3, 6), (8, 9), (10, 15))


@pytest.mark.parametrize(
    ("start", "end", "after"),
    [
        (3, 1, ((1, 6), (10, 15))),  # the first edge, outwards
        (3, 4, ((4, 6), (10, 15))),  # inwards
        (14, 18, ((3, 6), (10, 19))),  # the last edge
        (14, 11, ((3, 6), (10, 12))),
        (5, 12, ((3, 15),)),  # into the neighbour
        (5, 1, ((1, 4), (10, 15))),  # turned over
    ],
)
def test_a_drag_that_begins_on_an_edge_moves_it(start: int, end: int, after: Intervals) -> None:
    assert drag(start, end) == after


def test_an_edge_out_of_reach_is_left_alone() -> None:
    taken = begin_drag(SPANS, 8, LENGTH, LaneTool.AUTO, reach_steps=2.0)
    assert taken.edge == (1, True)
    assert begin_drag(SPANS, 8, LENGTH, LaneTool.AUTO, reach_steps=1.0).edge is None


def test_the_eraser_takes_no_edges() -> None:
    assert drag(3, 4, LaneTool.ERASE) == ((5, 6), (10, 15))


def test_the_lane_ends_where_the_episode_ends() -> None:
    assert drag(17, 99) == (*SPANS, (17, 20))
    assert drag(3, -5) == ((0, 6), (10, 15))
    assert cut_to(((3, 6), (10, 15), (18, 19)), 12) == ((3, 6), (10, 12))


@given(
    strokes=st.lists(
        st.tuples(st.integers(-3, 23), st.integers(-3, 23), st.sampled_from(LaneTool)),
        max_size=12,
    )
)
def test_whatever_the_mouse_does_the_intervals_make_a_label(
    strokes: list[tuple[int, int, LaneTool]],
) -> None:
    intervals: Intervals = ()
    for start, end, tool in strokes:
        intervals = begin_drag(intervals, start, LENGTH, tool, 2.0).at(end)
        Label(outcome=Outcome.SUCCESS, success_intervals=intervals).rewards(LENGTH)
        assert all(a[1] < b[0] for a, b in pairwise(intervals))

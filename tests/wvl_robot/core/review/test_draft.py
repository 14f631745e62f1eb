"""What a label in the making may say."""

import re
from dataclasses import replace

import pytest

from wvl_models.contract.episode import Label, Outcome, SubGoal
from wvl_robot.core.review.draft import Draft, DraftHistory, Severity, opening, problems_of
from wvl_robot.core.review.lane import Intervals

LENGTH = 10


@pytest.mark.parametrize(
    ("outcome", "intervals"),
    [
        (Outcome.SUCCESS, ()),
        (Outcome.SUCCESS, ((2, 4), (8, 10))),
        (Outcome.NEAR_SUCCESS, ()),
        (Outcome.NEAR_SUCCESS, ((2, 4),)),
        (Outcome.FAILURE, ()),
        (Outcome.ABORTED, ((2, 4),)),
    ],
)
def test_consistent_drafts_have_no_problem(outcome: Outcome, intervals: Intervals) -> None:
    assert problems_of(Draft(outcome=outcome, intervals=intervals), LENGTH) == ()


@pytest.mark.parametrize(
    ("outcome", "intervals", "text"),
    [
        (Outcome.SUCCESS, ((2, 4),), r"the last step \(9\) is not marked"),
        (Outcome.NEAR_SUCCESS, ((8, 10),), r"the last step \(9\) is marked"),
        (Outcome.FAILURE, ((2, 4), (6, 7)), "3 steps are marked as success"),
    ],
)
def test_inconsistent_drafts_are_doubtful_and_say_why(
    outcome: Outcome, intervals: Intervals, text: str
) -> None:
    (problem,) = problems_of(Draft(outcome=outcome, intervals=intervals), LENGTH)
    assert problem.severity is Severity.DOUBTFUL
    assert re.search(text, problem.text)


@pytest.mark.parametrize(
    ("draft", "text"),
    [
        (Draft(), "Say how it ended"),
        (Draft(outcome=Outcome.SUCCESS, intervals=((8, 11),)), "marked up to step 10"),
        (
            Draft(outcome=Outcome.FAILURE, sub_goals=(SubGoal(step=10, text="x"),)),
            "note at step 10",
        ),
    ],
)
def test_what_cannot_be_stored_is_refused(draft: Draft, text: str) -> None:
    problems = problems_of(draft, LENGTH)
    assert [problem.severity for problem in problems] == [Severity.REFUSED]
    assert text in problems[0].text


def test_a_draft_and_its_label_say_the_same() -> None:
    label = Label(
        outcome=Outcome.SUCCESS,
        success_intervals=((8, 10),),
        author="ann",
        confidence=0.5,
        notes="late",
        sub_goals=(SubGoal(step=2, text="grasped"),),
    )
    assert Draft.of(label).label("ann") == label


def test_a_note_replaces_the_one_at_its_step_and_an_empty_one_removes_it() -> None:
    draft = Draft().with_sub_goal(5, "lifted").with_sub_goal(2, "grasped ").with_sub_goal(5, "up")
    assert draft.sub_goals == (SubGoal(step=2, text="grasped"), SubGoal(step=5, text="up"))
    assert draft.with_sub_goal(2, " ").sub_goals == (SubGoal(step=5, text="up"),)


def test_edits_are_taken_back_one_by_one() -> None:
    history = DraftHistory(Draft())
    first = Draft(outcome=Outcome.SUCCESS)
    assert history.edit(first)
    assert not history.edit(first), "no edit"
    history.edit(replace(first, notes="x"))
    history.undo()
    assert history.draft == first
    history.undo()
    assert not history.is_edited
    history.undo()
    assert history.draft == Draft()


def test_an_operator_begins_with_his_own_label() -> None:
    mine = Label(outcome=Outcome.FAILURE, author="ann", notes="fell")
    other = Label(outcome=Outcome.SUCCESS, author="bob", success_intervals=((8, 10),))
    assert opening(mine, other, ((1, 2),), LENGTH) == Draft.of(mine)


def test_without_one_the_known_intervals_are_kept_and_the_outcome_is_open() -> None:
    other = Label(outcome=Outcome.SUCCESS, author="bob", success_intervals=((8, 10),))
    assert opening(None, other, ((1, 2),), LENGTH) == Draft(intervals=((8, 10),))
    assert opening(None, None, ((1, 2),), LENGTH) == Draft(intervals=((1, 2),))

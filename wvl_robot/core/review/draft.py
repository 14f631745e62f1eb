"""A label in the making: what the operator has said so far of one episode, and its undo. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from wvl_models.contract.episode import Label, Outcome, SubGoal
from wvl_robot.core.review.lane import Intervals, cut_to


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """What would be saved; `outcome` None: not said yet."""

    outcome: Outcome | None = None
    intervals: Intervals = ()
    confidence: float = 1.0
    notes: str = ""
    sub_goals: tuple[SubGoal, ...] = ()

    @classmethod
    def of(cls, label: Label) -> "Draft":
        """What a label says."""
        return cls(
            outcome=label.outcome,
            intervals=label.success_intervals,
            confidence=label.confidence,
            notes=label.notes,
            sub_goals=label.sub_goals,
        )

    def label(self, author: str) -> Label:
        """The label; its time is set when it is stored. DataError without an outcome."""
        assert self.outcome is not None, "a draft with problems is not to be saved"
        return Label(
            outcome=self.outcome,
            success_intervals=self.intervals,
            author=author,
            confidence=self.confidence,
            notes=self.notes,
            sub_goals=self.sub_goals,
        )

    def with_sub_goal(self, step: int, text: str) -> "Draft":
        """With a note at a step instead of those that were there; none where the text is empty."""
        others = [goal for goal in self.sub_goals if goal.step != step]
        added = [SubGoal(step=step, text=text.strip())] if text.strip() else []
        goals = sorted([*others, *added], key=lambda goal: goal.step)
        return replace(self, sub_goals=tuple(goals))


class Severity(StrEnum):
    """What a problem does."""

    REFUSED = "refused"
    """Cannot be saved."""
    DOUBTFUL = "doubtful"
    """Inconsistent, but the operator may know better: a second `save` takes it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """What is wrong with a draft, as a sentence."""

    severity: Severity
    text: str


def problems_of(draft: Draft, num_steps: int) -> tuple[Problem, ...]:
    """What is inconsistent; empty where the draft can be saved as it is.

    A success without any interval is consistent: it means that the last step is the success state
    (`episodes.views.rewards_of`). A near-success may have been a success for a while (a slip) or
    never.
    """
    refusals = [Problem(severity=Severity.REFUSED, text=t) for t in _refusals(draft, num_steps)]
    doubts = [Problem(severity=Severity.DOUBTFUL, text=t) for t in _doubts(draft, num_steps)]
    return tuple(refusals or doubts)


def _refusals(draft: Draft, num_steps: int) -> Iterator[str]:
    if draft.outcome is None:
        yield "Say how it ended: success, near-success or failure."
    if draft.intervals and draft.intervals[-1][1] > num_steps:
        yield (
            f"Success is marked up to step {draft.intervals[-1][1] - 1}, but the episode ends at "
            f"step {num_steps - 1}."
        )
    if draft.sub_goals and draft.sub_goals[-1].step >= num_steps:
        yield (
            f"There is a note at step {draft.sub_goals[-1].step}, but the episode ends at step "
            f"{num_steps - 1}."
        )


def _doubts(draft: Draft, num_steps: int) -> Iterator[str]:
    last_step = num_steps - 1
    is_success_at_end = bool(draft.intervals) and draft.intervals[-1][1] == num_steps
    if draft.outcome is Outcome.SUCCESS and draft.intervals and not is_success_at_end:
        yield (
            f"The outcome is success, but the last step ({last_step}) is not marked as a success "
            "state. A success that was lost again is a near-success."
        )
    if draft.outcome is Outcome.NEAR_SUCCESS and is_success_at_end:
        yield (
            f"The outcome is near-success, but the last step ({last_step}) is marked as a success "
            "state."
        )
    if draft.outcome is Outcome.FAILURE and draft.intervals:
        yield (
            "The outcome is failure, but "
            f"{sum(last - first for first, last in draft.intervals)} steps are marked as success "
            "states. What succeeded for a while is a near-success."
        )


class DraftHistory:
    """A draft with its edits, to be taken back one by one."""

    def __init__(self, stored: Draft) -> None:
        """`stored` is what is in force, or where the operator begins."""
        self._stored = stored
        self._versions = [stored]

    @property
    def draft(self) -> Draft:
        """As it is now."""
        return self._versions[-1]

    @property
    def is_edited(self) -> bool:
        """Whether it differs from where it began."""
        return self.draft != self._stored

    @property
    def can_undo(self) -> bool:
        """Whether there is an edit to take back."""
        return len(self._versions) > 1

    def edit(self, draft: Draft) -> bool:
        """One edit; False where it changes nothing."""
        if draft == self.draft:
            return False
        self._versions.append(draft)
        return True

    def undo(self) -> None:
        """Take the last edit back."""
        if self.can_undo:
            self._versions.pop()

    def revert(self) -> None:
        """Take all edits back."""
        del self._versions[1:]


def opening(
    mine: Label | None, current: Label | None, recorded: Intervals, num_steps: int
) -> Draft:
    """Where an operator begins: his own label, or nothing said and the intervals that are known.

    As `wvl episodes label` and the outcome keys of a session do, the intervals of the label in
    force are kept, else those that the predicate recorded; the outcome is his to say.
    """
    if mine is not None:
        return Draft.of(mine)
    known = current.success_intervals if current is not None else recorded
    return Draft(intervals=cut_to(known, num_steps))

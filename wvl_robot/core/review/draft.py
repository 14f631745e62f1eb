"""A label in the making: what the operator has said so far of one episode, and its undo. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from wvl_models.contract.episode import Label, Outcome
from wvl_robot.core.review.lane import Intervals


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """What would be saved; `outcome` None: not said yet."""

    outcome: Outcome | None = None
    intervals: Intervals = ()
    confidence: float = 1.0
    notes: str = ""
    sub_goals: tuple[tuple[int, str], ...] = ()
    """(step, text), by step."""


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
    """What is inconsistent; empty where the draft can be saved as it is."""
    raise NotImplementedError


def label_of(draft: Draft, author: str) -> Label:
    """The label; its time is set when it is stored."""
    raise NotImplementedError

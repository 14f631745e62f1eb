"""The list of episodes: what is shown, what is wanted, and in which order. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from wvl_models.contract.episode import Origin, Outcome


class Need(StrEnum):
    """Why an episode wants a person's look, in the order of the queue."""

    DISPUTED = "disputed"
    UNLABELLED = "unlabelled"
    UNSURE = "unsure"
    """The current label was given with a confidence below 1."""
    NOTHING = ""


class RowOrder(StrEnum):
    """Orders of the list."""

    QUEUE = "queue"
    NEWEST = "newest"
    ID = "id"


@dataclass(frozen=True, kw_only=True, slots=True)
class EpisodeRow:
    """One line of the list."""

    episode_id: str
    task: str
    origin: Origin
    created_utc: str
    num_steps: int
    policy_versions: tuple[str, ...]
    outcome: Outcome | None
    """Of the current label; None where there is none."""
    confidence: float | None
    authors: tuple[str, ...]
    """With a label in force, oldest first; the store itself counts as none."""
    is_disputed: bool
    suggested: Outcome | None
    """What a predicate or a world model suggests; never a label."""
    suggestion_confidence: float | None
    need: Need
    has_draft: bool = False
    """There are edits that are not saved."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RowFilter:
    """Which rows; empty or None lets everything through."""

    text: str = ""
    """In id, task, policy version or author, whatever the case."""
    tasks: tuple[str, ...] = ()
    origins: tuple[Origin, ...] = ()
    outcomes: tuple[Outcome | None, ...] = ()
    """None among them: unlabelled episodes."""
    policy_versions: tuple[str, ...] = ()
    is_disputed_only: bool = False
    without_label_of: str = ""
    """Only episodes that this author has not labelled: the list of a second operator."""

    def admits(self, row: EpisodeRow) -> bool:
        """Whether a row is wanted."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """What there is to choose from in the filters."""

    tasks: tuple[str, ...] = ()
    policy_versions: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """How many episodes there are; `shown` after the filter."""

    total: int = 0
    shown: int = 0
    disputed: int = 0
    unlabelled: int = 0
    unsure: int = 0
    unreadable: int = 0


def in_order(rows: Sequence[EpisodeRow], order: RowOrder) -> tuple[EpisodeRow, ...]:
    """The rows sorted."""
    raise NotImplementedError

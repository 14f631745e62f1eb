"""The list of episodes: what is shown, what is wanted, and in which order. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from wvl_models.contract.episode import Origin, Outcome
from wvl_models.episodes.overview import Need, SummaryRow, in_queue


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
    """Those that decided some step; empty where a person or a script did."""
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
    """Why a person should look (`wvl_models.episodes.overview.Need`)."""
    has_draft: bool = False
    """There are edits that are not saved."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RowFilter:
    """Which rows; empty lets everything through."""

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
        return (
            (not self.tasks or row.task in self.tasks)
            and (not self.origins or row.origin in self.origins)
            and (not self.outcomes or row.outcome in self.outcomes)
            and (row.is_disputed or not self.is_disputed_only)
            and (not self.without_label_of or self.without_label_of not in row.authors)
            and (
                not self.policy_versions
                or not set(self.policy_versions).isdisjoint(row.policy_versions)
            )
            and self._has_text(row)
        )

    def _has_text(self, row: EpisodeRow) -> bool:
        if not self.text:
            return True
        words = (row.episode_id, row.task, *row.policy_versions, *row.authors)
        return self.text.casefold() in "\n".join(words).casefold()


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


def in_order(rows: Iterable[SummaryRow], order: RowOrder) -> list[SummaryRow]:
    """The rows sorted."""
    if order is RowOrder.QUEUE:
        return in_queue(rows)
    if order is RowOrder.NEWEST:
        return sorted(rows, key=lambda r: (r.facts.created_utc, r.facts.episode_id), reverse=True)
    return sorted(rows, key=lambda r: r.facts.episode_id)


def shown_row(row: SummaryRow, *, has_draft: bool) -> EpisodeRow:
    """A row as the list shows it."""
    facts, label, suggestion = row.facts, row.label, row.suggestion
    return EpisodeRow(
        episode_id=facts.episode_id,
        task=facts.task,
        origin=facts.origin,
        created_utc=facts.created_utc,
        num_steps=facts.num_steps,
        policy_versions=tuple(version for version in facts.policy_versions if version),
        outcome=None if label is None else label.outcome,
        confidence=None if label is None else label.confidence,
        authors=row.authors,
        is_disputed=row.is_disputed,
        suggested=None if suggestion is None else suggestion.outcome,
        suggestion_confidence=None if suggestion is None else suggestion.confidence,
        need=row.need,
        has_draft=has_draft,
    )


def count(rows: Sequence[EpisodeRow], num_shown: int, num_unreadable: int) -> Counts:
    """How many of all rows want what."""
    needs = Counter(row.need for row in rows)
    return Counts(
        total=len(rows),
        shown=num_shown,
        disputed=needs[Need.DISPUTED],
        unlabelled=needs[Need.UNLABELLED],
        unsure=needs[Need.UNSURE],
        unreadable=num_unreadable,
    )


def choices_of(rows: Iterable[EpisodeRow]) -> Choices:
    """Tasks and policy versions that occur."""
    rows = list(rows)
    return Choices(
        tasks=tuple(sorted({row.task for row in rows})),
        policy_versions=tuple(sorted({v for row in rows for v in row.policy_versions})),
    )

"""One line per episode for people: its label, who disagrees, what is suggested, what to do next."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from wvl_models.contract.episode import Label
from wvl_models.episodes.index import EpisodeFacts
from wvl_models.episodes.labels import Disagreement, LabelBook, disagreement_of
from wvl_models.episodes.records import STORE_AUTHOR
from wvl_models.episodes.suggestions import Suggestion


class Need(StrEnum):
    """Why an episode wants a person's look, in the order of the queue."""

    DISPUTED = "disputed"
    UNLABELLED = "unlabelled"
    UNSURE = "unsure"
    """The current label was given with a confidence below 1."""
    NOTHING = "nothing"


_URGENCY = {need: rank for rank, need in enumerate(Need)}


@dataclass(frozen=True, kw_only=True, slots=True)
class SummaryRow:
    """One line of `wvl episodes ls`."""

    facts: EpisodeFacts
    label: Label | None
    """The current one."""
    authors: tuple[str, ...]
    """With a label in force, oldest first; the store itself is none."""
    disagreement: Disagreement | None
    """How their labels differ."""
    suggestion: Suggestion | None
    """The newest one; never a label."""

    @property
    def is_disputed(self) -> bool:
        """Whether two authors' labels differ."""
        return self.disagreement is not None

    @property
    def need(self) -> Need:
        """Why a person should look."""
        if self.is_disputed:
            return Need.DISPUTED
        if self.label is None:
            return Need.UNLABELLED
        return Need.UNSURE if self.label.confidence < 1.0 else Need.NOTHING


def summary_row(
    facts: EpisodeFacts, book: LabelBook, suggestions: Mapping[str, tuple[Suggestion, ...]]
) -> SummaryRow:
    """The line of one episode."""
    standing = book.standing(facts.episode_id)
    suggested = suggestions.get(facts.episode_id, ())
    return SummaryRow(
        facts=facts,
        label=standing[-1] if standing else None,
        authors=tuple(label.author for label in standing if label.author != STORE_AUTHOR),
        disagreement=disagreement_of(standing),
        suggestion=suggested[-1] if suggested else None,
    )


def in_queue(rows: Iterable[SummaryRow]) -> list[SummaryRow]:
    """The rows, those that want a person's look most first.

    Disagreement, then no label at all, then low confidence; among equals the lowest confidence (of
    the suggestion where there is no label), then a suggestion that contradicts the label, then the
    oldest episode.
    """
    return sorted(rows, key=_urgency)


def _urgency(row: SummaryRow) -> tuple[int, float, bool, str, str]:
    said, suggested = row.label, row.suggestion
    if said is not None:
        confidence = said.confidence
    else:
        confidence = 0.0 if suggested is None else suggested.confidence
    agrees = said is None or suggested is None or said.outcome is suggested.outcome
    facts = row.facts
    return _URGENCY[row.need], confidence, agrees, facts.created_utc, facts.episode_id

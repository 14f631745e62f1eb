"""All episodes as they were last read, and which of them are shown. No disk, no threads."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from wvl_models.episodes.bulk import no_collections
from wvl_models.episodes.index import EpisodeFacts
from wvl_models.episodes.overview import Need, SummaryRow, in_queue
from wvl_models.episodes.store import EpisodeStore
from wvl_robot.core.review.episode_list import (
    Choices,
    Counts,
    EpisodeRow,
    RowFilter,
    RowOrder,
    choices_of,
    count,
    in_order,
    shown_row,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """What a reading of the store brings."""

    summaries: dict[str, SummaryRow]
    """By id, in the order that was asked for."""
    rows: dict[str, EpisodeRow]
    choices: Choices
    unreadable: Mapping[str, str]


@no_collections()
def read_listing(store: EpisodeStore, order: RowOrder) -> Listing:
    """Everything that takes time with ten thousand episodes; for a thread."""
    found, unreadable = store.overview()
    summaries = {row.facts.episode_id: row for row in in_order(found, order)}
    rows = {name: shown_row(row, has_draft=False) for name, row in summaries.items()}
    return Listing(
        summaries=summaries,
        rows=rows,
        choices=choices_of(rows.values()),
        unreadable=unreadable,
    )


class Catalogue:
    """Rows, filtered and in order."""

    def __init__(self) -> None:
        self.filter, self.order = RowFilter(), RowOrder.QUEUE
        self.choices, self.counts = Choices(), Counts()
        self.rows: tuple[EpisodeRow, ...] = ()
        self.unreadable: Mapping[str, str] = {}
        self._summaries: dict[str, SummaryRow] = {}
        self._rows: dict[str, EpisodeRow] = {}
        self._drafts: frozenset[str] = frozenset()

    def facts(self, episode_id: str) -> EpisodeFacts | None:
        """What is known of an episode, if it is there."""
        row = self._summaries.get(episode_id)
        return None if row is None else row.facts

    def take(self, listing: Listing, order: RowOrder) -> None:
        """A fresh reading, which was sorted by `order`."""
        self._summaries, self._rows = listing.summaries, listing.rows
        self.choices, self.unreadable = listing.choices, listing.unreadable
        if order is not self.order:
            self._sort()
        self._show()

    def take_one(self, summary: SummaryRow) -> None:
        """One episode was read anew."""
        episode_id = summary.facts.episode_id
        self._summaries[episode_id] = summary
        self._rows[episode_id] = shown_row(summary, has_draft=False)
        self._sort()
        self._show()

    def set_filter(self, wanted: RowFilter) -> None:
        """Show these only."""
        self.filter = wanted
        self._show()

    def set_order(self, order: RowOrder) -> None:
        """Sort the list."""
        self.order = order
        self._sort()
        self._show()

    def set_drafts(self, episode_ids: Collection[str]) -> bool:
        """Mark those with unsaved edits; whether that changes anything."""
        if self._drafts == frozenset(episode_ids):
            return False
        self._drafts = frozenset(episode_ids)
        self._show()
        return True

    def neighbour(self, episode_id: str, offset: int) -> str | None:
        """The row so many lines below the one of `episode_id`; the first without one."""
        names = [row.episode_id for row in self.rows]
        if not names:
            return None
        if episode_id not in names:
            return names[0]
        place = names.index(episode_id) + offset
        return names[place] if 0 <= place < len(names) else None

    def most_urgent(self, leave_out: Collection[str]) -> str | None:
        """Of the shown episodes that want a look, the first in the queue."""
        wanted = (
            self._summaries[row.episode_id]
            for row in self.rows
            if row.need is not Need.NOTHING and row.episode_id not in leave_out
        )
        first = next(iter(in_queue(wanted)), None)
        return None if first is None else first.facts.episode_id

    def next_unlabelled(self, after: str, leave_out: Collection[str]) -> str | None:
        """The next row without a label below `after`, then from the top."""
        names = [row.episode_id for row in self.rows]
        start = names.index(after) + 1 if after in names else 0
        for row in self.rows[start:] + self.rows[:start]:
            if row.outcome is None and row.episode_id not in leave_out:
                return row.episode_id
        return None

    def _sort(self) -> None:
        ordered: Iterable[SummaryRow] = in_order(self._summaries.values(), self.order)
        self._summaries = {row.facts.episode_id: row for row in ordered}
        self._rows = {name: self._rows[name] for name in self._summaries}

    def _show(self) -> None:
        admits = self.filter.admits
        self.rows = tuple(
            replace(row, has_draft=True) if row.episode_id in self._drafts else row
            for row in self._rows.values()
            if admits(row)
        )
        self.counts = count(list(self._rows.values()), len(self.rows), len(self.unreadable))

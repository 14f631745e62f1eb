"""ReviewPresenter: what the labelling panel shows and what its keys do. No Qt, no ROS.

Threading rule: every method is called from one thread, the panel's, and returns at once. Reading,
decoding and saving happen in threads of this class's own; what they bring is taken in by `poll`,
which the panel calls from a timer (30 times a second), in the panel's thread. Nothing is ever
called back from another thread.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from wvl_models.contract.episode import Label, Outcome
from wvl_models.contract.errors import WvlError
from wvl_models.contract.observation import U8
from wvl_models.episodes.overview import SummaryRow
from wvl_models.episodes.store import EpisodeStore
from wvl_models.episodes.suggestions import Suggestion
from wvl_robot.core.review.catalogue import Catalogue, Listing, read_listing
from wvl_robot.core.review.changed import Changed as Changed
from wvl_robot.core.review.desk import LabelDesk, Sheet
from wvl_robot.core.review.draft import Draft, DraftHistory, Problem, Severity
from wvl_robot.core.review.episode_list import Choices, Counts, EpisodeRow, RowFilter, RowOrder
from wvl_robot.core.review.jobs import Jobs
from wvl_robot.core.review.lane import LaneTool
from wvl_robot.core.review.opened import OpenEpisode as OpenEpisode
from wvl_robot.core.review.opened import read_episode
from wvl_robot.core.review.player import Player


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A sentence for the status line."""

    text: str
    is_error: bool = False


class ReviewPresenter:
    """See the module docstring."""

    def __init__(self, store: EpisodeStore, author: str) -> None:
        """Begins to read the list; `author` signs the labels."""
        self.author = author
        self._store = store
        self._list_jobs, self._episode_jobs, self._label_jobs = map(
            Jobs, ("list", "episode", "labels")
        )
        self._catalogue, self._desk, self._player = Catalogue(), LabelDesk(), Player(store)
        self._selected: OpenEpisode | None = None
        self._visited: set[str] = set()
        """Episodes of this round through the queue."""
        self._doubted: tuple[str, Draft] | None = None
        """A doubtful draft that a second `save` takes."""
        self._saved: list[str] = []
        """Episodes labelled here, newest last: what `undo` withdraws."""
        self._message = Message(text="")
        self._changes: set[Changed] = set()
        self.refresh()

    def poll(self, now_s: float) -> frozenset[Changed]:
        """Take in what the threads have brought and let the film run; `now_s` is monotonic."""
        for jobs in (self._label_jobs, self._list_jobs, self._episode_jobs):
            jobs.poll()
        self._changes |= self._player.poll(now_s)
        problem = self._player.take_problem()
        if problem:
            self._say(problem, is_error=True)
        if self._catalogue.set_drafts(self._desk.edited):
            self._changes.add(Changed.ROWS)
        changes, self._changes = frozenset(self._changes), set()
        return changes

    def close(self) -> None:
        """Wait for labels that are being saved, and end the threads; drafts are lost."""
        self._label_jobs.settle()
        for jobs in (self._label_jobs, self._list_jobs, self._episode_jobs):
            jobs.close()
        self._player.close()

    # The list.

    @property
    def rows(self) -> tuple[EpisodeRow, ...]:
        """Rows that the filter admits, in order."""
        return self._catalogue.rows

    @property
    def counts(self) -> Counts:
        """How many there are."""
        return self._catalogue.counts

    @property
    def choices(self) -> Choices:
        """Of the filters."""
        return self._catalogue.choices

    @property
    def unreadable(self) -> Mapping[str, str]:
        """Episodes that are not in the list because they are damaged, and how."""
        return self._catalogue.unreadable

    @property
    def is_loading(self) -> bool:
        """The list is being read."""
        return self._list_jobs.num_running > 0

    @property
    def filter(self) -> RowFilter:
        """In force."""
        return self._catalogue.filter

    @property
    def order(self) -> RowOrder:
        """In force."""
        return self._catalogue.order

    def set_filter(self, wanted: RowFilter) -> None:
        """Show these only."""
        self._catalogue.set_filter(wanted)
        self._changes.add(Changed.ROWS)

    def set_order(self, order: RowOrder) -> None:
        """Sort the list."""
        self._catalogue.set_order(order)
        self._changes.add(Changed.ROWS)

    def refresh(self) -> None:
        """Look again at what is in the store, e.g. when an episode was committed."""
        if self._list_jobs.num_running > 1:
            return  # one is being read, and one that begins after this moment will be
        order = self._catalogue.order

        def take(listing: Listing) -> None:
            self._catalogue.take(listing, order)
            self._changes.add(Changed.ROWS)

        self._list_jobs.submit(lambda: read_listing(self._store, order), take, self._fail)

    # The selection.

    @property
    def selected(self) -> OpenEpisode | None:
        """The selected episode."""
        return self._selected

    def select(self, episode_id: str) -> None:
        """Open an episode; unsaved edits of the one before are kept as its draft."""
        facts = self._catalogue.facts(episode_id)
        if facts is None:
            self._say(f"There is no episode {episode_id} in the list.", is_error=True)
            return
        self._selected = OpenEpisode(facts=facts)
        self._desk.open(Sheet(episode_id=episode_id, num_steps=facts.num_steps))
        self._player.open(facts)
        self._changes |= {Changed.EPISODE, Changed.DRAFT}
        self._read(episode_id)

    def select_next(self) -> None:
        """The next in the list's order."""
        self._select_neighbour(1)

    def select_previous(self) -> None:
        """The one before in the list's order."""
        self._select_neighbour(-1)

    def next_in_queue(self) -> None:
        """The most urgent one that was not looked at in this round; says so if there is none."""
        here = self._visit()
        found = self._catalogue.most_urgent(self._visited)
        if found is None and self._visited - {here}:
            self._visited = {here}  # a new round
            found = self._catalogue.most_urgent(self._visited)
        self._open_found(found, "Nothing else wants a look.")

    def next_unlabelled(self) -> None:
        """The next without any label; says so if there is none."""
        here = self._visit()
        found = self._catalogue.next_unlabelled(here, self._visited)
        if found is None and self._visited - {here}:
            self._visited = {here}
            found = self._catalogue.next_unlabelled(here, self._visited)
        self._open_found(found, "No other episode lacks a label.")

    # The film.

    @property
    def step(self) -> int:
        """Under the cursor."""
        return self._player.step

    @property
    def is_playing(self) -> bool:
        """The film runs."""
        return self._player.is_playing

    @property
    def frame(self) -> U8 | None:
        """[H, W, 3] of the step under the cursor; None until it is decoded (keep the old one)."""
        return self._player.frame

    def seek(self, step: int) -> None:
        """Put the cursor there; steps outside count as the ends."""
        self._player.seek(step)

    def play(self, speed: float = 1.0) -> None:
        """Let the film run from the cursor, from the start where it is at the end."""
        self._player.play(speed)

    def pause(self) -> None:
        """Stop the film."""
        self._player.pause()

    # The label.

    @property
    def draft(self) -> Draft:
        """What would be saved for the selected episode (with a drag in progress)."""
        return self._desk.draft

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is inconsistent in the draft."""
        return self._desk.problems

    @property
    def is_edited(self) -> bool:
        """The draft differs from where it began."""
        return self._desk.history is not None and self._desk.history.is_edited

    @property
    def num_drafts(self) -> int:
        """Episodes with edits that are not saved, and labels being saved: ask before closing."""
        return len(self._desk.edited) + self._label_jobs.num_running

    @property
    def message(self) -> Message:
        """The newest sentence for the operator."""
        return self._message

    def set_outcome(self, outcome: Outcome) -> None:
        """Say how it ended."""
        self._edit(replace(self.draft, outcome=outcome))

    def set_confidence(self, confidence: float) -> None:
        """0 to 1; values outside count as the ends."""
        self._edit(replace(self.draft, confidence=max(0.0, min(confidence, 1.0))))

    def set_notes(self, notes: str) -> None:
        """Free text."""
        self._edit(replace(self.draft, notes=notes))

    def note_sub_goal(self, step: int, text: str) -> None:
        """Put a note at a step; an empty text takes it away."""
        self._edit(self.draft.with_sub_goal(step, text))

    def begin_drag(self, step: int, tool: LaneTool = LaneTool.AUTO) -> None:
        """The mouse button goes down on the reward lane."""
        self._desk.begin_drag(step, tool)
        self._changes.add(Changed.DRAFT)

    def drag_to(self, step: int) -> None:
        """The mouse moves."""
        self._desk.drag_to(step)
        self._changes.add(Changed.DRAFT)

    def end_drag(self) -> None:
        """The mouse button is let go: one edit."""
        self._desk.end_drag()
        self._changes.add(Changed.DRAFT)

    def cancel_drag(self) -> None:
        """Escape: as if nothing had been dragged."""
        self._desk.cancel_drag()
        self._changes.add(Changed.DRAFT)

    def clear_intervals(self) -> None:
        """No success anywhere."""
        self._edit(replace(self.draft, intervals=()))

    def take_over(self, source: str) -> None:
        """Copy outcome and intervals of a suggestion (its `source`) or a label (its author).

        Confidence and notes stay: they are this author's.
        """
        if self._selected is None:
            return
        label = self._selected.label_of(source)
        made = {suggestion.source: suggestion for suggestion in self._selected.suggestions}
        if label is not None:
            self._edit(_with(self.draft, label))
        elif source in made:
            self._edit(_with(self.draft, made[source]))
        else:
            self._say(f"Nobody named {source!r} has said anything of it.", is_error=True)

    def save(self) -> bool:
        """Store the draft as this author's label, in the background.

        False where it was stopped by `problems` (the message says which). A draft that is only
        doubtful is taken by a second `save` without an edit in between. Where storing fails, the
        draft comes back and the message says why.
        """
        if self._selected is None or self._desk.history is None:
            self._say("No episode is open yet.", is_error=True)
            return False
        self._desk.end_drag()
        episode_id, draft = self._selected.facts.episode_id, self.draft
        if not self._is_accepted(episode_id, draft):
            return False
        label = draft.label(self.author)
        if self._selected.label_of(self.author) is not None and not self.is_edited:
            self._say("This is your label already.")
            return True
        self._store_label(episode_id, label, self._desk.put_down(episode_id))
        return True

    def label_and_next(self, outcome: Outcome) -> bool:
        """The five-second key: outcome, save, next in the queue. False where `save` says so."""
        self.set_outcome(outcome)
        if not self.save():
            return False
        self.next_in_queue()
        return True

    def undo(self) -> None:
        """Take back the last edit of the draft, else the last label saved here, and go there."""
        history = self._desk.history
        if self._desk.is_dragging:
            self._desk.cancel_drag()
        elif history is not None and history.can_undo:
            history.undo()
        elif self._label_jobs.num_running:
            self._say("A label is being saved: undo again in a moment.")
        else:
            self._withdraw_last()
        self._changes.add(Changed.DRAFT)

    def revert(self) -> None:
        """Drop all unsaved edits of the selected episode."""
        if self._desk.history is not None:
            self._desk.history.revert()
            self._changes.add(Changed.DRAFT)

    def _edit(self, draft: Draft) -> None:
        if self._desk.edit(draft):
            self._changes.add(Changed.DRAFT)

    def _is_accepted(self, episode_id: str, draft: Draft) -> bool:
        problems = self.problems
        text = " ".join(problem.text for problem in problems)
        if any(problem.severity is Severity.REFUSED for problem in problems):
            self._say(text, is_error=True)
            return False
        if problems and self._doubted != (episode_id, draft):
            self._doubted = (episode_id, draft)
            self._say(f"{text} Save again to keep it so.", is_error=True)
            return False
        return True

    def _store_label(self, episode_id: str, label: Label, unsaved: DraftHistory) -> None:
        def work() -> SummaryRow:
            self._store.labels.add(episode_id, label)
            return self._store.summary_of(episode_id)

        def done(summary: SummaryRow) -> None:
            self._saved.append(episode_id)
            self._take_label(summary, f"{episode_id}: {label.outcome.value} saved.")

        def failed(error: WvlError) -> None:
            self._desk.take_back(episode_id, unsaved)
            self._changes.add(Changed.DRAFT)
            self._say(f"{episode_id} is NOT labelled: {error}", is_error=True)

        self._label_jobs.submit(work, done, failed)

    def _withdraw_last(self) -> None:
        """The newest label saved here, else this author's of the open episode."""
        if self._saved:
            episode_id = self._saved.pop()
        elif self._selected is not None and self._selected.label_of(self.author) is not None:
            episode_id = self._selected.facts.episode_id
        else:
            self._say("There is nothing to undo.")
            return

        def work() -> SummaryRow:
            self._store.labels.undo(episode_id, self.author)
            return self._store.summary_of(episode_id)

        def done(summary: SummaryRow) -> None:
            now = "unlabelled" if summary.label is None else summary.label.outcome.value
            self._visited.discard(episode_id)
            if self._selected is None or self._selected.facts.episode_id != episode_id:
                self.select(episode_id)
            self._take_label(summary, f"{episode_id}: your label is withdrawn; now {now}.")

        self._label_jobs.submit(work, done, self._fail)

    def _take_label(self, summary: SummaryRow, text: str) -> None:
        """The labels of an episode have changed."""
        self._catalogue.take_one(summary)
        self._changes.add(Changed.ROWS)
        self._say(text)
        if self._selected is not None and self._selected.facts == summary.facts:
            self._read(summary.facts.episode_id)

    def _read(self, episode_id: str) -> None:
        """Have the content of the selected episode read; a selection that was left is skipped."""

        def work() -> OpenEpisode | None:
            selected = self._selected
            if selected is None or selected.facts.episode_id != episode_id:
                return None
            return read_episode(self._store, episode_id)

        def done(episode: OpenEpisode | None) -> None:
            selected = self._selected
            if episode is not None and selected is not None and selected.facts == episode.facts:
                self._selected = episode
                self._desk.begin(episode_id, episode.first_draft(self.author))
                self._changes |= {Changed.EPISODE, Changed.DRAFT}

        self._episode_jobs.submit(work, done, self._fail)

    def _visit(self) -> str:
        """Tick the open episode off; its id, or nothing."""
        here = "" if self._selected is None else self._selected.facts.episode_id
        self._visited.add(here)
        return here

    def _open_found(self, episode_id: str | None, otherwise: str) -> None:
        if episode_id is not None:
            self.select(episode_id)
        else:
            self._say("The list is still being read." if self.is_loading else otherwise)

    def _select_neighbour(self, offset: int) -> None:
        here = "" if self._selected is None else self._selected.facts.episode_id
        found = self._catalogue.neighbour(here, offset)
        if found is not None:
            self.select(found)

    def _fail(self, error: WvlError) -> None:
        self._say(str(error), is_error=True)

    def _say(self, text: str, *, is_error: bool = False) -> None:
        self._message = Message(text=text, is_error=is_error)
        self._changes.add(Changed.MESSAGE)


def _with(draft: Draft, said: Label | Suggestion) -> Draft:
    """The draft with somebody else's outcome and intervals."""
    return replace(draft, outcome=said.outcome, intervals=said.success_intervals)

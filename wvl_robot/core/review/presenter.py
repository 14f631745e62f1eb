"""ReviewPresenter: what the labelling panel shows and what its keys do. No Qt, no ROS.

Threading rule: every method is called from one thread, the panel's, and returns at once. Reading,
decoding and saving happen in threads of this class's own; what they bring is taken in by `poll`,
which the panel calls from a timer (30 times a second), in the panel's thread. Nothing is ever
called back from another thread.

This is the face of the room: some forty properties and commands of few lines each, hence its
length. What they mean is in `catalogue`, `selection`, `round`, `player`, `desk` and `labelling`.
"""

from collections.abc import Mapping
from dataclasses import replace

from wvl_models.contract.episode import Outcome
from wvl_models.contract.observation import U8
from wvl_models.episodes.store import EpisodeStore
from wvl_robot.core.review.catalogue import Catalogue, Listing, read_listing
from wvl_robot.core.review.changed import Changed as Changed
from wvl_robot.core.review.changed import Message as Message
from wvl_robot.core.review.changed import News
from wvl_robot.core.review.desk import LabelDesk
from wvl_robot.core.review.draft import Draft, Problem
from wvl_robot.core.review.episode_list import Choices, Counts, EpisodeRow, RowFilter, RowOrder
from wvl_robot.core.review.jobs import Jobs
from wvl_robot.core.review.labelling import Labelling
from wvl_robot.core.review.lane import LaneTool
from wvl_robot.core.review.opened import OpenEpisode as OpenEpisode
from wvl_robot.core.review.player import Player
from wvl_robot.core.review.round import Round
from wvl_robot.core.review.selection import Selection


class ReviewPresenter:
    """See the module docstring."""

    def __init__(self, store: EpisodeStore, author: str) -> None:
        """Begins to read the list; `author` signs the labels."""
        self._author, self._store, self._news = author, store, News()
        self._list_jobs, self._episode_jobs, self._label_jobs = map(
            Jobs, ("list", "episode", "labels")
        )
        self._catalogue, self._desk, self._player = Catalogue(), LabelDesk(), Player(store)
        self._tour = Round()
        self._selection = Selection(
            store, author, self._episode_jobs, self._catalogue, self._desk, self._player, self._news
        )
        self._labelling = Labelling(
            store,
            author,
            self._label_jobs,
            self._catalogue,
            self._selection,
            self._tour,
            self._news,
        )
        self.refresh()

    @property
    def author(self) -> str:
        """Who signs."""
        return self._author

    def poll(self, now_s: float) -> frozenset[Changed]:
        """Take in what the threads have brought and let the film run; `now_s` is monotonic."""
        for jobs in (self._label_jobs, self._list_jobs, self._episode_jobs):
            jobs.poll()
        self._news.add(*self._player.poll(now_s))
        problem = self._player.take_problem()
        if problem:
            self._news.say(problem, is_error=True)
        if self._catalogue.set_drafts(self._desk.edited):
            self._news.add(Changed.ROWS)
        return self._news.take()

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
        self._news.add(Changed.ROWS)

    def set_order(self, order: RowOrder) -> None:
        """Sort the list."""
        self._catalogue.set_order(order)
        self._news.add(Changed.ROWS)

    def refresh(self) -> None:
        """Look again at what is in the store, e.g. when an episode was committed."""
        if self._list_jobs.num_running > 1:
            return  # one is being read, and one that begins after this moment will be
        order = self._catalogue.order

        def take(listing: Listing) -> None:
            self._catalogue.take(listing, order)
            self._news.add(Changed.ROWS)

        self._list_jobs.submit(lambda: read_listing(self._store, order), take, self._news.say_error)

    # The selection.

    @property
    def selected(self) -> OpenEpisode | None:
        """The selected episode."""
        return self._selection.episode

    def select(self, episode_id: str) -> None:
        """Open an episode; unsaved edits of the one before are kept as its draft."""
        self._selection.select(episode_id)

    def select_next(self) -> None:
        """The next in the list's order."""
        self._select_neighbour(1)

    def select_previous(self) -> None:
        """The one before in the list's order."""
        self._select_neighbour(-1)

    def next_in_queue(self) -> None:
        """The most urgent one that was not looked at in this round; says so if there is none."""
        found = self._tour.next(self._selection.episode_id, self._catalogue.most_urgent)
        self._open_found(found, "Nothing else wants a look.")

    def next_unlabelled(self) -> None:
        """The next without any label; says so if there is none."""
        here = self._selection.episode_id
        found = self._tour.next(here, lambda seen: self._catalogue.next_unlabelled(here, seen))
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
        return self._news.message

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
        self._news.add(Changed.DRAFT)

    def drag_to(self, step: int) -> None:
        """The mouse moves."""
        self._desk.drag_to(step)
        self._news.add(Changed.DRAFT)

    def end_drag(self) -> None:
        """The mouse button is let go: one edit."""
        self._desk.end_drag()
        self._news.add(Changed.DRAFT)

    def cancel_drag(self) -> None:
        """Escape: as if nothing had been dragged."""
        self._desk.cancel_drag()
        self._news.add(Changed.DRAFT)

    def clear_intervals(self) -> None:
        """No success anywhere."""
        self._edit(replace(self.draft, intervals=()))

    def take_over(self, source: str) -> None:
        """Copy outcome and intervals of a suggestion (its `source`) or a label (its author).

        Confidence and notes stay: they are this author's.
        """
        self._labelling.take_over(source)

    def save(self) -> bool:
        """Store the draft as this author's label, in the background.

        False where it was stopped by `problems` (the message says which). A draft that is only
        doubtful is taken by a second `save` without an edit in between. Where storing fails, the
        draft comes back and the message says why.
        """
        return self._labelling.save()

    def label_and_next(self, outcome: Outcome) -> bool:
        """The five-second key: outcome, save, next in the queue. False where `save` says so."""
        self.set_outcome(outcome)
        if not self.save():
            return False
        self.next_in_queue()
        return True

    def undo(self) -> None:
        """Take back the last edit of the draft, else the last label saved here, and go there."""
        self._labelling.undo()

    def revert(self) -> None:
        """Drop all unsaved edits of the selected episode."""
        if self._desk.history is not None:
            self._desk.history.revert()
            self._news.add(Changed.DRAFT)

    def _edit(self, draft: Draft) -> None:
        if self._desk.edit(draft):
            self._news.add(Changed.DRAFT)

    def _open_found(self, episode_id: str | None, otherwise: str) -> None:
        if episode_id is not None:
            self.select(episode_id)
        else:
            self._news.say("The list is still being read." if self.is_loading else otherwise)

    def _select_neighbour(self, offset: int) -> None:
        found = self._catalogue.neighbour(self._selection.episode_id, offset)
        if found is not None:
            self.select(found)

"""ReviewPresenter: what the labelling panel shows and what its keys do. No Qt, no ROS.

Threading rule: every method is called from one thread, the panel's, and returns at once. Reading,
decoding and saving happen in threads of this class's own; what they bring is taken in by `poll`,
which the panel calls from a timer (30 times a second), in the panel's thread. Nothing is ever
called back from another thread.
"""

from dataclasses import dataclass
from enum import StrEnum

from wvl_models.contract.episode import Label, Outcome
from wvl_models.contract.observation import U8
from wvl_models.episodes.index import EpisodeFacts
from wvl_models.episodes.label_log import LabelEvent
from wvl_models.episodes.store import EpisodeStore
from wvl_robot.core.review.draft import Draft, Problem
from wvl_robot.core.review.episode_list import Choices, Counts, EpisodeRow, RowFilter, RowOrder
from wvl_robot.core.review.lane import Intervals, LaneTool
from wvl_robot.core.review.plots import EpisodePlots


class Changed(StrEnum):
    """What is to be drawn anew."""

    ROWS = "rows"
    EPISODE = "episode"
    """Another episode is selected, or its content has come."""
    DRAFT = "draft"
    STEP = "step"
    FRAME = "frame"
    MESSAGE = "message"


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A sentence for the status line."""

    text: str
    is_error: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class SuggestionView:
    """What a predicate or a world model thinks; never a label until a person takes it over."""

    source: str
    """`predicate`, or `world_model:<version>`."""
    outcome: Outcome
    intervals: Intervals
    confidence: float
    probabilities: tuple[float, ...]
    """[T] of success by step; empty where the source gives none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenEpisode:
    """The selected episode; its content is None until it has been read."""

    facts: EpisodeFacts
    plots: EpisodePlots | None = None
    standing: tuple[Label, ...] = ()
    """Every author's label in force, oldest first, to be shown side by side."""
    disagreement: str = ""
    """How the authors differ, as a sentence; empty where they agree."""
    suggestions: tuple[SuggestionView, ...] = ()
    history: tuple[LabelEvent, ...] = ()


class ReviewPresenter:
    """See the module docstring."""

    def __init__(self, store: EpisodeStore, author: str) -> None:
        """Begins to read the list; `author` signs the labels."""
        raise NotImplementedError

    def poll(self, now_s: float) -> frozenset[Changed]:
        """Take in what the threads have brought and let the film run; `now_s` is monotonic."""
        raise NotImplementedError

    def close(self) -> None:
        """Wait for labels that are being saved, and end the threads."""
        raise NotImplementedError

    # the list

    @property
    def rows(self) -> tuple[EpisodeRow, ...]:
        """Rows that the filter admits, in order."""
        raise NotImplementedError

    @property
    def counts(self) -> Counts:
        """How many there are."""
        raise NotImplementedError

    @property
    def choices(self) -> Choices:
        """Of the filters."""
        raise NotImplementedError

    @property
    def is_loading(self) -> bool:
        """The list is being read."""
        raise NotImplementedError

    @property
    def filter(self) -> RowFilter:
        """In force."""
        raise NotImplementedError

    @property
    def order(self) -> RowOrder:
        """In force."""
        raise NotImplementedError

    def set_filter(self, wanted: RowFilter) -> None:
        """Show these only."""
        raise NotImplementedError

    def set_order(self, order: RowOrder) -> None:
        """Sort the list."""
        raise NotImplementedError

    def refresh(self) -> None:
        """Look again at what is in the store, e.g. when an episode was committed."""
        raise NotImplementedError

    # the selection

    @property
    def selected(self) -> OpenEpisode | None:
        """The selected episode."""
        raise NotImplementedError

    def select(self, episode_id: str) -> None:
        """Open an episode; unsaved edits of the one before are kept as its draft."""
        raise NotImplementedError

    def select_next(self) -> None:
        """The next in the list's order."""
        raise NotImplementedError

    def select_previous(self) -> None:
        """The one before in the list's order."""
        raise NotImplementedError

    def next_in_queue(self) -> None:
        """The most urgent one that was not looked at in this round; says so if there is none."""
        raise NotImplementedError

    def next_unlabelled(self) -> None:
        """The next without any label; says so if there is none."""
        raise NotImplementedError

    # the film

    @property
    def step(self) -> int:
        """Under the cursor."""
        raise NotImplementedError

    @property
    def is_playing(self) -> bool:
        """The film runs."""
        raise NotImplementedError

    @property
    def frame(self) -> U8 | None:
        """[H, W, 3] of the step under the cursor; None until it is decoded (keep the old one)."""
        raise NotImplementedError

    def seek(self, step: int) -> None:
        """Put the cursor there; steps outside count as the ends."""
        raise NotImplementedError

    def play(self, speed: float = 1.0) -> None:
        """Let the film run from the cursor, from the start where it is at the end."""
        raise NotImplementedError

    def pause(self) -> None:
        """Stop the film."""
        raise NotImplementedError

    # the label

    @property
    def draft(self) -> Draft:
        """What would be saved for the selected episode (with a drag in progress)."""
        raise NotImplementedError

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is inconsistent in the draft."""
        raise NotImplementedError

    @property
    def is_edited(self) -> bool:
        """The draft differs from what is stored."""
        raise NotImplementedError

    @property
    def num_drafts(self) -> int:
        """Episodes with edits that are not saved, and labels being saved: ask before closing."""
        raise NotImplementedError

    @property
    def message(self) -> Message:
        """The newest sentence for the operator."""
        raise NotImplementedError

    def set_outcome(self, outcome: Outcome) -> None:
        """Say how it ended."""
        raise NotImplementedError

    def set_confidence(self, confidence: float) -> None:
        """0 to 1; values outside count as the ends."""
        raise NotImplementedError

    def set_notes(self, notes: str) -> None:
        """Free text."""
        raise NotImplementedError

    def note_sub_goal(self, step: int, text: str) -> None:
        """Put a note at a step; an empty text takes it away."""
        raise NotImplementedError

    def begin_drag(self, step: int, tool: LaneTool = LaneTool.AUTO) -> None:
        """The mouse button goes down on the reward lane."""
        raise NotImplementedError

    def drag_to(self, step: int) -> None:
        """The mouse moves."""
        raise NotImplementedError

    def end_drag(self) -> None:
        """The mouse button is let go: one edit."""
        raise NotImplementedError

    def cancel_drag(self) -> None:
        """Escape: as if nothing had been dragged."""
        raise NotImplementedError

    def clear_intervals(self) -> None:
        """No success anywhere."""
        raise NotImplementedError

    def take_over(self, source: str) -> None:
        """Copy a suggestion (its `source`) or another author's label (his name) into the draft."""
        raise NotImplementedError

    def save(self) -> bool:
        """Store the draft as this author's label, in the background.

        False where it was stopped by `problems` (the message says which). A draft that is only
        doubtful is taken by a second `save` without an edit in between. Where storing fails, the
        draft comes back and the message says why.
        """
        raise NotImplementedError

    def label_and_next(self, outcome: Outcome) -> bool:
        """The five-second key: outcome, save, next in the queue. False where `save` says so."""
        raise NotImplementedError

    def undo(self) -> None:
        """Take back the last edit of the draft, else the last label saved here, and go there."""
        raise NotImplementedError

    def revert(self) -> None:
        """Drop all unsaved edits of the selected episode."""
        raise NotImplementedError

"""The drafts of all opened episodes, and the pencil on the one that is open. No disk."""

from dataclasses import dataclass, replace

from wvl_robot.core.review.draft import Draft, DraftHistory, Problem, problems_of
from wvl_robot.core.review.lane import Drag, LaneTool, begin_drag


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """The episode that is open."""

    episode_id: str
    num_steps: int


class LabelDesk:
    """Drafts survive while other episodes are open; those without an edit are not kept."""

    def __init__(self) -> None:
        self._histories: dict[str, DraftHistory] = {}
        self._sheet: Sheet | None = None
        self._drag: Drag | None = None
        self._drag_step = 0

    @property
    def edited(self) -> frozenset[str]:
        """Episodes with edits that are not saved."""
        return frozenset(name for name, history in self._histories.items() if history.is_edited)

    @property
    def history(self) -> DraftHistory | None:
        """Of the open episode; None until it is `begin`-ed."""
        return None if self._sheet is None else self._histories.get(self._sheet.episode_id)

    @property
    def draft(self) -> Draft:
        """Of the open episode, with a drag in progress."""
        history = self.history
        draft = Draft() if history is None else history.draft
        if self._drag is None:
            return draft
        return replace(draft, intervals=self._drag.at(self._drag_step))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is inconsistent in it."""
        if self._sheet is None or self.history is None:
            return ()
        return problems_of(self.draft, self._sheet.num_steps)

    @property
    def is_dragging(self) -> bool:
        """The mouse button is down."""
        return self._drag is not None

    def open(self, sheet: Sheet) -> None:
        """Another episode; an unedited draft of the one before goes."""
        self._drag = None
        before = self._sheet
        self._sheet = sheet
        if before is not None and before.episode_id != sheet.episode_id:
            self.forget_unedited(before.episode_id)

    def begin(self, episode_id: str, stored: Draft) -> None:
        """Where the operator begins, unless he has begun already."""
        history = self._histories.get(episode_id)
        if history is None or not history.is_edited:
            self._histories[episode_id] = DraftHistory(stored)

    def forget_unedited(self, episode_id: str) -> None:
        """Drop a draft in which nothing was changed."""
        history = self._histories.get(episode_id)
        if history is not None and not history.is_edited:
            del self._histories[episode_id]

    def forget(self, episode_id: str) -> None:
        """Drop a draft."""
        self._histories.pop(episode_id, None)

    def put_down(self, episode_id: str) -> DraftHistory:
        """The draft is being saved: it counts as stored from here on; returns it with its edits."""
        history = self._histories[episode_id]
        self._histories[episode_id] = DraftHistory(history.draft)
        return history

    def take_back(self, episode_id: str, unsaved: DraftHistory) -> None:
        """What was put down could not be saved; edits made since then are kept on top."""
        since = self._histories.get(episode_id)
        if since is not None and since.is_edited:
            unsaved.edit(since.draft)
        self._histories[episode_id] = unsaved

    def edit(self, draft: Draft) -> bool:
        """One edit of the open episode; False where it changes nothing or none is open."""
        return self.history is not None and self.history.edit(draft)

    def begin_drag(self, step: int, tool: LaneTool) -> None:
        """The mouse button goes down on the lane."""
        if self._sheet is not None and self.history is not None:
            intervals = self.history.draft.intervals
            self._drag = begin_drag(intervals, step, self._sheet.num_steps, tool)
            self._drag_step = step

    def drag_to(self, step: int) -> None:
        """The mouse moves."""
        self._drag_step = step

    def end_drag(self) -> bool:
        """The mouse button is let go: one edit; False where it changes nothing."""
        draft, self._drag = self.draft, None
        return self.edit(draft)

    def cancel_drag(self) -> None:
        """As if nothing had been dragged."""
        self._drag = None

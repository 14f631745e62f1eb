"""Review mode: list, film and label side by side, and the keys that drive them."""

from wvl_models.contract.episode import Outcome
from wvl_robot.core.review.lane import LaneTool
from wvl_robot.core.review.presenter import Changed, ReviewPresenter
from wvl_robot.rqt.binding import Qt, QtWidgets
from wvl_robot.rqt.episode_list import EpisodeList
from wvl_robot.rqt.film_view import FilmView
from wvl_robot.rqt.keys import Key, KeyLegend, bind_keys
from wvl_robot.rqt.label_form import LabelForm
from wvl_robot.rqt.outcome_buttons import OUTCOME_KEYS
from wvl_robot.rqt.status_line import StatusLine

LEAP_STEPS = 10
"""Of shift and an arrow: one second."""


class ReviewPage(QtWidgets.QWidget):
    """Draws what the presenter says has changed; keys call the presenter."""

    def __init__(self, presenter: ReviewPresenter) -> None:
        super().__init__()
        self._presenter = presenter
        self._list = EpisodeList(presenter, self)
        self._film = FilmView(presenter)
        self._form = LabelForm(presenter, self)
        self._status = StatusLine()
        keys = self._keys()
        bind_keys(self, keys)
        self._lay_out(KeyLegend(self, keys))
        self.show_changes(frozenset(Changed))

    @property
    def presenter(self) -> ReviewPresenter:
        """Whose face this is."""
        return self._presenter

    def take_in(self, episode_id: str) -> None:
        """Something has happened to this episode elsewhere: read the list, and it, again."""
        presenter = self._presenter
        presenter.refresh()
        episode = presenter.selected
        is_open = episode is not None and episode.facts.episode_id == episode_id
        if is_open and not presenter.is_edited:
            presenter.select(episode_id)

    def show_changes(self, changed: frozenset[Changed]) -> None:
        """Draw what has changed."""
        if not changed:
            return
        if self._presenter.selected is None and self._presenter.rows:
            self._presenter.select(self._presenter.rows[0].episode_id)  # seen with the next poll
        self._list.show_changes(changed)
        self._film.show_changes(changed)
        self._form.show_changes(changed)
        if Changed.MESSAGE in changed:
            message = self._presenter.message
            self._status.say(message.text, is_error=message.is_error)

    def _lay_out(self, legend: KeyLegend) -> None:
        columns = QtWidgets.QSplitter(Qt.Orientation.Horizontal)
        for widget, width_px, stretch in (
            (self._list, 430, 1),
            (self._film, 830, 2),
            (self._form, 270, 0),
        ):
            columns.addWidget(widget)
            columns.setStretchFactor(columns.count() - 1, stretch)
            widget.setMinimumWidth(min(width_px, 260))
        columns.setSizes([430, 830, 270])
        columns.setChildrenCollapsible(False)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(columns, 1)
        layout.addWidget(self._status)
        layout.addWidget(legend)

    def _keys(self) -> tuple[Key, ...]:
        presenter, form = self._presenter, self._form
        outcomes = tuple(
            Key(
                sequences=OUTCOME_KEYS[outcome],
                cap=OUTCOME_KEYS[outcome][0],
                text=outcome.value.replace("_", " "),
                do=lambda outcome=outcome: presenter.label_and_next(outcome),
            )
            for outcome in Outcome
        )
        return (
            *outcomes,
            Key(sequences=("Return", "Enter"), do=presenter.save, cap="Enter", text="save"),
            Key(sequences=("Z", "Ctrl+Z", "Backspace"), do=presenter.undo, cap="Z", text="undo"),
            Key(sequences=("U",), do=presenter.next_unlabelled, cap="U", text="next unlabelled"),
            Key(sequences=("Q",), do=presenter.next_in_queue, cap="Q", text="next in queue"),
            Key(sequences=("Up",), do=presenter.select_previous),
            Key(sequences=("Down",), do=presenter.select_next, cap="↑ ↓", text="episode"),
            Key(sequences=("Space",), do=self._film.toggle_play, cap="Space", text="play"),
            Key(sequences=("Left",), do=lambda: self._move(-1)),
            Key(sequences=("Right",), do=lambda: self._move(1), cap="← →", text="step"),
            Key(sequences=("Shift+Left",), do=lambda: self._move(-LEAP_STEPS)),
            Key(
                sequences=("Shift+Right",),
                do=lambda: self._move(LEAP_STEPS),
                cap="⇧ ← →",
                text="second",
            ),
            Key(sequences=("Home",), do=lambda: self._seek(0)),
            Key(
                sequences=("End",),
                do=lambda: self._seek(self._last()),
                cap="Home End",
                text="first, last",
            ),
            Key(sequences=("I",), do=self._paint_rest, cap="I", text="success from here on"),
            Key(sequences=("E",), do=self._erase_rest, cap="E", text="erase from here on"),
            Key(sequences=("C",), do=presenter.clear_intervals, cap="C", text="clear lane"),
            Key(sequences=("T",), do=form.take_suggestion, cap="T", text="take suggestion"),
            Key(sequences=("-",), do=lambda: form.change_confidence(-1)),
            Key(
                sequences=("+", "="),
                do=lambda: form.change_confidence(1),
                cap="- +",
                text="confidence",
            ),
            Key(sequences=("O",), do=form.focus_notes, cap="O", text="notes"),
            Key(sequences=("K",), do=form.focus_sub_goal, cap="K", text="sub-goal"),
            Key(sequences=("/",), do=self._list.focus_search, cap="/", text="search"),
            Key(sequences=("R",), do=presenter.revert, cap="R", text="revert"),
            Key(sequences=("Escape",), do=self._film.cancel_drag),
        )

    def _last(self) -> int:
        episode = self._presenter.selected
        return 0 if episode is None else episode.facts.num_steps - 1

    def _move(self, steps: int) -> None:
        self._seek(self._presenter.step + steps)

    def _seek(self, step: int) -> None:
        self._presenter.pause()
        self._presenter.seek(step)

    def _paint_rest(self) -> None:
        self._stroke(LaneTool.PAINT)

    def _erase_rest(self) -> None:
        self._stroke(LaneTool.ERASE)

    def _stroke(self, tool: LaneTool) -> None:
        """From the cursor to the end, as one edit."""
        if self._presenter.selected is not None:
            self._presenter.begin_drag(self._presenter.step, tool)
            self._presenter.drag_to(self._last())
            self._presenter.end_drag()

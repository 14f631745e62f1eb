"""The right of the review page: outcome, confidence, notes, sub-goals, and what others say."""

from html import escape

from wvl_models.contract.episode import Label, SubGoal
from wvl_models.episodes.suggestions import Suggestion
from wvl_robot.core.review.presenter import Changed, OpenEpisode, ReviewPresenter
from wvl_robot.rqt.binding import Qt, QtWidgets
from wvl_robot.rqt.episode_list import outcome_name
from wvl_robot.rqt.keys import TypingLine
from wvl_robot.rqt.outcome_buttons import OutcomeButtons
from wvl_robot.rqt.theme import ACCENT, ALARM, DIM, FAINT, OUTCOME_COLOURS, TEXT, WARN

CONFIDENCES = (0.25, 0.5, 0.75, 1.0)
"""Steps of the confidence keys: coarse, for nobody means 0.83."""


class LabelForm(QtWidgets.QWidget):
    """Everything that a label says, and buttons for what keys do."""

    def __init__(self, presenter: ReviewPresenter, page: QtWidgets.QWidget) -> None:
        super().__init__()
        self._presenter = presenter
        self._outcomes = OutcomeButtons()
        self._outcomes.pressed.connect(presenter.label_and_next)
        self._state = QtWidgets.QLabel()
        self._state.setWordWrap(True)
        self._confidence = QtWidgets.QLabel()
        self._notes = TypingLine(page, "notes  (O)")
        self._sub_goal = TypingLine(page, "sub-goal at this step  (K)")
        self._sub_goals = QtWidgets.QLabel()
        self._others = QtWidgets.QLabel()
        for label in (self._sub_goals, self._others):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.RichText)
        self._others.linkActivated.connect(presenter.take_over)
        self._sub_goals.linkActivated.connect(self._follow)
        self._notes.textEdited.connect(presenter.set_notes)
        self._sub_goal.returnPressed.connect(self._add_sub_goal)
        self._lay_out()

    def focus_notes(self) -> None:
        """Begin to type notes."""
        self._notes.setFocus()

    def focus_sub_goal(self) -> None:
        """Begin to type a sub-goal of the step under the cursor."""
        self._presenter.pause()
        self._sub_goal.setFocus()

    def change_confidence(self, places: int) -> None:
        """More or less sure, in coarse steps."""
        now = self._presenter.draft.confidence
        nearest = min(range(len(CONFIDENCES)), key=lambda i: abs(CONFIDENCES[i] - now))
        place = min(len(CONFIDENCES) - 1, max(0, nearest + places))
        self._presenter.set_confidence(CONFIDENCES[place])

    def take_suggestion(self) -> None:
        """Copy the first suggestion into the draft, to be looked at and saved."""
        episode = self._presenter.selected
        if episode is not None and episode.suggestions:
            self._presenter.take_over(episode.suggestions[0].source)

    def show_changes(self, changed: frozenset[Changed]) -> None:
        """Draw what has changed."""
        if not changed & {Changed.EPISODE, Changed.DRAFT}:
            return
        episode, draft = self._presenter.selected, self._presenter.draft
        self.setEnabled(episode is not None)
        self._outcomes.show_outcome(draft.outcome)
        self._confidence.setText(_confidence_html(draft.confidence))
        if self._notes.text() != draft.notes:
            self._notes.setText(draft.notes)
        self._sub_goals.setText(_sub_goals_html(draft.sub_goals))
        self._sub_goals.setVisible(bool(draft.sub_goals))
        self._state.setText(self._state_html(episode))
        self._others.setText("" if episode is None else _others_html(episode))

    def _lay_out(self) -> None:
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 10, 4)
        layout.setSpacing(6)
        layout.addWidget(self._outcomes)
        layout.addWidget(self._state)
        for heading, widgets in (
            ("CONFIDENCE", (self._confidence,)),
            ("NOTES", (self._notes,)),
            ("SUB-GOALS", (self._sub_goals, self._sub_goal)),
            ("WHAT WAS SAID", (self._others,)),
        ):
            title = QtWidgets.QLabel(heading)
            title.setProperty("heading", True)
            layout.addSpacing(6)
            layout.addWidget(title)
            for widget in widgets:
                layout.addWidget(widget)
        layout.addStretch()

    def _add_sub_goal(self) -> None:
        text = self._sub_goal.text().strip()
        if text:
            self._presenter.note_sub_goal(self._presenter.step, text)
        self._sub_goal.clear()

    def _follow(self, link: str) -> None:
        verb, _, step = link.partition(":")
        if verb == "drop":
            self._presenter.note_sub_goal(int(step), "")
        else:
            self._presenter.seek(int(step))

    def _state_html(self, episode: OpenEpisode | None) -> str:
        """What is wrong with what has been said; nothing where nothing has."""
        if episode is None or not self._presenter.is_edited:
            return ""
        lines = ["not saved yet: Enter saves"]
        if self._presenter.draft.outcome is not None:
            lines += [escape(problem.text) for problem in self._presenter.problems]
        return "<br>".join(f"<span style='color:{WARN}'>{line}</span>" for line in lines)


def _confidence_html(confidence: float) -> str:
    cells = [
        f"<span style='color:{TEXT if abs(step - confidence) < 0.126 else FAINT}'>{step:.0%}</span>"
        for step in CONFIDENCES
    ]
    return " &nbsp;&nbsp; ".join(cells)


def _sub_goals_html(sub_goals: tuple[SubGoal, ...]) -> str:
    return "<br>".join(
        f"<a href='seek:{goal.step}' style='color:{ACCENT}'>step {goal.step + 1}</a> "
        f"{escape(goal.text)} "
        f"<a href='drop:{goal.step}' style='color:{DIM}; text-decoration:none'>✕</a>"
        for goal in sub_goals
    )


def _others_html(episode: OpenEpisode) -> str:
    parts = []
    if episode.disagreement:
        parts.append(f"<span style='color:{ALARM}'>{escape(episode.disagreement)}</span>")
    parts += [_label_html(label) for label in reversed(episode.standing)]
    authors = {label.author for label in episode.standing}
    parts += [_suggestion_html(s) for s in episode.suggestions if s.source not in authors]
    if not parts:
        return f"<span style='color:{DIM}'>nothing yet</span>"
    return "<br>".join(parts)


def _label_html(label: Label) -> str:
    tint = OUTCOME_COLOURS[label.outcome]
    unsure = f" {label.confidence:.0%}" if label.confidence < 1 else ""
    notes = f" <i style='color:{DIM}'>{escape(label.notes)}</i>" if label.notes else ""
    return (
        f"<b>{escape(label.author) or '?'}</b> "
        f"<span style='color:{tint}'>{outcome_name(label.outcome)}</span>{unsure}{notes} "
        f"{_take(label.author)}"
    )


def _suggestion_html(suggestion: Suggestion) -> str:
    return (
        f"<span style='color:{DIM}'><i>{escape(suggestion.source)} suggests "
        f"{outcome_name(suggestion.outcome)}, {suggestion.confidence:.0%}</i></span> "
        f"{_take(suggestion.source)}"
    )


def _take(source: str) -> str:
    return f"<a href='{escape(source)}' style='color:{ACCENT}; text-decoration:none'>take over</a>"

"""Live mode: collect episodes; one key starts, one ends and labels, and faults stand out."""

from html import escape
from typing import Protocol

from wvl_models.contract.episode import Outcome
from wvl_models.contract.observation import U8
from wvl_robot.core.live.presenter import Command, Link, LivePresenter, LiveView
from wvl_robot.core.session_status import SessionState
from wvl_robot.rqt.binding import Qt, QtWidgets
from wvl_robot.rqt.keys import Key, KeyLegend, TypingLine, bind_keys
from wvl_robot.rqt.outcome_buttons import BUTTON_PX, OUTCOME_KEYS, OutcomeButtons
from wvl_robot.rqt.picture import Picture
from wvl_robot.rqt.status_line import StatusLine
from wvl_robot.rqt.theme import ACCENT, ALARM, DIM, GROUND, OUTCOME_COLOURS, RAISED, TEXT, WARN

ENDINGS = (Outcome.SUCCESS, Outcome.NEAR_SUCCESS, Outcome.FAILURE)
"""What a key may say of an episode that runs; ABORTED is what discarding makes of it."""

DETAIL_PX = 72
"""Four lines: buttons must not move under the hand when an episode begins."""

_HEADLINES = {
    SessionState.IDLE: ("READY", TEXT),
    SessionState.RUNNING: ("● RECORDING", ALARM),
    SessionState.FINISHING: ("SAVING …", WARN),
    SessionState.FAULT: ("FAULT", ALARM),
}


class LiveCamera(Protocol):
    """The newest picture of the running camera."""

    def newest(self) -> U8 | None:
        """[H, W, 3] RGB, the same object until there is a newer one; None before the first."""
        ...

    def set_wanted(self, is_wanted: bool) -> None:
        """Pictures cost a processor; nobody looks, none come."""
        ...


class LivePage(QtWidgets.QWidget):
    """Draws the presenter's view; keys and buttons call the presenter."""

    def __init__(self, presenter: LivePresenter, camera: LiveCamera) -> None:
        super().__init__()
        self._presenter, self._camera = presenter, camera
        self._picture = Picture("no picture yet")
        self._headline = QtWidgets.QLabel()
        self._detail = QtWidgets.QLabel()
        self._alarm = QtWidgets.QLabel()
        self._tally = QtWidgets.QLabel()
        self._notes = TypingLine(self, "notes of the next episode  (O)")
        self._outcomes = OutcomeButtons(ENDINGS)
        self._outcomes.pressed.connect(presenter.press_outcome)
        self._status = StatusLine()
        self._buttons = self._make_buttons()
        keys = self._keys()
        bind_keys(self, keys)
        self._lay_out(KeyLegend(self, keys))
        self.show_view()

    @property
    def presenter(self) -> LivePresenter:
        """Whose face this is."""
        return self._presenter

    def refresh(self, *, has_changed: bool) -> None:
        """Called by the panel's timer while this page is seen."""
        if has_changed:
            self.show_view()
        rgb = self._camera.newest()
        if rgb is not None:
            self._picture.show_rgb(rgb)

    def set_seen(self, is_seen: bool) -> None:
        """The page has come into view, or has gone."""
        self._camera.set_wanted(is_seen)

    def show_view(self) -> None:
        """Draw everything but the picture."""
        view = self._presenter.view
        text, tint = _headline(view)
        self._headline.setText(text)
        self._headline.setStyleSheet(f"color: {tint}; font-size: 26px; font-weight: 700;")
        self._detail.setText(_detail_html(view))
        self._alarm.setText(escape(view.fault or view.not_ready))
        self._alarm.setVisible(bool(view.fault or view.not_ready))
        ground, ink = (ALARM, GROUND) if view.fault else (RAISED, WARN)
        self._alarm.setStyleSheet(
            f"background: {ground}; color: {ink}; padding: 10px; border-radius: 6px;"
            "font-weight: 600;"
        )
        self._tally.setText(_tally_html(view))
        refusals = dict(view.refusals)
        for command, button in self._buttons.items():
            button.setEnabled(command not in refusals)
            button.setToolTip(refusals.get(command, ""))
        for command in (Command.CLEAR_FAULT, Command.RECOVER):
            self._buttons[command].setVisible(command not in refusals)
        self._outcomes.show_possible(refusals.get(Command.LABEL, ""))
        is_idle = view.state is not SessionState.RUNNING
        self._outcomes.show_outcome(view.last_outcome if is_idle else None)
        self._status.say(view.message.text, is_error=view.message.is_error)

    def _start(self) -> None:
        self._presenter.start(notes=self._notes.text().strip())
        self._notes.clear()

    def _go_home(self) -> None:
        box = QtWidgets.QMessageBox(self)
        box.setText("Drive the arm home?")
        box.setInformativeText("The arm MOVES, for seconds. Stand clear.")
        yes = QtWidgets.QMessageBox.StandardButton.Yes
        box.setStandardButtons(yes | QtWidgets.QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(QtWidgets.QMessageBox.StandardButton.Cancel)
        # Not exec: the panel goes on polling, and showing faults, while the question stands.
        box.buttonClicked.connect(
            lambda button: self._presenter.go_home() if box.standardButton(button) == yes else None
        )
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.open()

    def _make_buttons(self) -> dict[Command, QtWidgets.QPushButton]:
        presenter = self._presenter
        buttons = {}
        for command, text, do in (
            (Command.START, "Enter    start an episode", self._start),
            (Command.STOP, "Space    stop, say nothing", presenter.stop),
            (Command.DISCARD, "D    discard", presenter.discard),
            (Command.UNDO, "Z    withdraw the last label", presenter.undo),
            (Command.RECOVER, "R    recover the arm", presenter.recover),
            (Command.CLEAR_FAULT, "X    clear the session's fault", presenter.clear_fault),
            (Command.GO_HOME, "arm home …", self._go_home),
        ):
            button = QtWidgets.QPushButton(text)
            button.setFixedHeight(BUTTON_PX if command is Command.START else 38)
            button.setStyleSheet("text-align: left; padding-left: 14px;")
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            button.clicked.connect(lambda _=False, do=do: do())
            buttons[command] = button
        return buttons

    def _lay_out(self, legend: KeyLegend) -> None:
        for label in (self._detail, self._alarm, self._tally):
            label.setWordWrap(True)
        self._detail.setMinimumHeight(DETAIL_PX)
        self._detail.setAlignment(Qt.AlignmentFlag.AlignTop)
        side = QtWidgets.QVBoxLayout()
        side.setContentsMargins(4, 8, 12, 4)
        side.setSpacing(6)
        for widget in (self._headline, self._detail, self._alarm):
            side.addWidget(widget)
        side.addSpacing(8)
        order = (Command.RECOVER, Command.CLEAR_FAULT, Command.START)
        for command in order:
            side.addWidget(self._buttons[command])
        side.addWidget(self._outcomes)
        for command in (Command.STOP, Command.DISCARD, Command.UNDO):
            side.addWidget(self._buttons[command])
        side.addSpacing(8)
        side.addWidget(self._notes)
        side.addStretch()
        side.addWidget(self._tally)
        side.addWidget(self._buttons[Command.GO_HOME])
        column = QtWidgets.QWidget()
        column.setFixedWidth(330)
        column.setLayout(side)
        across = QtWidgets.QHBoxLayout()
        across.addWidget(self._picture, 1)
        across.addWidget(column)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(across, 1)
        layout.addWidget(self._status)
        layout.addWidget(legend)

    def _keys(self) -> tuple[Key, ...]:
        presenter = self._presenter
        endings = tuple(
            Key(
                sequences=OUTCOME_KEYS[outcome],
                cap=OUTCOME_KEYS[outcome][0],
                text=f"end: {outcome.value.replace('_', ' ')}",
                do=lambda outcome=outcome: presenter.press_outcome(outcome),
            )
            for outcome in ENDINGS
        )
        return (
            Key(sequences=("Return", "Enter"), cap="Enter", text="start", do=self._start),
            *endings,
            Key(sequences=("Space",), cap="Space", text="stop", do=presenter.stop),
            Key(sequences=("D",), cap="D", text="discard", do=presenter.discard),
            Key(sequences=("Z", "Ctrl+Z", "Backspace"), cap="Z", text="undo", do=presenter.undo),
            Key(sequences=("R",), cap="R", text="recover", do=presenter.recover),
            Key(sequences=("X",), cap="X", text="clear fault", do=presenter.clear_fault),
            Key(sequences=("O",), cap="O", text="notes", do=self._notes.setFocus),
        )


def _headline(view: LiveView) -> tuple[str, str]:
    if view.link is Link.NEVER_HEARD:
        return "NO SESSION", DIM
    if view.link is Link.SILENT:
        return "SESSION SILENT", ALARM
    if view.state is None:
        return "…", DIM
    if view.state is SessionState.IDLE and view.not_ready:
        return "NOT READY", WARN
    if view.state is SessionState.IDLE and view.fault:
        return "ARM FAULT", ALARM
    return _HEADLINES[view.state]


def _detail_html(view: LiveView) -> str:
    if view.link is Link.SILENT:
        return f"<span style='color:{DIM}'>Nothing was heard from it for a second.</span>"
    if view.link is Link.NEVER_HEARD:
        return (
            f"<span style='color:{DIM}'>Start one: ros2 launch wvl_robot teleop_collect.launch.py, "
            "in the same ROS_DOMAIN_ID.</span>"
        )
    lines = []
    if view.episode_id:
        rate = "" if view.rate_hz is None else f" · {view.rate_hz:.1f} Hz"
        lines.append(f"<b>{view.num_steps} steps</b>{rate}")
        lines.append(f"<span style='color:{DIM}'>{escape(view.episode_id)}</span>")
    elif view.last_episode_id:
        said = view.last_outcome
        tint = OUTCOME_COLOURS[said]
        name = "unlabelled" if said is None else said.value.replace("_", " ")
        lines.append(f"last: <span style='color:{tint}'><b>{name}</b></span>")
        lines.append(f"<span style='color:{DIM}'>{escape(view.last_episode_id)}</span>")
    arm = "not heard" if view.arm_state is None else view.arm_state.value
    facts = [f"arm {arm}"]
    if view.policy_version:
        facts.append(f"policy {escape(view.policy_version)}")
    if view.num_missed_ticks:
        facts.append(f"{view.num_missed_ticks} missed ticks")
    if view.pending is not None:
        facts.append(f"<span style='color:{ACCENT}'>waiting: {view.pending.value}</span>")
    lines.append(f"<span style='color:{DIM}'>{' · '.join(facts)}</span>")
    return "<br>".join(lines)


def _tally_html(view: LiveView) -> str:
    parts = [f"<b>{view.num_committed}</b> recorded here"]
    parts += [
        f"<span style='color:{OUTCOME_COLOURS[o]}'>{count} {o.value.replace('_', ' ')}</span>"
        for o, count in view.outcomes
        if count
    ]
    if view.num_aborted:
        parts.append(f"<span style='color:{DIM}'>{view.num_aborted} given up</span>")
    return " · ".join(parts)

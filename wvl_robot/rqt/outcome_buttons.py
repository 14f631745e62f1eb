"""Four large buttons, one for each outcome, with the key that does the same."""

from wvl_models.contract.episode import Outcome
from wvl_robot.rqt.binding import Qt, QtWidgets, Signal
from wvl_robot.rqt.theme import FAINT, GROUND, LINE, OUTCOME_COLOURS, RAISED, TEXT

BUTTON_PX = 46

OUTCOME_KEYS = {
    Outcome.SUCCESS: ("S", "1"),
    Outcome.NEAR_SUCCESS: ("N", "2"),
    Outcome.FAILURE: ("F", "3"),
    Outcome.ABORTED: ("A", "4"),
}


class OutcomeButtons(QtWidgets.QWidget):
    """One below the other; the one in force is filled."""

    pressed = Signal(object)
    """An Outcome."""

    def __init__(self, outcomes: tuple[Outcome, ...] = tuple(Outcome)) -> None:
        super().__init__()
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        self._buttons: dict[Outcome, QtWidgets.QPushButton] = {}
        for outcome in outcomes:
            button = QtWidgets.QPushButton(f"{OUTCOME_KEYS[outcome][0]}    {_name(outcome)}")
            button.setFixedHeight(BUTTON_PX)
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            button.clicked.connect(lambda _=False, chosen=outcome: self.pressed.emit(chosen))
            layout.addWidget(button)
            self._buttons[outcome] = button
        self.show_outcome(None)

    def show_outcome(self, outcome: Outcome | None) -> None:
        """Fill the button of this one."""
        for mine, button in self._buttons.items():
            button.setStyleSheet(_sheet(OUTCOME_COLOURS[mine], is_filled=mine is outcome))

    def show_possible(self, why_not: str) -> None:
        """Empty: all can be pressed; else why none can."""
        for button in self._buttons.values():
            button.setEnabled(not why_not)
            button.setToolTip(why_not)


def _name(outcome: Outcome) -> str:
    return outcome.value.replace("_", " ")


def _sheet(tint: str, *, is_filled: bool) -> str:
    ground, text = (tint, GROUND) if is_filled else (RAISED, TEXT)
    return (
        f"QPushButton {{ background: {ground}; color: {text}; border: 1px solid {tint};"
        "border-left-width: 6px; border-radius: 6px; text-align: left; padding-left: 12px;"
        f"font-size: 15px; font-weight: {600 if is_filled else 400}; }}"
        f"QPushButton:hover {{ border-width: 2px; border-left-width: 6px; }}"
        f"QPushButton:disabled {{ background: {RAISED}; color: {FAINT}; border-color: {LINE}; }}"
    )

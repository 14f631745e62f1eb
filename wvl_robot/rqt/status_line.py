"""One sentence for the operator: what was done, or, in red, what was not."""

from wvl_robot.rqt.binding import Qt, QtWidgets
from wvl_robot.rqt.theme import ALARM, DIM


class StatusLine(QtWidgets.QLabel):
    """Keeps its height when it is empty, so that nothing jumps."""

    def __init__(self) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setContentsMargins(10, 2, 10, 2)
        self.setMinimumHeight(24)
        self.setWordWrap(True)

    def say(self, text: str, *, is_error: bool) -> None:
        """Show this sentence."""
        self.setText(text)
        self.setStyleSheet(f"color: {ALARM if is_error else DIM};")

"""What review shows before a store is open: which folder is wanted."""

from pathlib import Path

from wvl_robot.rqt.binding import Qt, QtWidgets, Signal
from wvl_robot.rqt.theme import ALARM, DIM


class StorePage(QtWidgets.QWidget):
    """A button that asks for a folder, and why the last one would not do."""

    chosen = Signal(object)
    """A Path."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._text = QtWidgets.QLabel("No episode store is open.")
        self._text.setWordWrap(True)
        self._text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._text.setStyleSheet(f"color: {DIM};")
        button = QtWidgets.QPushButton("open a store …")
        button.setFixedSize(220, 46)
        button.clicked.connect(lambda: self.ask(self))
        layout = QtWidgets.QVBoxLayout(self)
        layout.addStretch()
        layout.addWidget(self._text)
        layout.addSpacing(12)
        layout.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch()

    def say(self, text: str) -> None:
        """Why there is nothing to see."""
        self._text.setText(text)
        self._text.setStyleSheet(f"color: {ALARM};")

    def ask(self, parent: QtWidgets.QWidget) -> None:
        """Let the operator choose a folder."""
        folder = QtWidgets.QFileDialog.getExistingDirectory(parent, "Episode store")
        if folder:
            self.chosen.emit(Path(folder))

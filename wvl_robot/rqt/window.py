"""The panel in a window of its own: no rqt, no ROS, review alone."""

import signal
import sys
from pathlib import Path

from wvl_robot.rqt.binding import QtGui, QtWidgets
from wvl_robot.rqt.panel import LabelPanel

WIDTH_PX, HEIGHT_PX = 1560, 940


class LabelWindow(QtWidgets.QMainWindow):
    """Asks before it drops edits that nobody has saved."""

    def __init__(self, panel: LabelPanel) -> None:
        super().__init__()
        self._panel = panel
        self.setCentralWidget(panel)
        self.resize(WIDTH_PX, HEIGHT_PX)
        self.setWindowTitle(f"wvl label {panel.store or ''}")

    def closeEvent(self, event: QtGui.QCloseEvent) -> None:
        """Called by Qt."""
        if self._panel.num_unsaved and not self._wants_to_drop():
            event.ignore()
            return
        self._panel.shut()
        super().closeEvent(event)

    def _wants_to_drop(self) -> bool:
        box = QtWidgets.QMessageBox
        answer = box.question(
            self,
            "Edits that are not saved",
            f"{self._panel.num_unsaved} episodes have edits that are not saved. Drop them?",
            box.StandardButton.Discard | box.StandardButton.Cancel,
            box.StandardButton.Cancel,
        )
        return bool(answer == box.StandardButton.Discard)


def run_window(store: Path, author: str) -> int:
    """Show the panel until it is closed; Qt's exit code. Ctrl-C closes it without a question."""
    application = QtWidgets.QApplication(sys.argv[:1])
    panel = LabelPanel(author)
    panel.open_store(store)
    window = LabelWindow(panel)
    window.show()
    # Python sees signals between two rounds of the panel's timer.
    signal.signal(signal.SIGINT, lambda *_: application.quit())
    code = int(application.exec_() if hasattr(application, "exec_") else application.exec())
    panel.shut()
    return code

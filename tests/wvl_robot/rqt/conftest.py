"""Real Qt without a screen; one application for all tests of this process."""

import os
from collections.abc import Callable, Iterator

import pytest

os.environ["QT_QPA_PLATFORM"] = "offscreen"

pytest.importorskip("PyQt5", reason="Qt is not installed: `make setup`")
pytest.importorskip("pyqtgraph", reason="pyqtgraph is not installed: `make setup`")

from wvl_robot.rqt.binding import QtCore, QtWidgets

_application: list[QtWidgets.QApplication] = []


@pytest.fixture(autouse=True)
def application() -> QtWidgets.QApplication:
    """The one QApplication."""
    if not _application:
        _application.append(QtWidgets.QApplication(["tests"]))
    return _application[0]


@pytest.fixture
def shown(
    application: QtWidgets.QApplication,
) -> Iterator[Callable[[QtWidgets.QWidget], QtWidgets.QWidget]]:
    """Show a widget in a window that has the keyboard; gone after the test."""
    widgets: list[QtWidgets.QWidget] = []

    def show(widget: QtWidgets.QWidget) -> QtWidgets.QWidget:
        widgets.append(widget)
        widget.show()
        widget.activateWindow()
        application.processEvents()
        return widget

    yield show
    for widget in widgets:
        widget.close()
        widget.deleteLater()
    application.sendPostedEvents(None, QtCore.QEvent.Type.DeferredDelete)
    application.processEvents()

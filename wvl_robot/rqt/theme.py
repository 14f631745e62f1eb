"""Colours and sizes of the panel: one dark look, the same in any desktop and in rqt.

Pictures are judged best on a dark ground. Colours of outcomes differ in lightness, too, and every
one of them goes with a word or a letter, so that nobody has to tell green from red.
"""

from collections.abc import Mapping

from wvl_models.contract.episode import Outcome
from wvl_robot.rqt.binding import Qt, QtGui, QtWidgets

GROUND, SURFACE, RAISED = "#16181c", "#1e2126", "#2a2e35"
LINE, TEXT, DIM, FAINT = "#3a3f48", "#e6e8eb", "#8b929d", "#565d68"
ACCENT, WARN, ALARM, SELECTED = "#4ea1ff", "#f0b429", "#ff5c5c", "#274062"

OUTCOME_COLOURS: Mapping[Outcome | None, str] = {
    Outcome.SUCCESS: "#3fb96a",
    Outcome.NEAR_SUCCESS: "#f0b429",
    Outcome.FAILURE: "#e5534b",
    Outcome.ABORTED: "#8b929d",
    None: FAINT,
}

CURVE_COLOURS = ("#ff7b72", "#7ee787", "#79c0ff", "#d2a8ff", "#ffa657", "#a5d6ff", "#f2cc60")

PLOT_MARGIN_PX = 56
"""Left of every time axis, so that lane, plots and cursor stand below one another."""

_SHEET = f"""
QWidget {{ color: {TEXT}; font-size: 13px; }}
QWidget#wvl_panel, QSplitter, QStackedWidget {{ background: {GROUND}; }}
QLabel[dim="true"] {{ color: {DIM}; }}
QLabel[heading="true"] {{ color: {DIM}; font-size: 11px; font-weight: 600; }}
QTableView {{ background: {SURFACE}; alternate-background-color: {SURFACE}; border: none;
  gridline-color: {SURFACE}; selection-background-color: {SELECTED}; }}
QHeaderView::section {{ background: {SURFACE}; color: {DIM}; border: none;
  border-bottom: 1px solid {LINE}; padding: 5px 6px; font-size: 11px; }}
QTableCornerButton::section {{ background: {SURFACE}; border: none; }}
QComboBox, QLineEdit, QPlainTextEdit, QListWidget, QSpinBox {{ background: {RAISED};
  border: 1px solid {LINE}; border-radius: 4px; padding: 4px 6px; }}
QComboBox QAbstractItemView {{ background: {RAISED}; color: {TEXT}; }}
QComboBox:focus, QLineEdit:focus {{ border-color: {ACCENT}; }}
QPushButton {{ background: {RAISED}; border: 1px solid {LINE}; border-radius: 5px;
  padding: 6px 12px; }}
QPushButton:hover {{ border-color: {ACCENT}; }}
QPushButton:disabled {{ color: {FAINT}; }}
QPushButton:checked {{ border-color: {ACCENT}; color: {ACCENT}; }}
QTabWidget, QTabBar {{ background: {GROUND}; }}
QTabBar::tab {{ background: {GROUND}; color: {DIM}; padding: 8px 18px; border: none; }}
QTabBar::tab:selected {{ color: {TEXT}; border-bottom: 2px solid {ACCENT}; }}
QTabWidget::pane {{ border: none; }}
QSplitter::handle {{ background: {GROUND}; }}
QScrollBar:vertical {{ background: {SURFACE}; width: 10px; }}
QScrollBar::handle:vertical {{ background: {LINE}; border-radius: 4px; min-height: 30px; }}
QScrollBar::add-line, QScrollBar::sub-line {{ height: 0; }}
QToolTip {{ background: {RAISED}; color: {TEXT}; border: 1px solid {LINE}; }}
"""


def apply_theme(panel: QtWidgets.QWidget) -> None:
    """Give the panel and everything in it the look, and nothing else of the application."""
    panel.setObjectName("wvl_panel")
    panel.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    panel.setPalette(_palette())
    panel.setStyleSheet(_SHEET)


def _palette() -> QtGui.QPalette:
    """For what the sheet does not reach: tab bars, arrows, placeholders."""
    palette, role = QtGui.QPalette(), QtGui.QPalette.ColorRole
    for place, tint in (
        (role.Window, GROUND),
        (role.WindowText, TEXT),
        (role.Base, SURFACE),
        (role.AlternateBase, SURFACE),
        (role.Text, TEXT),
        (role.PlaceholderText, DIM),
        (role.Button, RAISED),
        (role.ButtonText, TEXT),
        (role.ToolTipBase, RAISED),
        (role.ToolTipText, TEXT),
        (role.Highlight, SELECTED),
        (role.HighlightedText, TEXT),
        (role.Link, ACCENT),
    ):
        palette.setColor(place, QtGui.QColor(tint))
    return palette


def colour(text: str, alpha: int = 255) -> QtGui.QColor:
    """A colour of this file, more or less transparent."""
    made = QtGui.QColor(text)
    made.setAlpha(alpha)
    return made

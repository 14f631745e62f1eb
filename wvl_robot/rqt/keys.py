"""Keys of a page: one table makes the shortcuts and the legend, so that they cannot differ.

Shortcuts hold while the page or something in it has the focus, and never while somebody types into
a `TypingLine`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wvl_robot.rqt.binding import Qt, QtCore, QtGui, QtWidgets
from wvl_robot.rqt.theme import ACCENT, DIM, LINE, RAISED, TEXT


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """What one key does; `sequences` as QKeySequence reads them."""

    sequences: tuple[str, ...]
    do: Callable[[], object]
    cap: str = ""
    """How the legend writes the key; empty: it stands beside another key's."""
    text: str = ""


class KeyLegend(QtWidgets.QLabel):
    """All keys of a page on a line; says so when the keys go elsewhere."""

    def __init__(self, page: QtWidgets.QWidget, keys: Sequence[Key]) -> None:
        super().__init__()
        self._page, self._keys = page, keys
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setWordWrap(True)
        self.setContentsMargins(4, 2, 4, 2)
        self._show(has_keys=True)
        QtWidgets.QApplication.instance().focusChanged.connect(self._on_focus)

    def _on_focus(self, _old: QtWidgets.QWidget | None, new: QtWidgets.QWidget | None) -> None:
        is_typing = isinstance(new, TypingLine)
        is_inside = new is self._page or (new is not None and self._page.isAncestorOf(new))
        self._show(has_keys=is_inside and not is_typing, is_typing=is_inside and is_typing)

    def _show(self, *, has_keys: bool, is_typing: bool = False) -> None:
        shown = " &nbsp; ".join(_key_html(key, has_keys) for key in self._keys if key.cap)
        if is_typing:
            shown = f"<span style='color:{ACCENT}'>Enter or Esc ends typing</span> &nbsp; " + shown
        elif not has_keys:
            shown = f"<span style='color:{ACCENT}'>click the panel: keys are off</span> &nbsp; " + (
                shown
            )
        self.setText(shown)


class TypingLine(QtWidgets.QLineEdit):
    """A line of text that takes every key; Enter and Escape give the keys back to the page."""

    def __init__(self, page: QtWidgets.QWidget, hint: str) -> None:
        super().__init__()
        self._page = page
        self.setPlaceholderText(hint)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)

    def event(self, event: QtCore.QEvent) -> bool:
        """Called by Qt; claims keys that would be shortcuts."""
        if event.type() == QtCore.QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QtGui.QKeyEvent) -> None:
        """Called by Qt."""
        super().keyPressEvent(event)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape):
            self._page.setFocus()


def bind_keys(page: QtWidgets.QWidget, keys: Sequence[Key]) -> None:
    """Make the shortcuts of a page, and let the page take the focus."""
    page.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    for key in keys:
        for sequence in key.sequences:
            shortcut = QtWidgets.QShortcut(QtGui.QKeySequence(sequence), page)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(lambda do=key.do: do())


def _key_html(key: Key, is_on: bool) -> str:
    cap = f"background-color:{RAISED}; color:{TEXT if is_on else LINE}; font-weight:600"
    return (
        f"<span style='{cap}'>&nbsp;{key.cap}&nbsp;</span>"
        f"<span style='color:{DIM if is_on else LINE}'>&nbsp;{key.text}</span>"
    )

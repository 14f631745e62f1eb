"""Shortcuts, the line that swallows them, and the legend."""

from collections.abc import Callable

import pytest
from PyQt5.QtTest import QTest

from wvl_robot.rqt.binding import Qt, QtWidgets
from wvl_robot.rqt.keys import Key, KeyLegend, TypingLine, bind_keys


class Page(QtWidgets.QWidget):
    """A page with two keys and a line to type into."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[str] = []
        keys = (
            Key(sequences=("S", "1"), do=lambda: self.done.append("s"), cap="S", text="say"),
            Key(sequences=("Left",), do=lambda: self.done.append("left")),
        )
        bind_keys(self, keys)
        self.line = TypingLine(self, "type")
        self.legend = KeyLegend(self, keys)
        layout = QtWidgets.QVBoxLayout(self)
        layout.addWidget(self.line)
        layout.addWidget(self.legend)


@pytest.fixture
def page(shown: Callable) -> Page:
    page = shown(Page())
    page.setFocus()
    return page


def test_either_key_does_it(page: Page) -> None:
    QTest.keyClick(page, Qt.Key.Key_S)
    QTest.keyClick(page, Qt.Key.Key_1)
    assert page.done == ["s", "s"]


def test_letters_that_are_typed_are_no_commands(page: Page) -> None:
    page.line.setFocus()
    QTest.keyClicks(page.line, "s1")
    QTest.keyClick(page.line, Qt.Key.Key_Left)
    assert (page.line.text(), page.done) == ("s1", [])


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Escape])
def test_enter_and_escape_give_the_keys_back(page: Page, key: Qt.Key) -> None:
    page.line.setFocus()
    QTest.keyClick(page.line, key)
    assert page.hasFocus()


def test_the_legend_names_every_key_that_has_a_cap(page: Page) -> None:
    assert "say" in page.legend.text()
    assert "left" not in page.legend.text()


def test_the_legend_says_where_the_keys_go(page: Page) -> None:
    assert "keys are off" not in page.legend.text()
    page.line.setFocus()
    assert "ends typing" in page.legend.text()
    page.line.clearFocus()
    assert "keys are off" in page.legend.text()

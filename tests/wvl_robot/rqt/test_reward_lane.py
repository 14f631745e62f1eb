"""The lane under a real mouse."""

from collections.abc import Callable

import pytest
from PyQt5.QtTest import QTest

from wvl_robot.core.review.lane import LaneTool
from wvl_robot.rqt.binding import Qt, QtCore, QtGui, QtWidgets
from wvl_robot.rqt.reward_lane import (
    MAIN_PX,
    RIGHT_MARGIN_PX,
    LaneContent,
    LaneNote,
    RewardLane,
)
from wvl_robot.rqt.theme import PLOT_MARGIN_PX

NUM_STEPS, PX_PER_STEP = 50, 10

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton


class Heard:
    """What the lane said."""

    def __init__(self, lane: RewardLane) -> None:
        self.said: list[tuple[object, ...]] = []
        lane.drag_begun.connect(lambda step, tool: self.said.append(("begin", step, tool)))
        lane.dragged.connect(lambda step: self.said.append(("to", step)))
        lane.drag_ended.connect(lambda: self.said.append(("end",)))
        self.sought: list[int] = []
        lane.sought.connect(self.sought.append)


@pytest.fixture
def lane(shown: Callable) -> RewardLane:
    lane = RewardLane()
    lane.resize(PLOT_MARGIN_PX + RIGHT_MARGIN_PX + NUM_STEPS * PX_PER_STEP, lane.height())
    lane.show_content(LaneContent(num_steps=NUM_STEPS))
    return shown(lane)


def at(step: int) -> QtCore.QPoint:
    return QtCore.QPoint(PLOT_MARGIN_PX + step * PX_PER_STEP + PX_PER_STEP // 2, MAIN_PX // 2)


def drag(lane: RewardLane, start: int, stop: int, button: Qt.MouseButton, keys: object) -> None:
    QTest.mousePress(lane, button, keys, at(start))
    for step in range(start, stop, 1 if stop > start else -1):
        move(lane, at(step))
    move(lane, at(stop))
    QTest.mouseRelease(lane, button, keys, at(stop))


def move(lane: RewardLane, place: QtCore.QPoint) -> None:
    """As the window system tells a widget that has the mouse; QTest moves the cursor instead."""
    kind = QtCore.QEvent.Type.MouseMove
    none = Qt.KeyboardModifier.NoModifier
    where = QtCore.QPointF(place)
    QtWidgets.QApplication.sendEvent(
        lane, QtGui.QMouseEvent(kind, where, Qt.MouseButton.NoButton, LEFT, none)
    )


def colour_at(lane: RewardLane, step: int, y: int = MAIN_PX // 4) -> str:
    return lane.grab().toImage().pixelColor(at(step).x(), y).name()


def test_a_drag_begins_where_the_button_went_down_and_ends_where_it_was_let_go(lane) -> None:
    heard = Heard(lane)
    drag(lane, 10, 15, LEFT, Qt.KeyboardModifier.NoModifier)
    assert heard.said[0] == ("begin", 10, LaneTool.AUTO)
    assert heard.said[-2:] == [("to", 15), ("end",)]


@pytest.mark.parametrize(
    ("button", "keys"),
    [(RIGHT, Qt.KeyboardModifier.NoModifier), (LEFT, Qt.KeyboardModifier.ShiftModifier)],
    ids=["right button", "shift"],
)
def test_the_right_button_and_shift_erase(lane, button, keys) -> None:
    heard = Heard(lane)
    drag(lane, 20, 12, button, keys)
    assert heard.said[0] == ("begin", 20, LaneTool.ERASE)


def test_a_click_goes_to_the_step_and_paints_nothing(lane) -> None:
    heard = Heard(lane)
    QTest.mouseClick(lane, LEFT, Qt.KeyboardModifier.NoModifier, at(33))
    assert (heard.sought, heard.said) == ([33], [])


def test_a_drag_beyond_the_ends_stays_in_the_episode(lane) -> None:
    heard = Heard(lane)
    QTest.mousePress(lane, LEFT, Qt.KeyboardModifier.NoModifier, at(45))
    move(lane, QtCore.QPoint(lane.width() + 40, 5))
    move(lane, QtCore.QPoint(-40, 5))
    assert [step for _, step in heard.said[1:]] == [NUM_STEPS - 1, 0]


def test_nothing_can_be_drawn_without_an_episode(lane) -> None:
    lane.show_content(LaneContent())
    heard = Heard(lane)
    drag(lane, 10, 15, LEFT, Qt.KeyboardModifier.NoModifier)
    assert heard.said == []


def test_intervals_are_filled_in_their_colour(lane) -> None:
    content = LaneContent(num_steps=NUM_STEPS, intervals=((5, 8),), fill="#3fb96a")
    lane.show_content(content)
    assert colour_at(lane, 5) == "#3fb96a"
    assert colour_at(lane, 7) == "#3fb96a"
    assert colour_at(lane, 8) != "#3fb96a"


def test_what_others_say_is_a_thin_line_below(lane) -> None:
    note = LaneNote(intervals=((30, 40),), colour="#ffffff", tip="tom: success")
    before = lane.height()
    lane.show_content(LaneContent(num_steps=NUM_STEPS, notes=(note,)))
    assert lane.height() > before
    inside, outside = (colour_at(lane, step, MAIN_PX + 3) for step in (35, 20))
    assert inside != outside

"""The whole panel over a real store: keys and mouse in, labels on the disk out."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PyQt5.QtTest import QTest

from wvl_models.contract.episode import Label, Origin, Outcome
from wvl_models.contract.examples import example_header
from wvl_models.episodes.examples import example_arrays
from wvl_models.episodes.store import EpisodeStore
from wvl_robot.core.review.episode_list import RowOrder
from wvl_robot.rqt.binding import Qt, QtCore, QtGui, QtWidgets
from wvl_robot.rqt.keys import TypingLine
from wvl_robot.rqt.panel import LabelPanel
from wvl_robot.rqt.review_page import ReviewPage
from wvl_robot.rqt.reward_lane import MAIN_PX, RIGHT_MARGIN_PX, RewardLane
from wvl_robot.rqt.signal_plots import SignalPlots
from wvl_robot.rqt.theme import PLOT_MARGIN_PX
from wvl_robot.rqt.window import LabelWindow

AUTHOR, NUM_STEPS = "anna", 12
NAMES = ("e-0", "e-1", "e-2")
PATIENCE_S = 60.0

Key, NONE = Qt.Key, Qt.KeyboardModifier.NoModifier


@pytest.fixture
def store(tmp_path: Path) -> EpisodeStore:
    """Three episodes; somebody has said something of the last one."""
    rng = np.random.default_rng(0)
    said = {NAMES[2]: Label(outcome=Outcome.FAILURE, author="tom")}
    with EpisodeStore.create(tmp_path / "store") as store:
        for name in NAMES:
            header = replace(
                example_header(rng), episode_id=name, task="lift_cube", origin=Origin.TELEOP
            )
            arrays = example_arrays(rng, NUM_STEPS, width=64, height=48)
            nobody_knows = np.full(NUM_STEPS, np.nan, dtype=np.float32)
            store.add(header, replace(arrays, reward=nobody_knows), said.get(name))
        return store


class Hand:
    """An operator before the panel."""

    def __init__(self, panel: LabelPanel, application: QtWidgets.QApplication) -> None:
        self.panel, self._application = panel, application
        self.page = panel.findChild(ReviewPage)
        self.presenter = self.page.presenter

    def until(self, is_true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not is_true():
            assert time.monotonic() < deadline, f"it never was; said: {self.presenter.message}"
            self._application.processEvents()
            time.sleep(0.002)

    def settle(self) -> None:
        """Whatever is still to be drawn has been drawn."""
        end = time.monotonic() + 0.2
        self.until(lambda: time.monotonic() > end)

    def press(self, key: Qt.Key, keys: Qt.KeyboardModifier = NONE) -> None:
        QTest.keyClick(self.page, key, keys)
        self._application.processEvents()

    def open(self, name: str) -> None:
        self.presenter.select(name)
        self.until(lambda: self.is_open(name))

    def is_open(self, name: str) -> bool:
        return self.is_any_open() and self.presenter.selected.facts.episode_id == name

    def is_any_open(self) -> bool:
        """One is selected, and read: no reading of it comes in later."""
        episode = self.presenter.selected
        return episode is not None and episode.plots is not None

    def type(self, key: Qt.Key, text: str) -> None:
        """A key that leads to a line, words, Enter."""
        self.press(key)
        line = self._application.focusWidget()
        assert isinstance(line, TypingLine)
        QTest.keyClicks(line, text)
        QTest.keyClick(line, Key.Key_Return)
        assert self.page.hasFocus()

    def drag(self, start: int, stop: int, button: Qt.MouseButton) -> None:
        lane = self.panel.findChild(RewardLane)
        QTest.mousePress(lane, button, NONE, place_of(lane, start))
        for step in (start, stop):
            where = QtCore.QPointF(place_of(lane, step))
            kind = QtCore.QEvent.Type.MouseMove
            move = QtGui.QMouseEvent(kind, where, Qt.MouseButton.NoButton, button, NONE)
            self._application.sendEvent(lane, move)
        QTest.mouseRelease(lane, button, NONE, place_of(lane, stop))


def place_of(lane: RewardLane, step: int) -> QtCore.QPoint:
    width = lane.width() - PLOT_MARGIN_PX - RIGHT_MARGIN_PX
    return QtCore.QPoint(int(PLOT_MARGIN_PX + width * (step + 0.5) / NUM_STEPS), MAIN_PX // 2)


@pytest.fixture
def hand(store: EpisodeStore, shown: Callable, application: QtWidgets.QApplication) -> Hand:
    panel = LabelPanel(AUTHOR)
    panel.open_store(store.root)
    shown(panel)
    hand = Hand(panel, application)
    hand.until(hand.is_any_open)
    hand.presenter.set_order(RowOrder.ID)
    hand.open(NAMES[0])
    hand.page.setFocus()
    yield hand
    panel.shut()


def test_a_step_of_the_film_paints_film_and_lane_and_not_the_whole_window(hand: Hand) -> None:
    painted: list[str] = []

    class Spy(QtCore.QObject):
        def eventFilter(self, watched: QtCore.QObject, event: QtCore.QEvent) -> bool:
            if event.type() == QtCore.QEvent.Type.Paint:
                painted.append(type(watched).__name__)
            return False

    spy = Spy()
    hand.settle()
    QtWidgets.QApplication.instance().installEventFilter(spy)
    hand.press(Key.Key_Right)
    hand.until(lambda: "Picture" in painted)
    hand.settle()
    QtWidgets.QApplication.instance().removeEventFilter(spy)
    assert "RewardLane" in painted
    assert "EpisodeTable" not in painted


def label_of(store: EpisodeStore, name: str) -> Label | None:
    standing = {label.author: label for label in store.labels.book_of(name).standing(name)}
    return standing.get(AUTHOR)


@pytest.mark.parametrize(
    ("key", "outcome"),
    [
        (Key.Key_S, Outcome.SUCCESS),
        (Key.Key_N, Outcome.NEAR_SUCCESS),
        (Key.Key_3, Outcome.FAILURE),
        (Key.Key_4, Outcome.ABORTED),
    ],
)
def test_one_key_labels_the_episode_on_the_disk_and_opens_the_next(
    hand: Hand, store: EpisodeStore, key: Qt.Key, outcome: Outcome
) -> None:
    hand.press(key)
    hand.until(lambda: label_of(store, NAMES[0]) is not None)
    assert label_of(store, NAMES[0]).outcome is outcome
    hand.until(lambda: hand.is_open(NAMES[1]))


def test_undo_withdraws_the_label_and_goes_back_to_the_episode(
    hand: Hand, store: EpisodeStore
) -> None:
    hand.press(Key.Key_S)
    hand.until(lambda: label_of(store, NAMES[0]) is not None and hand.is_open(NAMES[1]))
    hand.until(lambda: hand.presenter.num_drafts == 0)
    hand.press(Key.Key_Z)
    hand.until(lambda: label_of(store, NAMES[0]) is None)
    hand.until(lambda: hand.is_open(NAMES[0]))


def test_what_the_mouse_paints_is_saved_with_the_label(hand: Hand, store: EpisodeStore) -> None:
    hand.drag(3, 8, Qt.MouseButton.LeftButton)
    hand.drag(5, 6, Qt.MouseButton.RightButton)
    hand.press(Key.Key_N)
    hand.until(lambda: label_of(store, NAMES[0]) is not None)
    assert label_of(store, NAMES[0]).success_intervals == ((3, 5), (7, 9))


def test_success_from_here_on_needs_no_mouse(hand: Hand, store: EpisodeStore) -> None:
    hand.presenter.seek(9)
    hand.press(Key.Key_I)
    hand.press(Key.Key_S)
    hand.until(lambda: label_of(store, NAMES[0]) is not None)
    assert label_of(store, NAMES[0]).success_intervals == ((9, NUM_STEPS),)


def test_a_doubtful_label_asks_once_and_is_taken_the_second_time(
    hand: Hand, store: EpisodeStore
) -> None:
    hand.drag(2, 4, Qt.MouseButton.LeftButton)
    hand.press(Key.Key_S)
    assert hand.presenter.message.is_error
    assert label_of(store, NAMES[0]) is None
    hand.press(Key.Key_S)
    hand.until(lambda: label_of(store, NAMES[0]) is not None)


def test_notes_sub_goals_and_confidence_are_part_of_the_label(
    hand: Hand, store: EpisodeStore
) -> None:
    hand.type(Key.Key_O, "slipped once")
    hand.presenter.seek(4)
    hand.type(Key.Key_K, "grasped")
    hand.press(Key.Key_Minus)
    hand.press(Key.Key_F)
    hand.until(lambda: label_of(store, NAMES[0]) is not None)
    label = label_of(store, NAMES[0])
    assert (label.notes, label.confidence) == ("slipped once", 0.75)
    assert [(goal.step, goal.text) for goal in label.sub_goals] == [(4, "grasped")]


def test_the_film_obeys_the_keys(hand: Hand) -> None:
    steps = []
    for key, keys in (
        (Key.Key_End, NONE),
        (Key.Key_Left, NONE),
        (Key.Key_Left, Qt.KeyboardModifier.ShiftModifier),
        (Key.Key_Right, NONE),
        (Key.Key_Home, NONE),
    ):
        hand.press(key, keys)
        steps.append(hand.presenter.step)
    assert steps == [11, 10, 0, 1, 0]
    hand.press(Key.Key_Space)
    assert hand.presenter.is_playing
    hand.until(lambda: hand.presenter.step > 1)
    hand.press(Key.Key_Space)
    assert not hand.presenter.is_playing


def test_a_click_on_the_plots_or_the_lane_goes_there(hand: Hand) -> None:
    lane, plots = hand.panel.findChild(RewardLane), hand.panel.findChild(SignalPlots)
    left = Qt.MouseButton.LeftButton
    QTest.mouseClick(lane, left, NONE, place_of(lane, 7))
    assert hand.presenter.step == 7
    QTest.mouseClick(plots.viewport(), left, NONE, QtCore.QPoint(place_of(lane, 2).x(), 40))
    assert hand.presenter.step == 2


def test_the_next_unlabelled_passes_over_what_somebody_has_labelled(hand: Hand) -> None:
    hand.open(NAMES[1])
    hand.press(Key.Key_U)
    hand.until(lambda: hand.is_open(NAMES[0]))


def test_another_authors_label_is_taken_over_by_its_link(hand: Hand, store: EpisodeStore) -> None:
    hand.open(NAMES[2])
    links = [label for label in hand.page.findChildren(QtWidgets.QLabel) if "tom" in label.text()]
    links[0].linkActivated.emit("tom")
    hand.press(Key.Key_Return)
    hand.until(lambda: label_of(store, NAMES[2]) is not None)
    assert label_of(store, NAMES[2]).outcome is Outcome.FAILURE


def test_the_search_line_filters_and_its_letters_label_nothing(
    hand: Hand, store: EpisodeStore
) -> None:
    hand.type(Key.Key_Slash, "tom")
    assert [row.episode_id for row in hand.presenter.rows] == [NAMES[2]]
    assert all(label_of(store, name) is None for name in NAMES)


def test_an_episode_recorded_meanwhile_is_listed_after_a_refresh(
    hand: Hand, store: EpisodeStore
) -> None:
    rng = np.random.default_rng(1)
    with EpisodeStore(store.root) as writer:
        writer.add(replace(example_header(rng), episode_id="new"), example_arrays(rng, 4))
    hand.presenter.refresh()
    hand.until(lambda: "new" in {row.episode_id for row in hand.presenter.rows})


def test_a_folder_that_is_no_store_is_said_on_the_page(
    tmp_path: Path, shown: Callable, application: QtWidgets.QApplication
) -> None:
    panel = shown(LabelPanel(AUTHOR))
    panel.open_store(tmp_path)
    assert panel.store is None
    said = [label.text() for label in panel.findChildren(QtWidgets.QLabel)]
    assert any(str(tmp_path) in text for text in said)


@pytest.mark.parametrize("is_dropped", [False, True])
def test_a_window_with_unsaved_edits_asks_before_it_closes(
    hand: Hand, application: QtWidgets.QApplication, is_dropped: bool
) -> None:
    window = LabelWindow(hand.panel)
    window.show()
    hand.drag(2, 4, Qt.MouseButton.LeftButton)
    asked: list[str] = []

    def answer() -> None:
        box = application.activeModalWidget()
        asked.append(box.text())
        kinds = QtWidgets.QMessageBox.StandardButton
        box.button(kinds.Discard if is_dropped else kinds.Cancel).click()

    QtCore.QTimer.singleShot(100, answer)
    is_closed = window.close()
    assert "1 episodes have edits" in asked[0]
    assert is_closed is is_dropped
    window.takeCentralWidget().setParent(None)
    window.deleteLater()

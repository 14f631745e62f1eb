"""Collecting by key, over a real session in this process."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PyQt5.QtTest import QTest

from tests.fakes.local_control import LocalControl
from tests.fakes.robot import tool_down
from wvl_models.contract.episode import Outcome
from wvl_models.contract.observation import RobotMode
from wvl_models.episodes.store import EpisodeStore
from wvl_robot.core.live.presenter import LivePresenter
from wvl_robot.core.session_status import SessionState
from wvl_robot.rqt.binding import Qt, QtWidgets
from wvl_robot.rqt.live_page import LivePage
from wvl_robot.rqt.picture import Picture

Key = Qt.Key
NUM_TICKS = 5


class Camera:
    """A camera that always has the same picture, and knows whether somebody looks."""

    def __init__(self) -> None:
        self.rgb = np.full((6, 8, 3), 90, dtype=np.uint8)
        self.is_wanted = False

    def newest(self) -> np.ndarray:
        return self.rgb

    def set_wanted(self, is_wanted: bool) -> None:
        self.is_wanted = is_wanted


class Rig:
    """The page, and time."""

    def __init__(self, control: LocalControl, page: LivePage) -> None:
        self.control, self.page = control, page

    def pass_ticks(self, count: int = 1) -> None:
        for _ in range(count):
            self.control.bench.ticks(1)
            changed = self.page.presenter.poll(self.control.bench.clock.now_ns())
            self.page.refresh(has_changed=changed)

    def press(self, key: Qt.Key) -> None:
        QTest.keyClick(self.page, key)
        self.pass_ticks(2)

    def text(self) -> str:
        labels = self.page.findChildren(QtWidgets.QLabel)
        return "\n".join(label.text() for label in labels if label.isVisible())

    @property
    def state(self) -> SessionState | None:
        return self.page.presenter.view.state


@pytest.fixture
def rig(tmp_path: Path, shown: Callable) -> Iterator[Rig]:
    with EpisodeStore.create(tmp_path / "store") as store:
        control = LocalControl(store)
        page = LivePage(LivePresenter(control), Camera())
        rig = Rig(control, shown(page))
        page.setFocus()
        rig.pass_ticks()
        yield rig
        control.recorder.close()


def test_one_key_starts_and_one_ends_with_a_label(rig: Rig) -> None:
    rig.press(Key.Key_Return)
    rig.pass_ticks(NUM_TICKS)
    assert rig.state is SessionState.RUNNING
    assert "RECORDING" in rig.text()
    rig.press(Key.Key_N)
    rig.pass_ticks(NUM_TICKS)
    assert rig.state is SessionState.IDLE
    (name,) = rig.control.store.ids()
    assert rig.control.store.labels.current(name).outcome is Outcome.NEAR_SUCCESS
    assert "near success" in rig.text()
    assert "1</b> recorded here" in rig.text()


def test_a_discarded_episode_is_no_committed_one(rig: Rig) -> None:
    rig.press(Key.Key_Return)
    rig.pass_ticks(NUM_TICKS)
    rig.press(Key.Key_D)
    assert rig.state is SessionState.IDLE
    assert "1 given up" in rig.text()


def test_undo_withdraws_the_last_label(rig: Rig) -> None:
    rig.press(Key.Key_Return)
    rig.pass_ticks(NUM_TICKS)
    rig.press(Key.Key_F)
    rig.pass_ticks(NUM_TICKS)
    rig.press(Key.Key_Z)
    (name,) = rig.control.store.ids()
    assert rig.control.store.labels.current(name) is None


def test_what_is_not_possible_is_grey_and_says_why(rig: Rig) -> None:
    buttons = {b.text().split()[0]: b for b in rig.page.findChildren(QtWidgets.QPushButton)}
    assert buttons["Enter"].isEnabled()
    assert not buttons["Space"].isEnabled()
    assert "No episode is running" in buttons["Space"].toolTip()


def test_the_robots_own_words_stand_out_and_a_key_recovers(rig: Rig) -> None:
    rig.control.bench.robot.mode = RobotMode.REFLEX
    rig.control.bench.guard.read()
    rig.pass_ticks()
    assert "the arm is in mode reflex" in rig.text()
    rig.press(Key.Key_R)
    assert rig.control.bench.robot.num_recoveries == 1
    assert "reflex" not in rig.text()


def test_a_session_that_falls_silent_is_said(rig: Rig) -> None:
    rig.control.is_heard = False
    rig.pass_ticks(30)
    assert "SESSION SILENT" in rig.text()


def test_the_newest_picture_is_shown(rig: Rig) -> None:
    rig.pass_ticks()
    assert rig.page.findChild(Picture).has_picture


@pytest.mark.parametrize("is_wanted", [False, True])
def test_the_arm_goes_home_only_when_the_question_is_answered(
    rig: Rig, application: QtWidgets.QApplication, is_wanted: bool
) -> None:
    rig.control.bench.robot.move_by_hand(tool_down(x_m=0.4))
    home = next(b for b in rig.page.findChildren(QtWidgets.QPushButton) if "home" in b.text())
    home.click()
    box = rig.page.findChild(QtWidgets.QMessageBox)
    kinds = QtWidgets.QMessageBox.StandardButton
    box.button(kinds.Yes if is_wanted else kinds.Cancel).click()
    rig.pass_ticks(30)
    x_m = rig.control.bench.robot.read().base_T_ee.position_m[0]
    assert bool(x_m > 0.41) is is_wanted

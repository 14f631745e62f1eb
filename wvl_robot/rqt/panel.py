"""The labelling panel: pages for collecting and for reviewing, polled by one timer.

Everything here happens in Qt's own thread; nothing here waits for the disk or for the robot.
"""

import time
from pathlib import Path

from wvl_models.contract.errors import WvlError
from wvl_models.episodes.store import EpisodeStore
from wvl_robot.core.announced_sink import EpisodeChange
from wvl_robot.core.live.presenter import LivePresenter
from wvl_robot.core.review.presenter import ReviewPresenter
from wvl_robot.rqt.binding import Qt, QtCore, QtGui, QtWidgets
from wvl_robot.rqt.live_page import LiveCamera, LivePage
from wvl_robot.rqt.review_page import ReviewPage
from wvl_robot.rqt.store_page import StorePage
from wvl_robot.rqt.theme import apply_theme

LEAST_WIDTH_PX, LEAST_HEIGHT_PX = 1060, 700
"""rqt opens with 800x600, in which large buttons lie on top of one another."""

POLL_MS = 16
"""Twice for each picture of a 30 Hz film, so that none waits for the next round."""


class LabelPanel(QtWidgets.QWidget):
    """Review is always there, once a store is open; collecting where there is a session."""

    def __init__(
        self,
        author: str,
        live: LivePresenter | None = None,
        camera: LiveCamera | None = None,
    ) -> None:
        super().__init__()
        self.setWindowTitle("World-VLA-Loop: labels")
        self.setMinimumSize(LEAST_WIDTH_PX, LEAST_HEIGHT_PX)
        apply_theme(self)
        self._author = author
        self._tabs = QtWidgets.QTabWidget()
        self._tabs.tabBar().setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._tabs.tabBar().setDrawBase(False)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._tabs)
        self._live = None
        if live is not None and camera is not None:
            self._live = LivePage(live, camera)
            self._tabs.addTab(self._live, "Collect  F1")
        self._store: Path | None = None
        self._review: ReviewPage | None = None
        self._store_page = StorePage()
        self._store_page.chosen.connect(self.open_store)
        self._review_tab = self._tabs.addTab(self._store_page, "Review  F2")
        self._tabs.tabBar().setVisible(self._tabs.count() > 1)
        self._tabs.currentChanged.connect(lambda _: self._on_page())
        for place in range(self._tabs.count()):
            self._bind("F1" if place < self._review_tab else "F2", place)
        self._timer = QtCore.QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.poll)
        self._timer.start(POLL_MS)

    @property
    def store(self) -> Path | None:
        """Folder of the store under review."""
        return self._store

    @property
    def num_unsaved(self) -> int:
        """Episodes whose edits would be lost if the panel were closed now."""
        return 0 if self._review is None else self._review.presenter.num_drafts

    def open_store(self, folder: Path) -> None:
        """Review this store from now on; says so on the page where it is none."""
        try:
            presenter = ReviewPresenter(EpisodeStore(folder), self._author)
        except WvlError as error:
            self._store_page.say(str(error))
            return
        self.show_review(presenter)
        self._store = folder

    def show_review(self, presenter: ReviewPresenter) -> None:
        """Put the page of this presenter in the place of what is there."""
        self._close_review()
        is_current = self._tabs.currentIndex() == self._review_tab
        self._review = ReviewPage(presenter)
        self._tabs.removeTab(self._review_tab)
        self._tabs.insertTab(self._review_tab, self._review, "Review  F2")
        if is_current:
            self._tabs.setCurrentIndex(self._review_tab)

    def choose_store(self) -> None:
        """Ask for another folder."""
        self._tabs.setCurrentIndex(self._review_tab)
        self._store_page.ask(self)

    def poll(self) -> None:
        """Take in what has happened; called by the timer."""
        if self._live is not None:
            has_changed = self._live.presenter.poll(time.monotonic_ns())
            if self._tabs.currentWidget() is self._live:
                self._live.refresh(has_changed=has_changed)
            self._hear_news(self._live.presenter)
        if self._review is not None:
            self._review.show_changes(self._review.presenter.poll(time.monotonic()))

    def shut(self) -> None:
        """Wait for labels that are being saved; the panel is of no use after that."""
        self._timer.stop()
        if self._live is not None:
            self._live.set_seen(False)
        self._close_review()

    def showEvent(self, event: QtGui.QShowEvent) -> None:
        """Called by Qt."""
        super().showEvent(event)
        self._on_page()

    def hideEvent(self, event: QtGui.QHideEvent) -> None:
        """Called by Qt."""
        super().hideEvent(event)
        if self._live is not None:
            self._live.set_seen(False)

    def _close_review(self) -> None:
        if self._review is not None:
            self._review.presenter.close()
            self._review.deleteLater()
            self._review = None

    def _hear_news(self, live: LivePresenter) -> None:
        for news in live.news():
            if news.change is not EpisodeChange.STARTED and self._review is not None:
                self._review.take_in(news.episode_id)

    def _on_page(self) -> None:
        page = self._tabs.currentWidget()
        if self._live is not None:
            self._live.set_seen(page is self._live and self.isVisible())
            self._live.show_view()
        if page is not None:
            page.setFocus()

    def _bind(self, key: str, place: int) -> None:
        shortcut = QtWidgets.QShortcut(QtGui.QKeySequence(key), self)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.activated.connect(lambda: self._tabs.setCurrentIndex(place))

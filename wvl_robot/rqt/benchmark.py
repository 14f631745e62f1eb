"""How fast the panel is on a store: until the list can be used, and while somebody scrubs.

Real Qt, real store, real presenter; pictures count when they have been painted. `offscreen` leaves
out the window system alone.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wvl_models.contract.errors import DataError
from wvl_robot.rqt.binding import QtWidgets
from wvl_robot.rqt.episode_list import EpisodeList
from wvl_robot.rqt.panel import LabelPanel
from wvl_robot.rqt.picture import Picture
from wvl_robot.rqt.review_page import ReviewPage
from wvl_robot.rqt.window import HEIGHT_PX, WIDTH_PX

RATE_HZ = 30.0
"""Of a hand that drags: one step further with every picture of a 30 Hz film."""

PATIENCE_S = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class PanelTiming:
    """What was measured; milliseconds, but for the rate."""

    num_episodes: int
    open_ms: float
    """From an empty panel until the list is drawn and an episode can be chosen."""
    open_cpu_ms: float
    """Processor time of it, all threads: what is left on a machine that does nothing else."""
    image_shape: tuple[int, int]
    num_sought: int
    """Steps that the hand went to, 30 each second, to and fro through the longest episode."""
    share_painted: float
    """Of them painted before the hand was at the next."""
    painted_hz: float
    seek_p50_ms: float
    """From the hand's step to its painted picture."""
    seek_p99_ms: float
    cpu_per_step_ms: float
    """Processor time, all threads, for each step sought; 33 is a whole core at 30 Hz."""


def measure_panel(store: Path, seconds: float) -> PanelTiming:
    """Open the store, then scrub; DataError where there is no episode to scrub."""
    application = QtWidgets.QApplication.instance() or QtWidgets.QApplication(["wvl"])
    panel = LabelPanel("benchmark")
    panel.resize(WIDTH_PX, HEIGHT_PX)
    panel.show()
    application.processEvents()
    try:
        open_s, open_cpu_s = _open(panel, store, application)
        page = panel.findChild(ReviewPage)
        sought_s, cpu_s = _scrub(page, seconds, application)
        facts = page.presenter.selected.facts
    finally:
        panel.shut()
    on_time = [took for took in sought_s if took is not None]
    known = on_time or [PATIENCE_S]
    return PanelTiming(
        num_episodes=page.presenter.counts.total,
        open_ms=1e3 * open_s,
        open_cpu_ms=1e3 * open_cpu_s,
        image_shape=facts.image_shape,
        num_sought=len(sought_s),
        share_painted=len(on_time) / len(sought_s),
        painted_hz=RATE_HZ * len(on_time) / len(sought_s),
        seek_p50_ms=1e3 * float(np.percentile(known, 50)),
        seek_p99_ms=1e3 * float(np.percentile(known, 99)),
        cpu_per_step_ms=1e3 * cpu_s / len(sought_s),
    )


def _open(
    panel: LabelPanel, store: Path, application: QtWidgets.QApplication
) -> tuple[float, float]:
    """Wall and processor time."""
    start, cpu_start = time.perf_counter(), time.process_time()
    panel.open_store(store)
    page = panel.findChild(ReviewPage)
    if page is None:
        raise DataError(f"there is no store at {store}.")
    table = page.findChild(EpisodeList).findChild(QtWidgets.QTableView)
    _until(lambda: not page.presenter.is_loading, application)
    if not page.presenter.rows:
        raise DataError(f"there is no episode in {store} to measure with.")
    _until(lambda: table.model().rowCount() > 0, application)
    application.processEvents()  # draws it
    return time.perf_counter() - start, time.process_time() - cpu_start


def _scrub(
    page: ReviewPage, seconds: float, application: QtWidgets.QApplication
) -> tuple[Sequence[float | None], float]:
    """For every step the time until it was painted, None where it was too late; CPU time of all."""
    presenter, picture = page.presenter, page.findChild(Picture)
    longest = max(presenter.rows, key=lambda row: row.num_steps)
    presenter.select(longest.episode_id)

    def is_painted() -> bool:
        return presenter.frame is not None and picture.painted_rgb is presenter.frame

    _until(is_painted, application)
    there = list(range(longest.num_steps))
    path = there + there[-2:0:-1]
    took: list[float | None] = []
    start, cpu_start = time.perf_counter(), time.process_time()
    for number in range(1, round(seconds * RATE_HZ) + 1):
        sought_at, end = time.perf_counter(), start + number / RATE_HZ
        presenter.seek(path[number % len(path)])
        painted_at = None
        while time.perf_counter() < end:
            application.processEvents()
            if painted_at is None and is_painted():
                painted_at = time.perf_counter()
            time.sleep(0.001)
        took.append(None if painted_at is None else painted_at - sought_at)
    return took, time.process_time() - cpu_start


def _until(is_true: Callable[[], bool], application: QtWidgets.QApplication) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_true():
        if time.monotonic() > deadline:
            raise DataError(f"the panel was not ready within {PATIENCE_S:.0f} s.")
        application.processEvents()
        time.sleep(0.001)

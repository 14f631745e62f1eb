"""Plots of an episode's signals with a cursor, on the same time axis as the reward lane."""

from collections.abc import Iterator
from itertools import count

import numpy as np

from wvl_robot.core.review.plots import Band, Curve, EpisodePlots, Plot
from wvl_robot.rqt.binding import Qt, QtGui, Signal, pyqtgraph
from wvl_robot.rqt.reward_lane import RIGHT_MARGIN_PX
from wvl_robot.rqt.theme import ALARM, CURVE_COLOURS, DIM, GROUND, PLOT_MARGIN_PX, TEXT, colour

TITLE_PX = 18

NUM_PLOTS = 3
"""Position, gripper, force: what an outcome can be told from. More would be too low to read."""

BAND_ALPHA = 45

LEAST_HALF = 0.01
"""A signal that stands still is drawn as a line, and not as its noise blown up (m, N, rad)."""


class SignalPlots(pyqtgraph.GraphicsLayoutWidget):
    """Some plots below one another; a click or a drag goes to that step."""

    sought = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setBackground(GROUND)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.ci.layout.setContentsMargins(0, 0, RIGHT_MARGIN_PX, 0)
        self.ci.layout.setVerticalSpacing(0)
        self._content: EpisodePlots | None = None
        self._items: list[pyqtgraph.PlotItem] = []
        self._cursors: list[pyqtgraph.InfiniteLine] = []

    def show_plots(self, content: EpisodePlots | None) -> None:
        """Draw these instead; None: nothing."""
        if content is self._content:
            return
        self.clear()
        self._content, self._items, self._cursors = content, [], []
        if content is None:
            return
        plots = content.plots[:NUM_PLOTS]
        for row, plot in enumerate(plots):
            item = self.addPlot(row=row, col=0)
            _dress(item, is_last=row == len(plots) - 1)
            item.setXRange(0, max(1, content.num_steps), padding=0)
            for band in (*content.refusals, *content.interventions):
                item.addItem(_shade(band), ignoreBounds=True)
            _draw(item, plot)
            cursor = pyqtgraph.InfiniteLine(0.5, pen=pyqtgraph.mkPen(TEXT, width=1))
            item.addItem(cursor, ignoreBounds=True)
            self._items.append(item)
            self._cursors.append(cursor)
        self.show_cursor(0)

    def show_cursor(self, step: int) -> None:
        """Move the cursor, and write the values of that step into the titles."""
        if self._content is None:
            return
        drawn = zip(self._items, self._cursors, self._content.plots, strict=False)
        for item, cursor, plot in drawn:
            cursor.setValue(step + 0.5)
            item.setTitle(_title(plot, step), size="9pt", justify="left")
            # A long title must not widen its plot: steps stand below those of the lane.
            item.titleLabel.setMinimumWidth(0)

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:
        """Called by Qt."""
        self._seek(event)

    def mouseMoveEvent(self, event: QtGui.QMouseEvent) -> None:
        """Called by Qt."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._seek(event)

    def mouseReleaseEvent(self, event: QtGui.QMouseEvent) -> None:
        """Called by Qt; the base class would open a menu."""

    def wheelEvent(self, event: QtGui.QWheelEvent) -> None:
        """Called by Qt; all plots keep the lane's time axis, so nothing zooms."""
        event.ignore()

    def _seek(self, event: QtGui.QMouseEvent) -> None:
        if self._content is None:
            return
        width = self.width() - PLOT_MARGIN_PX - RIGHT_MARGIN_PX
        share = (event.pos().x() - PLOT_MARGIN_PX) / max(1, width)
        last = self._content.num_steps - 1
        self.sought.emit(min(last, max(0, int(share * self._content.num_steps))))


def _dress(item: pyqtgraph.PlotItem, *, is_last: bool) -> None:
    item.hideButtons()
    item.setMenuEnabled(False)
    item.setMouseEnabled(x=False, y=False)
    item.showGrid(x=True, y=False, alpha=0.1)
    left, bottom = item.getAxis("left"), item.getAxis("bottom")
    font = QtGui.QFont()
    font.setPointSize(8)
    for axis in (left, bottom):
        axis.setPen(DIM)
        axis.setTextPen(DIM)
        axis.setStyle(tickFont=font, tickLength=-4)
        axis.enableAutoSIPrefix(False)
    left.setWidth(PLOT_MARGIN_PX)
    bottom.setStyle(showValues=is_last)
    bottom.setHeight(18 if is_last else 4)
    item.titleLabel.setMaximumHeight(TITLE_PX)
    item.layout.setRowFixedHeight(0, TITLE_PX)


def _draw(item: pyqtgraph.PlotItem, plot: Plot) -> None:
    """Every curve; step k lies in the middle of its cell of the lane."""
    for curve, tint in _tinted(plot):
        style = Qt.PenStyle.DashLine if curve.is_target else Qt.PenStyle.SolidLine
        pen = pyqtgraph.mkPen(tint, width=1.0 if curve.is_target else 1.5, style=style)
        steps = np.arange(len(curve.values)) + 0.5
        if np.isfinite(curve.values).any():
            item.plot(steps, curve.values, pen=pen, connect="finite")
    values = np.concatenate([curve.values for curve in plot.curves])
    values = values[np.isfinite(values)]
    if not len(values):
        return
    # Low plots have no room for more than two numbers; the cursor's are in the title.
    low, high = float(values.min()), float(values.max())
    middle, half = (low + high) / 2, max((high - low) / 2, LEAST_HALF)
    item.setYRange(middle - half, middle + half, padding=0.12)
    ends = {round(low, 3), round(high, 3)}
    item.getAxis("left").setTicks([[(end, f"{end:.2f}") for end in ends]])


def _shade(band: Band) -> pyqtgraph.LinearRegionItem:
    shade = pyqtgraph.LinearRegionItem(
        (band.start, band.stop),
        movable=False,
        brush=colour(ALARM, BAND_ALPHA),
        pen=pyqtgraph.mkPen(None),
    )
    shade.setToolTip(band.text)
    return shade


def _title(plot: Plot, step: int) -> str:
    """The plot's name, and the value of what was measured in the curve's colour."""
    unit = f" [{plot.unit}]" if plot.unit else ""
    parts = [f"<span style='color:{DIM}'>{plot.title}{unit}</span>"]
    for curve, tint in _tinted(plot):
        if not curve.is_target:
            value = curve.values[step] if step < len(curve.values) else np.nan
            said = f"{value:+.3f}" if np.isfinite(value) else "-"
            parts.append(f"<span style='color:{tint}'>{curve.name} {said}</span>")
    return "&nbsp;&nbsp;".join(parts)


def _tinted(plot: Plot) -> Iterator[tuple[Curve, str]]:
    """Each curve with its colour; the k-th target has that of the k-th measured curve."""
    numbers = {True: count(), False: count()}
    for curve in plot.curves:
        yield curve, CURVE_COLOURS[next(numbers[curve.is_target]) % len(CURVE_COLOURS)]

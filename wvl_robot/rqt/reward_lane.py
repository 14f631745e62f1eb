"""The reward lane: which steps show a success state, drawn with the mouse along the time axis.

It draws what it is given and tells what the mouse does; what a drag means is the presenter's. A
click goes to that step; a drag with the left button paints or moves an edge, one with the right
button or with shift erases. Thin lines below: what a suggestion or another operator says.
"""

from dataclasses import dataclass

from wvl_robot.core.review.lane import Intervals, LaneTool
from wvl_robot.rqt.binding import Qt, QtCore, QtGui, QtWidgets, Signal
from wvl_robot.rqt.theme import DIM, GROUND, LINE, PLOT_MARGIN_PX, RAISED, TEXT, colour

MAIN_PX, NOTE_PX, FLAG_PX = 34, 7, 14
RIGHT_MARGIN_PX = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class LaneNote:
    """A thin line below the lane: what somebody else says."""

    intervals: Intervals
    colour: str
    tip: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LaneContent:
    """Everything the lane shows but the cursor; 0 steps: nothing."""

    num_steps: int = 0
    intervals: Intervals = ()
    fill: str = LINE
    notes: tuple[LaneNote, ...] = ()
    flags: tuple[tuple[int, str], ...] = ()
    """Sub-goals: step and text."""


class RewardLane(QtWidgets.QWidget):
    """See the module docstring."""

    sought = Signal(int)
    """A step that was clicked, or that the mouse is at during a drag."""
    drag_begun = Signal(int, object)
    """Step, LaneTool."""
    dragged = Signal(int)
    drag_ended = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._content = LaneContent()
        self._cursor = 0
        self._press: tuple[int, LaneTool] | None = None
        self._is_dragging = False
        self.setFixedHeight(MAIN_PX)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.CrossCursor)

    @property
    def is_dragging(self) -> bool:
        """A button is down and the mouse has moved."""
        return self._is_dragging

    def show_content(self, content: LaneContent) -> None:
        """Draw this."""
        if content == self._content:
            return
        self._content = content
        flags_px = FLAG_PX if content.flags else 0
        self.setFixedHeight(MAIN_PX + flags_px + NOTE_PX * len(content.notes))
        self.update()

    def show_cursor(self, step: int) -> None:
        """Where the film is."""
        if step != self._cursor:
            self._cursor = step
            self.update()

    def forget_drag(self) -> None:
        """The drag was given up."""
        self._press, self._is_dragging = None, False

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        """Called by Qt."""
        painter = QtGui.QPainter(self)
        self._paint_name(painter)
        painter.fillRect(self._span(0, self._content.num_steps, 0, MAIN_PX), colour(RAISED))
        if not self._content.num_steps:
            return
        for first, last in self._content.intervals:
            box = self._span(first, last, 0, MAIN_PX)
            painter.fillRect(box, colour(self._content.fill))
            painter.setPen(colour(GROUND))
            text = f"{last - first} steps"
            if painter.fontMetrics().horizontalAdvance(text) < box.width() - 8:
                painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), text)
        self._paint_notes(painter)
        self._paint_flags(painter)
        painter.fillRect(self._cursor_box(), colour(TEXT))

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:
        """Called by Qt."""
        if not self._content.num_steps:
            return
        is_erasing = event.button() == Qt.MouseButton.RightButton or bool(
            event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        )
        step = self._step(event.pos().x())
        self._press = (step, LaneTool.ERASE if is_erasing else LaneTool.AUTO)
        self.sought.emit(step)

    def mouseMoveEvent(self, event: QtGui.QMouseEvent) -> None:
        """Called by Qt."""
        if self._press is None:
            self._say_note(event.pos().y())
            return
        step, (start, tool) = self._step(event.pos().x()), self._press
        if not self._is_dragging:
            if step == start:
                return
            self._is_dragging = True
            self.drag_begun.emit(start, tool)
        self.dragged.emit(step)
        self.sought.emit(step)

    def mouseReleaseEvent(self, event: QtGui.QMouseEvent) -> None:
        """Called by Qt."""
        was_dragging = self._is_dragging
        self.forget_drag()
        if was_dragging:
            self.drag_ended.emit()

    def _paint_name(self, painter: QtGui.QPainter) -> None:
        painter.setPen(colour(DIM))
        box = QtCore.QRect(0, 0, PLOT_MARGIN_PX - 8, MAIN_PX)
        align = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(box, int(align), "reward")

    def _paint_notes(self, painter: QtGui.QPainter) -> None:
        for row, note in enumerate(self._content.notes):
            for first, last in note.intervals:
                box = self._span(first, last, MAIN_PX + 2 + row * NOTE_PX, NOTE_PX - 3)
                painter.fillRect(box, colour(note.colour, 150))

    def _paint_flags(self, painter: QtGui.QPainter) -> None:
        painter.setPen(colour(TEXT))
        font = painter.font()
        font.setPixelSize(10)
        painter.setFont(font)
        for step, text in self._content.flags:
            x = round(self._x(step + 0.5))
            painter.drawLine(x, 0, x, self.height())
            painter.drawText(x + 3, self.height() - 3, text)

    def _say_note(self, y: int) -> None:
        row = (y - MAIN_PX - 2) // NOTE_PX
        notes = self._content.notes
        self.setToolTip(notes[row].tip if 0 <= row < len(notes) else "")

    def _step(self, x: float) -> int:
        share = (x - PLOT_MARGIN_PX) / max(1, self._width())
        return min(self._content.num_steps - 1, max(0, int(share * self._content.num_steps)))

    def _x(self, step: float) -> float:
        return PLOT_MARGIN_PX + self._width() * step / max(1, self._content.num_steps)

    def _width(self) -> int:
        return self.width() - PLOT_MARGIN_PX - RIGHT_MARGIN_PX

    def _cursor_box(self) -> QtCore.QRect:
        return QtCore.QRect(round(self._x(self._cursor + 0.5)) - 1, 0, 2, self.height())

    def _span(self, first: int, last: int, top: int, height: int) -> QtCore.QRect:
        if not self._content.num_steps:
            return QtCore.QRect(PLOT_MARGIN_PX, top, self._width(), height)
        left, right = round(self._x(first)), round(self._x(last))
        return QtCore.QRect(left, top, max(1, right - left), height)

"""Shows one camera picture as large as it fits, without any copy beyond what Qt needs."""

import numpy as np
from numpy.typing import NDArray

from wvl_robot.rqt.binding import Qt, QtCore, QtGui, QtWidgets
from wvl_robot.rqt.theme import DIM, GROUND, colour


class Picture(QtWidgets.QWidget):
    """A picture, or a line of text where there is none."""

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self._rgb: NDArray[np.uint8] | None = None
        self._image: QtGui.QImage | None = None
        self._text = text
        self._is_stale = False
        self.setMinimumSize(240, 180)
        self.setSizePolicy(
            QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Expanding
        )
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def show_rgb(self, rgb: NDArray[np.uint8]) -> None:
        """[H, W, 3] RGB; drawn at the next repaint. The array is kept, not copied."""
        if rgb is self._rgb and not self._is_stale:
            return
        self._rgb = np.ascontiguousarray(rgb)  # QImage borrows the memory
        height, width = rgb.shape[:2]
        self._image = QtGui.QImage(
            self._rgb.data, width, height, 3 * width, QtGui.QImage.Format.Format_RGB888
        )
        self._is_stale = False
        self.update()

    def show_text(self, text: str) -> None:
        """Words instead of a picture."""
        if self._image is None and text == self._text:
            return
        self._rgb = self._image = None
        self._text = text
        self.update()

    def show_stale(self) -> None:
        """Keep the picture, dimmed: what it should show is on its way."""
        if self._image is not None and not self._is_stale:
            self._is_stale = True
            self.update()

    @property
    def has_picture(self) -> bool:
        """Whether a picture is shown, and the right one."""
        return self._image is not None and not self._is_stale

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        """Called by Qt."""
        painter = QtGui.QPainter(self)
        painter.fillRect(self.rect(), colour(GROUND))
        if self._image is None:
            painter.setPen(colour(DIM))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect(), int(flags), self._text)
            return
        # Nearest neighbour where the picture is drawn larger than it is: 4x cheaper than smooth
        # scaling on a processor without a GPU, and pixels are what one wants to see.
        painter.drawImage(self._target(self._image), self._image)
        if self._is_stale:
            painter.fillRect(self.rect(), colour(GROUND, 150))

    def _target(self, image: QtGui.QImage) -> QtCore.QRect:
        """The largest rectangle of the picture's shape, in the middle."""
        size = image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        left = (self.width() - size.width()) // 2
        top = (self.height() - size.height()) // 2
        return QtCore.QRect(QtCore.QPoint(left, top), size)

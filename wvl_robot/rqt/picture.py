"""Shows one camera picture as large as it fits.

OpenCV scales it: 1.6 ms from 640x480 to 1020x765 where Qt's smooth painter takes 8.2 and its fast
one 4.0 (medians of 30, docs/decisions/009-panel.md).
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from wvl_robot.rqt.binding import Qt, QtCore, QtGui, QtWidgets
from wvl_robot.rqt.theme import DIM, GROUND, colour


class Picture(QtWidgets.QWidget):
    """A picture, or a line of text where there is none."""

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self._rgb: NDArray[np.uint8] | None = None
        self._scaled: NDArray[np.uint8] | None = None
        self._text = text
        self._is_stale = False
        self.painted_rgb: NDArray[np.uint8] | None = None
        """What is on the screen: the array that was painted last."""
        self.setMinimumSize(240, 180)
        self.setSizePolicy(
            QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Expanding
        )
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def show_rgb(self, rgb: NDArray[np.uint8]) -> None:
        """[H, W, 3] RGB; drawn at the next repaint. The array is kept, not copied."""
        if rgb is not self._rgb or self._is_stale:
            self._rgb, self._scaled, self._is_stale = rgb, None, False
            self.update()

    def show_text(self, text: str) -> None:
        """Words instead of a picture."""
        self._rgb = self._scaled = None
        self._text = text
        self.update()

    def show_stale(self) -> None:
        """Keep the picture, dimmed: what it should show is on its way."""
        if self._rgb is not None and not self._is_stale:
            self._is_stale = True
            self.update()

    @property
    def has_picture(self) -> bool:
        """Whether a picture is shown, and the right one."""
        return self._rgb is not None and not self._is_stale

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        """Called by Qt."""
        painter = QtGui.QPainter(self)
        painter.fillRect(self.rect(), colour(GROUND))
        if self._rgb is None:
            painter.setPen(colour(DIM))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect(), int(flags), self._text)
            return
        image = self._fitted(self._rgb)
        left, top = (self.width() - image.width()) // 2, (self.height() - image.height()) // 2
        painter.drawImage(left, top, image)
        self.painted_rgb = self._rgb
        if self._is_stale:
            painter.fillRect(self.rect(), colour(GROUND, 150))

    def _fitted(self, rgb: NDArray[np.uint8]) -> QtGui.QImage:
        """In the widget's size and the picture's shape; borrows the memory of `_scaled`."""
        height, width = rgb.shape[:2]
        size = QtCore.QSize(width, height)
        size.scale(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        width, height = max(1, size.width()), max(1, size.height())
        if self._scaled is None or self._scaled.shape[:2] != (height, width):
            self._scaled = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_LINEAR)
        kind = QtGui.QImage.Format.Format_RGB888
        return QtGui.QImage(self._scaled.data, width, height, 3 * width, kind)

"""Painting: base class of widgets that paint themselves, boxes to choose from, and camera frames as Qt images."""

import numpy as np
from PyQt5.QtCore import Qt
from PyQt5.QtGui import QImage, QPainter, QPaintEvent
from PyQt5.QtWidgets import QComboBox, QWidget

from ...models.contract import Image
from . import theme


class Canvas(QWidget):
    """Opens and closes the painter; subclasses implement :meth:`draw`."""

    def draw(self, painter: QPainter) -> None:
        """Draw the whole widget."""
        raise NotImplementedError

    def paintEvent(self, _event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw with smooth edges."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        painter.setRenderHint(QPainter.SmoothPixmapTransform)
        try:
            self.draw(painter)
        finally:
            # A painter left open ends the process when Qt next paints.
            painter.end()


class ChoiceBox(QComboBox):
    """A box to choose from; its arrow is in the palette's colours, which a style sheet cannot draw."""

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw the box, and the arrow where its menu opens."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setFont(theme.font(11))
        painter.setPen(theme.colour(theme.SOFT if self.isEnabled() else theme.FAINT))
        painter.drawText(self.rect().adjusted(0, 0, -theme.px(6), 0), Qt.AlignVCenter | Qt.AlignRight, "▾")
        painter.end()


def qimage(image: Image) -> QImage:
    """Return a ``(height, width, 3)`` BGR frame as an image that owns its pixels.

    OpenCV is not used, because its own Qt conflicts with that of PyQt.
    """
    frame = np.ascontiguousarray(image)
    height, width = frame.shape[:2]
    return QImage(frame.data, width, height, 3 * width, QImage.Format_BGR888).copy()

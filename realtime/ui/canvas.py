"""Base class of widgets that paint themselves."""

from PyQt5.QtGui import QPainter, QPaintEvent
from PyQt5.QtWidgets import QWidget


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

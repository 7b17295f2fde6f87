"""Overlay over a stale window: its last content in grey, with the reason."""

from PyQt5.QtCore import QRectF, Qt
from PyQt5.QtGui import QImage, QPainter
from PyQt5.QtWidgets import QWidget

from . import theme
from .painting import Canvas
from .view import View


class DisconnectedOverlay(Canvas):
    """Overlay of a widget, hidden while its content is live."""

    def __init__(self, below: QWidget) -> None:
        super().__init__(below.parentWidget())
        self._below = below
        self._picture: QImage | None = None
        self.text = ""
        self.hide()

    def show_view(self, view: View) -> None:
        """Show or hide the overlay."""
        text = _text(view)
        if not text:
            if self.isVisible():
                self.hide()
                self._picture = None
            self.text = ""
            return
        if not self.isVisible():
            self._picture = self._below.grab().toImage().convertToFormat(QImage.Format_Grayscale8)
            self.show()
            self.raise_()
        self.setGeometry(self._below.geometry())
        if text != self.text:
            self.text = text
            self.update()

    def draw(self, painter: QPainter) -> None:
        """Draw the last content in grey, darkened, and the reason."""
        if self._picture is not None:
            painter.drawImage(self.rect(), self._picture)
        painter.fillRect(self.rect(), theme.colour(theme.BACKGROUND, 0.55))
        painter.setFont(theme.font(15, bold=True))
        card = QRectF(0, 0, min(720, self.width() - 40), 110)
        card.moveCenter(QRectF(self.rect()).center())
        painter.setPen(theme.colour(theme.LINE))
        painter.setBrush(theme.colour(theme.RAISED))
        painter.drawRoundedRect(card, 10, 10)
        painter.setPen(theme.colour(theme.TEXT))
        painter.drawText(card.adjusted(16, 8, -16, -8), Qt.AlignCenter | Qt.TextWordWrap, self.text)


def _text(view: View) -> str:
    if view.attachment == "waiting":
        return f"○ Waiting for an engine\n{view.why}".strip()
    if view.attachment == "gone":
        name = "" if view.snapshot is None else f" '{view.snapshot.engine}'"
        silent = f"■ Engine{name} has not answered for {view.silent_s:.0f} s."
        return f"{silent}\nThe last picture stays; it goes on as soon as it returns."
    return ""

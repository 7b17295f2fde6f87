"""Overlay over a stale window: its last content in grey, with the reason."""

from PyQt5.QtCore import QRectF, Qt
from PyQt5.QtGui import QImage, QPainter
from PyQt5.QtWidgets import QWidget

from .. import strings, theme
from ..painting import Canvas
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
        card = QRectF(0, 0, min(theme.px(720), self.width() - theme.px(40)), theme.px(110))
        card.moveCenter(QRectF(self.rect()).center())
        painter.setPen(theme.colour(theme.LINE))
        painter.setBrush(theme.colour(theme.RAISED))
        painter.drawRoundedRect(card, theme.px(8), theme.px(8))
        painter.setPen(theme.colour(theme.TEXT))
        painter.drawText(card.adjusted(16, 8, -16, -8), Qt.AlignCenter | Qt.TextWordWrap, self.text)


def _text(view: View) -> str:
    if view.attachment == "waiting":
        return strings.OVERLAY_WAITING.format(why=view.why).strip()
    if view.attachment == "gone":
        name = "" if view.newest is None else strings.ENGINE_NAME.format(name=view.newest.engine)
        return strings.OVERLAY_GONE.format(name=name, silent=view.silent_s)
    return ""

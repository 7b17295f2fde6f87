"""The lane of marks: the experimenter's marks and notes, and the markers of other programs."""

from PyQt5.QtCore import QPointF, QRectF, QSize, Qt
from PyQt5.QtGui import QPainter, QPen
from PyQt5.QtWidgets import QSizePolicy

from ...ipc.snapshot import Mark
from .. import strings, theme
from ..live.view import View
from ..painting import Canvas
from .levels import SPAN_S

_ROW = 15
_TINTS = {"mark": theme.ACCENT, "note": theme.POOLED, "marker": theme.SOFT}
_SIGNS = {"mark": "▼", "note": "✎", "marker": "│"}


class MarkerLane(Canvas):
    """A line for each mark at its time, with its text beside it as far as the next."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Preferred)
        self.setMinimumHeight(theme.px(2 * _ROW))
        self._marks: tuple[Mark, ...] = ()
        self._now_s = 0.0

    @property
    def shown(self) -> tuple[Mark, ...]:
        """The marks within the lane's time, oldest first."""
        return tuple(mark for mark in self._marks if 0 <= self._now_s - mark.time_s <= SPAN_S)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the preferred size: marks and a scale."""
        return QSize(theme.px(300), theme.px(2 * _ROW + 4))

    def show_view(self, view: View) -> None:
        """Set the marks; repaint where the lane has moved by a pixel."""
        snapshot = view.snapshot
        if snapshot is None:
            return
        moved = abs(snapshot.now_s - self._now_s) >= SPAN_S / max(self.width(), 1)
        if view.marks != self._marks or moved:
            self._marks, self._now_s = view.marks, snapshot.now_s
            self.update()

    def draw(self, painter: QPainter) -> None:
        """Draw the scale, then the marks."""
        row = theme.px(_ROW)
        painter.setFont(theme.font(10))
        painter.setPen(theme.colour(theme.FAINT))
        foot = QRectF(0, self.height() - row, self.width(), row)
        for before in range(0, int(SPAN_S), 15):
            x = self._x(before)
            words = strings.NOW if before == 0 else strings.SECONDS.format(seconds=-before)
            flag = Qt.AlignRight if before == 0 else Qt.AlignHCenter
            room = QRectF(x - 2 * row, foot.y(), 2 * row if before == 0 else 4 * row, row)
            painter.drawText(room, flag | Qt.AlignVCenter, words)
        marks = self.shown
        for place, mark in enumerate(marks):
            x = self._x(self._now_s - mark.time_s)
            right = self._x(self._now_s - marks[place + 1].time_s) if place + 1 < len(marks) else self.width()
            self._draw_mark(painter, mark, x, max(right, x + 1))

    def _draw_mark(self, painter: QPainter, mark: Mark, x: float, right: float) -> None:
        tint = theme.colour(_TINTS[mark.kind])
        bottom = self.height() - theme.px(_ROW)
        painter.setPen(QPen(tint, 1.5 * theme.scale(), Qt.DashLine if mark.kind == "marker" else Qt.SolidLine))
        painter.drawLine(QPointF(x, 0), QPointF(x, bottom))
        room = QRectF(x + theme.px(3), 0, right - x - theme.px(6), bottom)
        if room.width() < theme.px(12):
            return
        painter.setFont(theme.font(11))
        painter.setPen(theme.colour(theme.TEXT))
        words = f"{_SIGNS[mark.kind]} {mark.text}"
        words = painter.fontMetrics().elidedText(words, Qt.ElideRight, int(room.width()))
        painter.drawText(room, Qt.AlignVCenter | Qt.AlignLeft, words)

    def _x(self, before_s: float) -> float:
        return float((1.0 - before_s / SPAN_S) * self.width())

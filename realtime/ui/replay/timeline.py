"""The whole session as one line to seek on, and the markers of the stretch that the charts show."""

import numpy as np
from PyQt5.QtCore import QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QMouseEvent, QPainter, QPen, QPolygonF
from PyQt5.QtWidgets import QSizePolicy

from ....models.contract import Marker
from .. import theme
from ..painting import Canvas
from .state.curves import Level
from .time_chart import NAMES_WIDTH, clock

_MOST_POINTS = 1500


class Timeline(Canvas):
    """The session from end to end: valence as decoded, markers, what the charts show, the present place.

    A press or a drag seeks.
    """

    sought = pyqtSignal(float)

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Fixed)
        self.setFixedHeight(theme.px(46))
        self.setCursor(Qt.PointingHandCursor)
        self._span = (0.0, 1.0)
        self._page = (0.0, 0.0)
        self._place_s = 0.0
        self._markers: tuple[float, ...] = ()
        self._level: Level | None = None

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the preferred size."""
        return QSize(theme.px(600), theme.px(46))

    def show_session(self, span: tuple[float, float], markers: tuple[float, ...], level: Level | None) -> None:
        """Show a session: its span, the times of its markers and its valence."""
        self._span = span if span[1] > span[0] else (span[0], span[0] + 1.0)
        self._markers, self._level = markers, level
        self.update()

    def show_place(self, place_s: float, page: tuple[float, float]) -> None:
        """Show the present place, and the stretch that the charts show."""
        if (place_s, page) != (self._place_s, self._page):
            self._place_s, self._page = place_s, page
            self.update()

    def x_of(self, time_s: float) -> float:
        """Return where a time is drawn."""
        share = (time_s - self._span[0]) / (self._span[1] - self._span[0])
        return theme.px(6) + share * (self.width() - 2 * theme.px(6))

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Seek."""
        self._seek(event)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Seek while the button is down."""
        self._seek(event)

    def _seek(self, event: QMouseEvent | None) -> None:
        if event is None:
            return
        share = (event.localPos().x() - theme.px(6)) / max(self.width() - 2 * theme.px(6), 1)
        self.sought.emit(self._span[0] + min(max(share, 0.0), 1.0) * (self._span[1] - self._span[0]))

    def draw(self, painter: QPainter) -> None:
        """Draw it."""
        bar = QRectF(0, 0, self.width(), self.height() - theme.px(14))
        painter.setPen(Qt.NoPen)
        painter.setBrush(theme.colour(theme.RAISED))
        painter.drawRoundedRect(bar, theme.px(4), theme.px(4))
        left, right = (min(max(self.x_of(one), 0.0), float(self.width())) for one in self._page)
        painter.setBrush(theme.colour(theme.ACCENT, 0.22))
        painter.drawRect(QRectF(left, bar.y(), max(right - left, 2.0), bar.height()))
        self._draw_level(painter, bar)
        painter.setPen(QPen(theme.colour("high"), 1.2 * theme.scale()))
        for time_s in self._markers:
            x = self.x_of(time_s)
            painter.drawLine(QPointF(x, bar.bottom() - theme.px(8)), QPointF(x, bar.bottom()))
        painter.setPen(QPen(theme.colour(theme.TEXT), 2 * theme.scale()))
        x = self.x_of(self._place_s)
        painter.drawLine(QPointF(x, bar.top()), QPointF(x, bar.bottom()))
        painter.setFont(theme.font(10))
        painter.setPen(theme.colour(theme.SOFT))
        foot = QRectF(0, bar.bottom(), self.width(), theme.px(14))
        painter.drawText(foot, int(Qt.AlignLeft | Qt.AlignVCenter), clock(self._span[0]))
        painter.drawText(foot, int(Qt.AlignRight | Qt.AlignVCenter), clock(self._span[1]))

    def _draw_level(self, painter: QPainter, bar: QRectF) -> None:
        if self._level is None or not len(self._level.times_s):
            return
        every = max(1, len(self._level.times_s) // _MOST_POINTS)
        painter.setPen(QPen(theme.colour(theme.ACCENT), 1.1))
        height = bar.height() - theme.px(12)
        line: list[QPointF] = []
        for time_s, mean in zip(self._level.times_s[::every], self._level.mean[::every], strict=True):
            if np.isfinite(mean):
                line.append(QPointF(self.x_of(time_s), bar.top() + theme.px(3) + (1 - mean) / 2 * height))
            else:
                painter.drawPolyline(QPolygonF(line))
                line = []
        painter.drawPolyline(QPolygonF(line))


class MarkerStrip(Canvas):
    """The markers of the stretch that the charts show, with their texts; a press goes to the nearest."""

    sought = pyqtSignal(float)

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Fixed)
        self.setFixedHeight(theme.px(20))
        self._page = (0.0, 1.0)
        self._markers: tuple[Marker, ...] = ()

    def show_markers(self, markers: tuple[Marker, ...], page: tuple[float, float]) -> None:
        """Show markers, whose stamps are on the session's time, in a stretch of it."""
        self._markers = tuple(one for one in markers if page[0] <= one.stamp_s < page[1])
        self._page = page
        self.setToolTip("\n".join(f"{clock(one.stamp_s)}  {one.text}" for one in self._markers[:40]))
        self.update()

    @property
    def shown(self) -> tuple[Marker, ...]:
        """The markers of the stretch."""
        return self._markers

    def x_of(self, time_s: float) -> float:
        """Return where a time is drawn: as in the charts above and below."""
        left, right = theme.px(NAMES_WIDTH), theme.px(8)
        return left + (time_s - self._page[0]) / (self._page[1] - self._page[0]) * (self.width() - left - right)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Go to the nearest marker."""
        if event is not None and self._markers:
            x = event.localPos().x()
            self.sought.emit(min(self._markers, key=lambda one: abs(self.x_of(one.stamp_s) - x)).stamp_s)

    def draw(self, painter: QPainter) -> None:
        """Draw them; a text ends where the next marker stands."""
        painter.setFont(theme.font(10))
        places = [self.x_of(one.stamp_s) for one in self._markers]
        for one, x, after in zip(self._markers, places, [*places, float(self.width())][1:], strict=True):
            painter.setPen(QPen(theme.colour("high"), 1.6 * theme.scale()))
            painter.drawLine(QPointF(x, 2), QPointF(x, self.height() - 2))
            room = QRectF(x + theme.px(4), 0, max(after - x - theme.px(8), 0), self.height())
            painter.setPen(theme.colour(theme.SOFT))
            text = painter.fontMetrics().elidedText(one.text, Qt.ElideRight, int(room.width()))
            painter.drawText(room, int(Qt.AlignVCenter | Qt.AlignLeft), text)

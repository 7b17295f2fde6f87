"""The looks panel: the frames of the last half minute that the model looked at."""

from PyQt5.QtCore import QPointF, QRectF, QSize, Qt
from PyQt5.QtGui import QImage, QPainter, QPen
from PyQt5.QtWidgets import QSizePolicy

from ....models.contract import Look
from ...screens import evidence
from .. import strings, theme
from ..live.view import ChosenFrame, View
from ..painting import Canvas, qimage

SPAN_S = 30.0
GRID_HZ = 8
_NAMES = 36


class LookStrip(Canvas):
    """Every frame of the grid as a tick, those looked at as bars: filled where the participant's face was found."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Fixed)
        self._looks: tuple[Look, ...] = ()
        self._now_s: float | None = None

    @property
    def shown(self) -> int:
        """Number of looks in the strip."""
        return 0 if self._now_s is None else sum(self._now_s - look.time_s <= SPAN_S for look in self._looks)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the preferred size: a row and the scale."""
        return QSize(theme.px(240), theme.px(31))

    def show_view(self, view: View) -> None:
        """Update the strip once per decision."""
        times = view.history.times_s
        now = float(times[-1]) if len(times) else None
        if now != self._now_s or view.history.looks is not self._looks:
            self._looks, self._now_s = view.history.looks, now
            self.update()

    def draw(self, painter: QPainter) -> None:
        """Draw the grid, the looks, the scale."""
        painter.setFont(theme.font(10))
        painter.setPen(theme.colour(theme.SOFT))
        names, row = theme.px(_NAMES), theme.px(16)
        painter.drawText(QRectF(0, 0, names, row), Qt.AlignVCenter | Qt.AlignLeft, strings.FACE_ROW)
        width = self.width() - names
        scale = QRectF(names, row + 1, width, row - 2)
        painter.setPen(theme.colour(theme.FAINT))
        for flag, seconds in ((Qt.AlignLeft, SPAN_S), (Qt.AlignHCenter, SPAN_S / 2), (Qt.AlignRight, 0.0)):
            text = strings.SECONDS.format(seconds=f"-{seconds:.0f}") if seconds else strings.NOW
            painter.drawText(scale, flag | Qt.AlignVCenter, text)
        step = width / (SPAN_S * GRID_HZ)
        painter.setPen(QPen(theme.colour(theme.FAINT), 1))
        for index in range(int(SPAN_S * GRID_HZ)):
            x = names + (index + 0.5) * step
            painter.drawLine(QPointF(x, 0.37 * row), QPointF(x, 0.65 * row))
        if self._now_s is not None:
            for look in self._looks:
                self._draw_look(painter, look, step, self._now_s)

    def _draw_look(self, painter: QPainter, look: Look, step: float, now_s: float) -> None:
        before = now_s - look.time_s
        if not 0 <= before <= SPAN_S:
            return
        x = self.width() - before * GRID_HZ * step - step / 2
        tint = theme.colour(theme.ACCENT)
        painter.setPen(QPen(tint, 1))
        painter.setBrush(tint if look.face is not None else Qt.NoBrush)
        painter.drawRect(QRectF(x - 1.5 * theme.scale(), 1, 3 * theme.scale(), theme.px(14)))


class Glimpses(Canvas):
    """The last frames looked at, side by side, the newest on the right."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._count = count
        self._given: tuple[ChosenFrame, ...] = ()
        self._images: tuple[QImage, ...] = ()
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Expanding)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the preferred size: a row of thumbnails."""
        return QSize(theme.px(240), theme.px(54))

    def show_view(self, view: View) -> None:
        """Set the frames looked at; repaint only for new ones."""
        if view.glimpses is not self._given:
            self._given = view.glimpses
            self._images = tuple(qimage(glimpse.image) for glimpse in view.glimpses)
            self.update()

    def draw(self, painter: QPainter) -> None:
        """Draw the thumbnails, the newest with a frame."""
        gap = 4
        width = (self.width() - gap * (self._count - 1)) / self._count
        for place in range(self._count):
            height = min(self.height(), width * 0.75)
            room = QRectF(place * (width + gap), (self.height() - height) / 2, width, height)
            index = place - (self._count - len(self._images))
            if index < 0:
                painter.fillRect(room, theme.colour(theme.RAISED))
                continue
            painter.drawImage(room, self._images[index])
            self._draw_box(painter, room, index)
            if index == len(self._images) - 1:
                painter.setPen(QPen(theme.colour(theme.ACCENT), 2))
                painter.setBrush(Qt.NoBrush)
                painter.drawRect(room.adjusted(1, 1, -1, -1))

    def _draw_box(self, painter: QPainter, room: QRectF, index: int) -> None:
        """Draw the face as it was found in this very frame."""
        face = self._given[index].face
        if face is None:
            return
        zoom = room.width() / self._images[index].width(), room.height() / self._images[index].height()
        painter.setPen(QPen(theme.colour(theme.ACCENT), 1.2 * theme.scale()))
        painter.setBrush(Qt.NoBrush)
        frame = QRectF(face.x * zoom[0], face.y * zoom[1], face.width * zoom[0], face.height * zoom[1])
        painter.drawRect(frame.translated(room.topLeft()))


class PolicyLine(theme.FittingLabel):
    """What the policy went by at the newest frame, and whether it looked."""

    def __init__(self) -> None:
        super().__init__((10.0, 9.0, 8.0), 3, theme.SOFT)

    def show_view(self, view: View) -> None:
        """Show the newest estimate's."""
        self.setText(evidence.policy(None if view.snapshot is None else view.snapshot.estimate))

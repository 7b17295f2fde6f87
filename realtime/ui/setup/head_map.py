"""The map of the electrodes: where each is, whether a session would use it, and how loud it is."""

from PyQt5.QtCore import QPointF, QRectF, Qt
from PyQt5.QtGui import QPainter, QPen
from PyQt5.QtWidgets import QSizePolicy

from ...lab.probe import Electrode
from ...screens.wording import MARKS
from .. import strings, theme
from ..painting import Canvas
from .tables import electrode_tone

_REACH = 1.24


class HeadMap(Canvas):
    """A disc for each electrode with its name: green, or red and square where it cannot be used."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Expanding)
        self.setMinimumSize(theme.px(220), theme.px(220))
        self._electrodes: tuple[Electrode, ...] = ()
        self.why = strings.SETUP_NO_EEG

    @property
    def shown(self) -> tuple[Electrode, ...]:
        """The electrodes on the map."""
        return tuple(one for one in self._electrodes if one.name is not None)

    def show_electrodes(self, electrodes: tuple[Electrode, ...], why: str = "") -> None:
        """Set the electrodes, or why there are none."""
        if (electrodes, why) != (self._electrodes, self.why):
            self._electrodes, self.why = electrodes, why
            self.update()

    def draw(self, painter: QPainter) -> None:
        """Draw head and electrodes."""
        side = min(self.width(), self.height()) - theme.px(8)
        radius = side / 2 / _REACH
        centre = QPointF(self.width() / 2, self.height() / 2 + theme.px(3))
        painter.setPen(QPen(theme.colour(theme.LINE), 1.5 * theme.scale()))
        painter.setBrush(theme.colour(theme.RAISED))
        painter.drawEllipse(centre, radius, radius)
        nose = centre + QPointF(0, -radius)
        step = 0.07 * radius
        painter.drawPolyline(nose + QPointF(-step, 0), nose + QPointF(0, -step), nose + QPointF(step, 0))
        if not self.shown:
            painter.setFont(theme.font(12))
            painter.setPen(theme.colour(theme.SOFT))
            room = QRectF(centre.x() - 0.8 * radius, centre.y() - radius, 1.6 * radius, 2 * radius)
            painter.drawText(room, Qt.AlignCenter | Qt.TextWordWrap, self.why)
            return
        disc = min(0.1 * radius, 0.42 * side / max(len(self.shown), 1) ** 0.5)
        for one in self.shown:
            self._draw_electrode(
                painter, one, centre + QPointF(radius * one.x, -radius * one.y), max(disc, theme.px(9))
            )

    def _draw_electrode(self, painter: QPainter, one: Electrode, at: QPointF, disc: float) -> None:
        tone = electrode_tone(one)
        painter.setPen(QPen(theme.colour(theme.TONES[tone]), 2 * theme.scale()))
        painter.setBrush(theme.colour(theme.PANEL))
        room = QRectF(at.x() - disc, at.y() - disc, 2 * disc, 2 * disc)
        (painter.drawRect if tone == "bad" else painter.drawEllipse)(room)
        painter.setPen(theme.colour(theme.TEXT))
        painter.setFont(theme.font(min(11.0, 0.85 * disc / theme.scale()), bold=tone == "bad"))
        painter.drawText(room, Qt.AlignCenter, one.name or MARKS["idle"])

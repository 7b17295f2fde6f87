"""The valence-arousal plane: probabilities of its nine fields, the estimate and its spread.

An open square with dotted arms is what the voice expresses, an open circle with such arms what the face does. They are
never mixed; where the session pools them, a
triangle stands for both together, beside them, with a line to each that has a part in it.
"""

from collections.abc import Sequence

import numpy as np
from PyQt5.QtCore import QPointF, QRectF, QSize, Qt
from PyQt5.QtGui import QPainter, QPen
from PyQt5.QtWidgets import QSizePolicy

from ....models.contract import Estimate
from ....models.fusion.circumplex import Affect, affect_of
from ...screens import wording
from .. import theme
from ..painting import Canvas
from ..view import View
from .pooled import MARK

Levels = tuple[Sequence[float], Sequence[float]]
_MARGIN = 18
_PLACES = np.array([-2 / 3, 0.0, 2 / 3], np.float32)
TRAIL = 20


class Plane(Canvas):
    """Shading is the product of both answers; the cross spans one standard deviation; the diamond is the truth."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Expanding)
        self.setToolTip(
            "Dot and cross: estimate and its spread. Small dots: where it was. Open square: what the voice expresses. "
            "Open circle: what the face expresses. Triangle: both together. Diamond: the truth, which only a "
            "simulation knows."
        )
        self._readout: Levels | None = None
        self._truth: tuple[float, float] | None = None
        self._trail: tuple[tuple[float, float], ...] = ()
        self._voice: Affect | None = None
        self._face: Affect | None = None
        self._pooled: Levels | None = None

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the preferred size: a square."""
        return QSize(190, 190)

    def show_view(self, view: View) -> None:
        """Set the newest estimate; repaint only on a change."""
        snapshot = view.snapshot
        estimate = None if snapshot is None else snapshot.estimate
        readout = _levels(estimate, "valence", "arousal")
        truth = None
        if snapshot is not None and snapshot.truth is not None:
            truth = (round(snapshot.truth[0], 2), round(snapshot.truth[1], 2))
        speech = None if estimate is None else estimate.answer("speech")
        voice = None if speech is None else affect_of(speech.classes, speech.probabilities or ())
        shown = None if estimate is None else estimate.answer(wording.FACE)
        face = None if shown is None else affect_of(shown.classes, shown.probabilities or ())
        pooled = _levels(estimate, "pooled_valence", "pooled_arousal")
        new = (readout, pooled, truth, voice, face)
        if new == (self._readout, self._pooled, self._truth, self._voice, self._face):
            return
        self._readout, self._pooled, self._truth, self._voice, self._face = new
        history = view.history
        path = np.stack([history.valence[-TRAIL:] @ _PLACES, history.arousal[-TRAIL:] @ _PLACES], axis=1)
        self._trail = tuple(map(tuple, path.tolist()))
        self.update()

    def draw(self, painter: QPainter) -> None:
        """Draw fields, trail, truth, estimate."""
        side = min(self.width() - _MARGIN, self.height() - _MARGIN)
        self._square = QRectF((self.width() + _MARGIN - side) / 2, (self.height() - _MARGIN - side) / 2, side, side)
        self._draw_fields(painter)
        self._draw_names(painter)
        for index, (x, y) in enumerate(self._trail):
            painter.setPen(Qt.NoPen)
            painter.setBrush(theme.colour(theme.TEXT, 0.45 * (index + 1) / len(self._trail)))
            painter.drawEllipse(self._at(x, y), 1.8, 1.8)
        if self._truth is not None:
            painter.setBrush(Qt.NoBrush)
            painter.setPen(QPen(theme.colour(theme.TRUTH), 1.6))
            point = self._at(*self._truth)
            painter.drawPolygon(*(point + QPointF(x, y) for x, y in ((0, -6), (6, 0), (0, 6), (-6, 0))))
        if self._pooled is not None:
            self._draw_ties(painter, self._pooled)
        if self._face is not None:
            self._draw_expressed(painter, self._face, round_mark=True)
        if self._voice is not None:
            self._draw_expressed(painter, self._voice, round_mark=False)
        if self._readout is not None:
            self._draw_estimate(painter, self._readout)
        if self._pooled is not None:
            self._draw_pooled(painter, self._pooled)

    def _at(self, valence: float, arousal: float) -> QPointF:
        square = self._square
        return QPointF(
            square.x() + (valence + 1) / 2 * square.width(), square.bottom() - (arousal + 1) / 2 * square.height()
        )

    def _draw_fields(self, painter: QPainter) -> None:
        cell = self._square.width() / 3
        painter.setPen(Qt.NoPen)
        for column in range(3):
            for row in range(3):
                field = QRectF(self._square.x() + column * cell, self._square.y() + (2 - row) * cell, cell, cell)
                painter.setBrush(theme.colour(theme.RAISED))
                painter.drawRoundedRect(field.adjusted(1, 1, -1, -1), 4, 4)
                if self._readout is not None:
                    share = self._readout[0][column] * self._readout[1][row]
                    painter.setBrush(theme.colour(theme.ACCENT, min(0.85 * share**0.7, 1.0)))
                    painter.drawRoundedRect(field.adjusted(1, 1, -1, -1), 4, 4)

    def _draw_names(self, painter: QPainter) -> None:
        painter.setFont(theme.font(10))
        painter.setPen(theme.colour(theme.SOFT))
        square = self._square
        below = QRectF(square.x(), square.bottom() + 1, square.width(), _MARGIN - 2)
        for flag, text in ((Qt.AlignLeft, "low"), (Qt.AlignHCenter, "valence"), (Qt.AlignRight, "high")):
            painter.drawText(below, flag | Qt.AlignVCenter, text)
        painter.save()
        painter.translate(square.x() - _MARGIN + 1, square.bottom())
        painter.rotate(-90)
        beside = QRectF(0, 0, square.height(), _MARGIN - 2)
        for flag, text in ((Qt.AlignLeft, "low"), (Qt.AlignHCenter, "arousal"), (Qt.AlignRight, "high")):
            painter.drawText(beside, flag | Qt.AlignVCenter, text)
        painter.restore()

    def _draw_estimate(self, painter: QPainter, readout: Levels) -> None:
        (x, dx), (y, dy) = _spread(readout[0]), _spread(readout[1])
        painter.setPen(QPen(theme.colour(theme.TEXT, 0.8), 1.4))
        painter.drawLine(self._at(max(x - dx, -1), y), self._at(min(x + dx, 1), y))
        painter.drawLine(self._at(x, max(y - dy, -1)), self._at(x, min(y + dy, 1)))
        painter.setPen(QPen(theme.colour(theme.BACKGROUND), 1.5))
        painter.setBrush(theme.colour(theme.TEXT))
        painter.drawEllipse(self._at(x, y), 5.5, 5.5)

    def _draw_ties(self, painter: QPainter, pooled: Levels) -> None:
        at = self._at(*_place(pooled))
        painter.setPen(QPen(theme.colour(theme.POOLED, 0.75), 1.2))
        if self._readout is not None:
            painter.drawLine(at, self._at(*_place(self._readout)))
        if self._voice is not None:
            painter.drawLine(at, self._at(self._voice.valence, self._voice.arousal))

    def _draw_pooled(self, painter: QPainter, pooled: Levels) -> None:
        at = self._at(*_place(pooled))
        painter.setPen(QPen(theme.colour(theme.BACKGROUND), 1.5))
        painter.setBrush(theme.colour(theme.POOLED))
        painter.drawPolygon(*(at + QPointF(x, y) for x, y in MARK))

    def _draw_expressed(self, painter: QPainter, one: Affect, round_mark: bool) -> None:
        painter.setPen(QPen(theme.colour(theme.ACCENT, 0.8), 1.2, Qt.DotLine))
        left, right = max(one.valence - one.valence_sd, -1), min(one.valence + one.valence_sd, 1)
        low, high = max(one.arousal - one.arousal_sd, -1), min(one.arousal + one.arousal_sd, 1)
        painter.drawLine(self._at(left, one.arousal), self._at(right, one.arousal))
        painter.drawLine(self._at(one.valence, low), self._at(one.valence, high))
        painter.setPen(QPen(theme.colour(theme.ACCENT), 1.6))
        painter.setBrush(theme.colour(theme.BACKGROUND))
        point = self._at(one.valence, one.arousal)
        mark = QRectF(point.x() - 4, point.y() - 4, 8, 8)
        (painter.drawEllipse if round_mark else painter.drawRect)(mark)


def _levels(estimate: Estimate | None, valence: str, arousal: str) -> Levels | None:
    heads = (None, None) if estimate is None else (estimate.answer(valence), estimate.answer(arousal))
    found = tuple(head.probabilities for head in heads if head is not None and head.probabilities is not None)
    return (found[0], found[1]) if len(found) == 2 else None


def _place(levels: Levels) -> tuple[float, float]:
    return _spread(levels[0])[0], _spread(levels[1])[0]


def _spread(probabilities: Sequence[float]) -> tuple[float, float]:
    """Return mean and standard deviation of three probabilities, with the levels at the centres of their thirds."""
    shares = np.asarray(probabilities)
    mean = float(shares @ _PLACES)
    return mean, max(float(shares @ (_PLACES - mean) ** 2), 0.0) ** 0.5

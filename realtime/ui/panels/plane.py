"""The valence-arousal plane: probabilities of its nine fields, the estimate and its spread.

The estimate is hollow while the model leaves every level of an axis open, and the line below says why. An open square
with dotted arms is what the voice expresses, an open circle with such arms what the face does. They are never mixed;
where the session pools them, a triangle stands for both together, beside them, with a line to each that has a part in
it. The legend names what is there.
"""

from collections.abc import Sequence

import numpy as np
from PyQt5.QtCore import QPointF, QRectF, QSize, Qt
from PyQt5.QtGui import QPainter, QPen
from PyQt5.QtWidgets import QSizePolicy

from ....models.contract import Estimate
from ....models.fusion.circumplex import Affect, affect_of
from ...ipc.snapshot import Snapshot
from ...screens import wording
from .. import strings, theme
from ..live.view import View
from ..painting import Canvas
from .pooled import MARK

Levels = tuple[Sequence[float], Sequence[float]]
_MARGIN = 16
_NAMED = 84  # a smaller plane has no room for the names of its axes
_LEGEND_ROW, _LEGEND_WIDTH = 15, 110
_PLACES = np.array([-2 / 3, 0.0, 2 / 3], np.float32)
TRAIL = 20


class Plane(Canvas):
    """Shading is the product of both answers; the cross spans one standard deviation; the diamond is the truth.

    Parameters
    ----------
    legend : bool
        Whether the marks are named, where there is room.
    """

    def __init__(self, *, legend: bool = True) -> None:
        super().__init__()
        self._with_legend = legend
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Expanding)
        self.open: str = ""
        self.legend: tuple[str, ...] = ()
        self._readout: Levels | None = None
        self._truth: tuple[float, float] | None = None
        self._trail: tuple[tuple[float, float], ...] = ()
        self._voice: Affect | None = None
        self._face: Affect | None = None
        self._pooled: Levels | None = None

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the preferred size: a square."""
        return QSize(theme.px(190), theme.px(190))

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
        new = (readout, pooled, truth, voice, face, _why_open(estimate), _legend(snapshot) if self._with_legend else ())
        if new == (self._readout, self._pooled, self._truth, self._voice, self._face, self.open, self.legend):
            return
        self._readout, self._pooled, self._truth, self._voice, self._face, self.open, self.legend = new
        self.setToolTip(strings.OPEN_BECAUSE.format(why=self.open) if self.open else "")
        history = view.history
        path = np.stack([history.valence[-TRAIL:] @ _PLACES, history.arousal[-TRAIL:] @ _PLACES], axis=1)
        self._trail = tuple(map(tuple, path.tolist()))
        self.update()

    def draw(self, painter: QPainter) -> None:
        """Draw fields, trail, truth, estimate."""
        margin, row = theme.px(_MARGIN), theme.px(_LEGEND_ROW)
        words = theme.px(_LEGEND_WIDTH) if self._with_legend else 0
        under = row * -(-max(len(self.legend), 1) // 2) if self._with_legend else 0
        room = self.width() - margin, self.height() - margin
        # The legend stands where it leaves more of the plane.
        beside = min(room[0] - words, room[1]) >= min(room[0], room[1] - under)
        below, right = (0, words) if beside else (under, 0)
        side = max(min(room[0] - right, room[1] - below), 1)
        left = margin + max(self.width() - margin - right - side, 0) / 2
        self._square = QRectF(left, (self.height() - margin - below - side) / 2, side, side)
        named = self._with_legend or side >= theme.px(_NAMED)
        if not named:
            side = min(self.width(), self.height()) - 2
            self._square = QRectF((self.width() - side) / 2, 1, side, side)
        self._draw_fields(painter)
        if named:
            self._draw_names(painter)
        if beside:
            self._draw_legend(painter, QRectF(self._square.right() + theme.px(8), 0, right, self.height()), 1)
        else:
            foot = self._square.bottom() + margin
            self._draw_legend(painter, QRectF(0, foot, self.width(), self.height() - foot), 2)
        dot = 1.8 * theme.scale()
        for index, (x, y) in enumerate(self._trail):
            painter.setPen(Qt.NoPen)
            painter.setBrush(theme.colour(theme.TEXT, 0.45 * (index + 1) / len(self._trail)))
            painter.drawEllipse(self._at(x, y), dot, dot)
        if self._truth is not None:
            _draw_mark(painter, "truth", self._at(*self._truth))
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
        square, line = self._square, theme.px(_MARGIN) - 2
        rooms = {strings.VALENCE: QRectF(square.x(), square.bottom() + 1, square.width(), line)}
        rooms[strings.AROUSAL] = QRectF(0, 0, square.height(), line)
        for name, room in rooms.items():
            painter.save()
            if name == strings.AROUSAL:
                painter.translate(square.x() - line - 1, square.bottom())
                painter.rotate(-90)
            for flag, text in ((Qt.AlignLeft, strings.LOW), (Qt.AlignHCenter, name), (Qt.AlignRight, strings.HIGH)):
                painter.drawText(room, flag | Qt.AlignVCenter, text)
            painter.restore()

    def _draw_legend(self, painter: QPainter, room: QRectF, columns: int) -> None:
        """Name each mark that the session may show; below the names, why the estimate is hollow now."""
        painter.setFont(theme.font(10))
        row, width = theme.px(_LEGEND_ROW), room.width() / columns
        rows = -(-len(self.legend) // columns)
        top = room.top() + (max(room.height() - rows * row, 0) / 2 if columns == 1 else 0)
        for place, name in enumerate(self.legend):
            at = QPointF(room.x() + place % columns * width, top + place // columns * row)
            _draw_mark(painter, name, at + QPointF(theme.px(7), row / 2), 0.75)
            painter.setPen(theme.colour(theme.SOFT))
            words = QRectF(at.x() + theme.px(16), at.y(), width - theme.px(16), row)
            painter.drawText(words, Qt.AlignVCenter | Qt.AlignLeft, strings.LEGEND[name])

    def _draw_estimate(self, painter: QPainter, readout: Levels) -> None:
        (x, dx), (y, dy) = _spread(readout[0]), _spread(readout[1])
        painter.setPen(QPen(theme.colour(theme.TEXT, 0.8), 1.4))
        painter.drawLine(self._at(max(x - dx, -1), y), self._at(min(x + dx, 1), y))
        painter.drawLine(self._at(x, max(y - dy, -1)), self._at(x, min(y + dy, 1)))
        _draw_mark(painter, "open" if self.open else "estimate", self._at(x, y))

    def _draw_ties(self, painter: QPainter, pooled: Levels) -> None:
        at = self._at(*_place(pooled))
        painter.setPen(QPen(theme.colour(theme.POOLED, 0.75), 1.2))
        if self._readout is not None:
            painter.drawLine(at, self._at(*_place(self._readout)))
        if self._voice is not None:
            painter.drawLine(at, self._at(self._voice.valence, self._voice.arousal))

    def _draw_pooled(self, painter: QPainter, pooled: Levels) -> None:
        _draw_mark(painter, "pooled", self._at(*_place(pooled)))

    def _draw_expressed(self, painter: QPainter, one: Affect, round_mark: bool) -> None:
        painter.setPen(QPen(theme.colour(theme.ACCENT, 0.8), 1.2, Qt.DotLine))
        left, right = max(one.valence - one.valence_sd, -1), min(one.valence + one.valence_sd, 1)
        low, high = max(one.arousal - one.arousal_sd, -1), min(one.arousal + one.arousal_sd, 1)
        painter.drawLine(self._at(left, one.arousal), self._at(right, one.arousal))
        painter.drawLine(self._at(one.valence, low), self._at(one.valence, high))
        _draw_mark(painter, "face" if round_mark else "voice", self._at(one.valence, one.arousal))


def _draw_mark(painter: QPainter, name: str, at: QPointF, factor: float = 1.0) -> None:
    """Draw a mark of the legend."""
    size = factor * theme.scale()
    edge = {"estimate": theme.BACKGROUND, "pooled": theme.BACKGROUND, "open": theme.TEXT, "truth": theme.TRUTH}
    fill = {"estimate": theme.TEXT, "pooled": theme.POOLED}
    painter.setPen(QPen(theme.colour(edge.get(name, theme.ACCENT)), 1.6 * theme.scale()))
    painter.setBrush(theme.colour(fill.get(name, theme.BACKGROUND)))
    if name == "truth":
        painter.setBrush(Qt.NoBrush)
        painter.drawPolygon(*(at + QPointF(size * x, size * y) for x, y in ((0, -6), (6, 0), (0, 6), (-6, 0))))
    elif name == "pooled":
        painter.drawPolygon(*(at + QPointF(size * x, size * y) for x, y in MARK))
    elif name == "voice":
        painter.drawRect(QRectF(at.x() - 4 * size, at.y() - 4 * size, 8 * size, 8 * size))
    else:
        radius = (4.0 if name == "face" else 5.5) * size
        painter.drawEllipse(at, radius, radius)


def _why_open(estimate: Estimate | None) -> str:
    """Return why valence or arousal is left open; empty where both exclude something."""
    heads = () if estimate is None else (estimate.answer("valence"), estimate.answer("arousal"))
    reasons = (wording.why_undecided(head) for head in heads if head is not None)
    return next((reason for reason in reasons if reason), "")


def _legend(snapshot: Snapshot | None) -> tuple[str, ...]:
    """Return the marks that a session may show."""
    if snapshot is None:
        return ()
    there = {
        "estimate": bool(snapshot.classes("valence")),
        "open": bool(snapshot.classes("valence")),
        "voice": bool(snapshot.classes("speech")),
        "face": bool(snapshot.classes(wording.FACE)),
        "pooled": bool(snapshot.classes("pooled_valence")),
        "truth": snapshot.truth is not None,
    }
    return tuple(name for name, known in there.items() if known)


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

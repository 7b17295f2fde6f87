"""Self-assessment manikins, drawn by us: how pleasant, how excited, how much in control."""

import math

from PyQt5.QtCore import QPointF, QRectF, Qt
from PyQt5.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF

STEPS = 5
DRAWN = ("valence", "arousal", "dominance")
_BODY, _LINE = "#d8dde3", "#23272d"


def draw_manikin(painter: QPainter, box: QRectF, scale: str, step: int) -> None:
    """Draw a manikin into a box.

    Parameters
    ----------
    painter : QPainter
    box : QRectF
    scale : "valence", "arousal" or "dominance"
    step : int
        From 0, the lowest, to 4, the highest.
    """
    share = step / (STEPS - 1)
    size = min(box.width() / 0.86, box.height()) * (0.42 + 0.58 * share if scale == "dominance" else 1.0)
    painter.save()
    painter.translate(box.center().x(), box.center().y())
    painter.scale(size, size)
    painter.setPen(QPen(QColor(_LINE), 0.022, Qt.SolidLine, Qt.RoundCap, Qt.RoundJoin))
    painter.setBrush(QColor(_BODY))
    painter.drawPath(_body())
    painter.drawEllipse(QRectF(-0.17, -0.49, 0.34, 0.34))
    _draw_face(painter, 2.0 * share - 1.0 if scale == "valence" else 0.0, share if scale == "arousal" else 0.6)
    if scale == "arousal":
        _draw_burst(painter, share)
    painter.restore()


def _body() -> QPainterPath:
    """Return trunk, arms and legs."""
    path = QPainterPath()
    points = (
        (-0.15, -0.13), (-0.40, 0.10), (-0.34, 0.17), (-0.18, 0.04), (-0.19, 0.24), (-0.21, 0.48), (-0.06, 0.48),
        (0.0, 0.27), (0.06, 0.48), (0.21, 0.48), (0.19, 0.24), (0.18, 0.04), (0.34, 0.17), (0.40, 0.10), (0.15, -0.13),
    )  # fmt: skip
    path.addPolygon(QPolygonF([QPointF(*one) for one in points]))
    path.closeSubpath()
    return path


def _draw_face(painter: QPainter, smile: float, awake: float) -> None:
    """Draw eyes that are open as far as somebody is awake (0..1), and a mouth from -1, bent down, to 1, bent up."""
    painter.setBrush(QColor(_LINE))
    height = 0.012 + 0.05 * awake
    for x in (-0.065, 0.065):
        painter.drawEllipse(QRectF(x - 0.016, -0.36 - height / 2, 0.032, height))
    mouth = QPainterPath(QPointF(-0.08, -0.235 - 0.03 * smile))
    mouth.quadTo(QPointF(0.0, -0.235 + 0.085 * smile), QPointF(0.08, -0.235 - 0.03 * smile))
    painter.setBrush(Qt.NoBrush)
    painter.drawPath(mouth)


def _draw_burst(painter: QPainter, share: float) -> None:
    """Draw a burst in the chest, from a dot to one that fills it."""
    outer, points = 0.025 + 0.135 * share, 11
    star = [
        QPointF(
            radius * math.cos(math.pi * number / points - math.pi / 2),
            0.07 + radius * math.sin(math.pi * number / points - math.pi / 2),
        )
        for number in range(2 * points)
        for radius in (outer if number % 2 == 0 else outer * (0.9 - 0.45 * share),)
    ]
    painter.setPen(QPen(QColor(_LINE), 0.014, Qt.SolidLine, Qt.RoundCap, Qt.RoundJoin))
    painter.setBrush(QColor("#c9563c"))
    painter.drawPolygon(QPolygonF(star))

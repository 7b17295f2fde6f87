"""Plots on a picture: a sheet with its title, axes in data units, and the marks on them."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from PyQt5.QtCore import QPointF, QRectF, Qt
from PyQt5.QtGui import QGuiApplication, QImage, QPainter, QPen, QPolygonF

from ....configs.schema.errors import MoodringError
from .. import theme
from ..display import leave_opencv_qt

SMALL, PLAIN, LARGE = 12, 13, 19
_SMALLEST = 0  # Qt's word for the strongest compression of a PNG


class Axes:
    """A rectangle with ranges of data.

    Parameters
    ----------
    painter : QPainter
    room : QRectF
    x, y : (low, high)
        What the left and right, and the bottom and top edge stand for.
    """

    def __init__(self, painter: QPainter, room: QRectF, x: tuple[float, float], y: tuple[float, float]) -> None:
        self.painter, self.room, self._x, self._y = painter, room, x, y

    def at(self, x: float, y: float) -> QPointF:
        """Return where a point of the data lies; what is outside lies on the edge."""
        share = (x - self._x[0]) / (self._x[1] - self._x[0])
        height = min(max((y - self._y[0]) / (self._y[1] - self._y[0]), 0.0), 1.0)
        return QPointF(self.room.left() + share * self.room.width(), self.room.bottom() - height * self.room.height())

    def frame(self, title: str, note: str = "") -> None:
        """Draw the background, the title above and what is to be known beside it."""
        self.painter.fillRect(self.room, theme.colour(theme.PANEL))
        above = QRectF(self.room.left(), self.room.top() - 24, self.room.width(), 20)
        text(self.painter, above, title, PLAIN, theme.TEXT, Qt.AlignLeft, bold=True)
        if note:
            text(self.painter, above, note, SMALL, theme.SOFT, Qt.AlignRight)

    def levels(self, values: Sequence[tuple[float, str]]) -> None:
        """Draw faint lines across, with their names on the left."""
        for value, name in values:
            left = self.at(self._x[0], value)
            self._pen(theme.LINE, 1.0)
            self.painter.drawLine(left, self.at(self._x[1], value))
            text(
                self.painter, QRectF(self.room.left() - 78, left.y() - 9, 70, 18), name, SMALL, theme.SOFT,
                Qt.AlignRight,
            )  # fmt: skip

    def below(self, values: Sequence[tuple[float, str]]) -> None:
        """Draw ticks and their names below."""
        for value, name in values:
            foot = self.at(value, self._y[0])
            self._pen(theme.LINE, 1.0)
            self.painter.drawLine(foot, foot + QPointF(0, 5))
            text(
                self.painter, QRectF(foot.x() - 40, foot.y() + 6, 80, 18), name, SMALL, theme.SOFT, Qt.AlignHCenter
            )  # fmt: skip

    def upright(self, values: ArrayLike, tint: str, width: float = 1.0, dashed: bool = False) -> None:
        """Draw lines from bottom to top."""
        self._pen(tint, width, dashed)
        for value in np.asarray(values, np.float64):
            self.painter.drawLine(self.at(value, self._y[0]), self.at(value, self._y[1]))

    def across(self, value: float, tint: str, width: float = 1.2, dashed: bool = True) -> None:
        """Draw a line from left to right."""
        self._pen(tint, width, dashed)
        self.painter.drawLine(self.at(self._x[0], value), self.at(self._x[1], value))

    def line(self, x: ArrayLike, y: ArrayLike, tint: str, width: float = 1.6) -> None:
        """Draw a curve."""
        self._pen(tint, width)
        self.painter.setBrush(Qt.NoBrush)
        self.painter.drawPolyline(QPolygonF(self._points(x, y)))

    def area(self, x: ArrayLike, low: ArrayLike, high: ArrayLike, tint: str, alpha: float) -> None:
        """Fill between two curves."""
        there, back = self._points(x, high), self._points(x, low)
        self.painter.setPen(Qt.NoPen)
        self.painter.setBrush(theme.colour(tint, alpha))
        self.painter.drawPolygon(QPolygonF([*there, *reversed(back)]))

    def dots(self, x: ArrayLike, y: ArrayLike, tint: str, size: float = 3.5, filled: bool = True) -> None:
        """Draw round marks, filled or hollow."""
        self._pen(tint, 1.4)
        self.painter.setBrush(theme.colour(tint if filled else theme.PANEL))
        for point in self._points(x, y):
            self.painter.drawEllipse(point, size, size)

    def intervals(self, x: ArrayLike, low: ArrayLike, high: ArrayLike, tint: str) -> None:
        """Draw upright bars."""
        self._pen(tint, 1.8)
        for one, other in zip(self._points(x, low), self._points(x, high), strict=True):
            self.painter.drawLine(one, other)

    def _points(self, x: ArrayLike, y: ArrayLike) -> list[QPointF]:
        pairs = zip(np.asarray(x, np.float64), np.asarray(y, np.float64), strict=True)
        return [self.at(float(one), float(other)) for one, other in pairs]

    def _pen(self, tint: str, width: float, dashed: bool = False) -> None:
        pen = QPen(theme.colour(tint), width, Qt.DashLine if dashed else Qt.SolidLine)
        pen.setJoinStyle(Qt.RoundJoin)
        self.painter.setPen(pen)


def text(painter: QPainter, room: QRectF, words: str, pixels: int, tint: str, side: int, *, bold: bool = False) -> None:
    """Write words on one line in the middle of a room's height."""
    painter.setFont(theme.font(pixels, bold=bold))
    painter.setPen(theme.colour(tint))
    painter.drawText(room, side | Qt.AlignVCenter | Qt.TextDontClip, words)


def key(painter: QPainter, left: float, top: float, entries: Sequence[tuple[str, str]]) -> None:
    """Write names, each after a bar of its colour."""
    metrics = painter.fontMetrics()
    for tint, name in entries:
        painter.fillRect(QRectF(left, top + 7, 14, 4), theme.colour(tint))
        painter.setFont(theme.font(SMALL))
        metrics = painter.fontMetrics()
        text(painter, QRectF(left + 20, top, 10, 18), name, SMALL, theme.SOFT, Qt.AlignLeft)
        left += 20 + metrics.horizontalAdvance(name) + 18


def save_sheet(path: Path, size: tuple[int, int], title: str, subtitle: str, draw: Callable[[QPainter], None]) -> None:
    """Paint a picture and write it.

    Parameters
    ----------
    path : Path
    size : (width, height)
        In pixels.
    title, subtitle : str
    draw : callable
        Paints what is below the title.

    Raises
    ------
    MoodringError
        The picture cannot be written.
    """
    leave_opencv_qt()
    # Kept until the picture is written: fonts belong to it. Nothing is shown, so that no display is needed.
    application = QGuiApplication.instance() or QGuiApplication(["moodring", "-platform", "offscreen"])
    image = QImage(*size, QImage.Format_RGB32)
    image.fill(theme.colour(theme.BACKGROUND))
    painter = QPainter(image)
    painter.setRenderHint(QPainter.Antialiasing)
    painter.setRenderHint(QPainter.TextAntialiasing)
    try:
        text(painter, QRectF(28, 18, size[0] - 56, 26), title, LARGE, theme.TEXT, Qt.AlignLeft, bold=True)
        text(painter, QRectF(28, 46, size[0] - 56, 20), subtitle, PLAIN, theme.SOFT, Qt.AlignLeft)
        draw(painter)
    finally:
        painter.end()
    image.setText("Software", "moodring")  # so that the next one may take its place, and nothing else is replaced
    if not image.save(str(path), "PNG", _SMALLEST):
        raise MoodringError(f"picture '{path}' cannot be written; give --out a folder that can be written to")
    del application

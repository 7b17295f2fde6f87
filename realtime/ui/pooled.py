"""What face, EEG and voice come to together on one dimension, and whose weight it was."""

from typing import Literal

from PyQt5.QtCore import QPointF, QRectF, QSize, Qt
from PyQt5.QtGui import QPainter
from PyQt5.QtWidgets import QSizePolicy

from ...models.contract import LEVELS, Estimate, FloatArray
from .. import wording
from . import theme
from .canvas import Canvas
from .view import View

HEIGHT = 34
_NAME, _GAP, _BAR = 172, 14, 10


class PooledRow(Canvas):
    """A line under a chart: the answer, its levels in one bar, and a second bar of whose weight it was.

    Takes no room while nothing is pooled.

    Parameters
    ----------
    which : 0 for valence, 1 for arousal
    """

    def __init__(self, which: Literal[0, 1]) -> None:
        super().__init__()
        self._which = which
        self.answer = ""
        self.weight = ""
        self._levels: tuple[float, ...] = ()
        self._share = 0.0
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Fixed)
        self.hide()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Ask for one line."""
        return QSize(300, HEIGHT)

    def show_view(self, view: View) -> None:
        """Take the newest estimate."""
        estimate = None if view.snapshot is None else view.snapshot.estimate
        self.setVisible(estimate is not None and estimate.pooled is not None)
        if estimate is not None and estimate.pooled is not None:
            self._take(estimate, *self._of(estimate))

    def _of(self, estimate: Estimate) -> tuple[FloatArray, tuple[int, ...], float]:
        pooled = estimate.pooled
        if pooled is None:
            raise ValueError("nothing is pooled")
        return (
            (pooled.valence, pooled.valence_set, pooled.voice_share_valence),
            (pooled.arousal, pooled.arousal_set, pooled.voice_share_arousal),
        )[self._which]

    def _take(self, estimate: Estimate, levels: FloatArray, members: tuple[int, ...], share: float) -> None:
        told = (
            wording.answer(members),
            wording.whose_weight(estimate, share),
            tuple(round(x, 3) for x in levels.tolist()),
        )
        if told != (self.answer, self.weight, self._levels):
            self.answer, self.weight, self._levels = told
            self._share = share
            self.update()

    def draw(self, painter: QPainter) -> None:
        """Draw answer, levels, weight."""
        middle = self.height() / 2
        name = QRectF(16, 0, _NAME - 16, self.height())
        painter.setPen(Qt.NoPen)
        painter.setBrush(theme.colour(theme.POOLED))
        painter.drawPolygon(*(QPointF(6 + x, middle + y) for x, y in ((0, -6), (6, 4.5), (-6, 4.5))))
        painter.setFont(theme.font(12, bold=True))
        painter.setPen(theme.colour(theme.TEXT))
        painter.drawText(name, Qt.AlignVCenter | Qt.AlignLeft, f"pooled: {self.answer}")
        room = self.width() - _NAME - _GAP
        self._draw_parts(
            painter, QRectF(_NAME, middle - 13, room * 0.46, 26), self._levels, theme.LEVEL_COLOURS, LEVELS
        )
        right = QRectF(_NAME + room * 0.46 + _GAP, middle - 13, room * 0.54, 26)
        self._draw_parts(painter, right, (1 - self._share, self._share), (theme.TEXT, theme.ACCENT), None)

    def _draw_parts(
        self,
        painter: QPainter,
        room: QRectF,
        parts: tuple[float, ...],
        colours: tuple[str, ...],
        names: tuple[str, ...] | None,
    ) -> None:
        """Draw shares side by side in one bar, with their words above."""
        painter.setFont(theme.font(10))
        painter.setPen(theme.colour(theme.SOFT))
        words = (
            self.weight
            if names is None
            else ", ".join(f"{name} {part:.0%}" for name, part in zip(names, parts, strict=True))
        )
        painter.drawText(QRectF(room.x(), room.y(), room.width(), 14), Qt.AlignVCenter | Qt.AlignLeft, words)
        painter.setPen(Qt.NoPen)
        left, width = room.x(), room.width()
        for part, colour in zip(parts, colours, strict=True):
            painter.setBrush(theme.colour(colour))
            painter.drawRect(QRectF(left, room.y() + 16, max(part * width - 1, 0.0), _BAR - 2))
            left += part * width

"""The pooled panel: one dimension of the pooled estimate, and the weights."""

from collections.abc import Sequence
from typing import Literal

from PyQt5.QtCore import QPointF, QRectF, QSize, Qt
from PyQt5.QtGui import QPainter
from PyQt5.QtWidgets import QSizePolicy

from ....models.contract import LEVELS
from ...screens import wording
from .. import theme
from ..painting import Canvas
from ..view import View

MARK = ((0.0, -8.0), (7.5, 5.5), (-7.5, 5.5))
"""The triangle that stands for what is pooled, here and on the plane."""

_HEIGHT, _ANSWER, _GAP, _MARGIN = 36, 140, 18, 14


class PooledRow(Canvas):
    """A line under a chart: the answer, a bar of its levels, and a bar of the weights.

    Takes no room before anything is pooled, and then stays, so that nothing moves.

    Parameters
    ----------
    which : 0 for valence, 1 for arousal
    """

    def __init__(self, which: Literal[0, 1]) -> None:
        super().__init__()
        self._which = which
        self.answer = self.weight = ""
        self._levels: tuple[float, ...] = ()
        self._shares: tuple[float, ...] = ()
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Fixed)
        self.hide()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the preferred size: one line."""
        return QSize(300, _HEIGHT)

    def show_view(self, view: View) -> None:
        """Set the newest estimate; repaint only on a change."""
        estimate = None if view.snapshot is None else view.snapshot.estimate
        answers = wording.pooled_answers(estimate)
        if answers and self.isHidden():
            self.show()
        before = (self.answer, self.weight, self._levels, self._shares)
        if estimate is None or not answers:
            self.answer, self.weight, self._levels, self._shares = "–", "", (), ()
        else:
            _, head = answers[self._which]
            voice = head.shares["voice"]
            self.answer = wording.answer(head.kept)
            self.weight = wording.whose_weight(estimate, voice)
            self._levels = tuple(round(level, 3) for level in head.probabilities or ())
            self._shares = (round(1 - voice, 2), round(voice, 2))
        if before != (self.answer, self.weight, self._levels, self._shares):
            self.update()

    def draw(self, painter: QPainter) -> None:
        """Draw mark, answer, levels, weight."""
        middle = self.height() / 2
        painter.setPen(Qt.NoPen)
        painter.setBrush(theme.colour(theme.POOLED))
        painter.drawPolygon(*(QPointF(8 + 0.8 * x, middle + 0.8 * y + 1) for x, y in MARK))
        for top, text, tint, face in (
            (-15, "pooled", theme.SOFT, theme.font(11)),
            (1, self.answer, theme.TEXT, theme.font(12, bold=True)),
        ):
            painter.setFont(face)
            painter.setPen(theme.colour(tint))
            painter.drawText(QRectF(22, middle + top, _ANSWER - 22, 15), Qt.AlignVCenter | Qt.AlignLeft, text)
        width = (self.width() - _MARGIN - _ANSWER - _GAP) / 2
        full = ", ".join(f"{name} {share:.0%}" for name, share in zip(LEVELS, self._levels, strict=False))
        short = " / ".join(f"{share:.0%}" for share in self._levels)
        left = QRectF(_ANSWER, middle - 15, width, 29)
        _draw_bar(painter, left, (full, short), self._levels, theme.LEVEL_COLOURS)
        right = left.translated(width + _GAP, 0)
        _draw_bar(
            painter, right, (self.weight, self.weight.rpartition(", ")[2]), self._shares, (theme.TEXT, theme.ACCENT)
        )


def _draw_bar(
    painter: QPainter, room: QRectF, words: Sequence[str], shares: Sequence[float], colours: Sequence[str]
) -> None:
    """Draw shares side by side in one bar, and above it the first text that fits."""
    painter.setFont(theme.font(11))
    painter.setPen(theme.colour(theme.SOFT))
    fitting = next((text for text in words if painter.fontMetrics().width(text) <= room.width()), "")
    painter.drawText(QRectF(room.x(), room.y(), room.width(), 15), Qt.AlignVCenter | Qt.AlignLeft, fitting)
    painter.setPen(Qt.NoPen)
    left = room.x()
    for share, tint in zip(shares, colours, strict=False):
        painter.setBrush(theme.colour(tint))
        painter.drawRect(QRectF(left, room.bottom() - 10, max(share * room.width() - 1.5, 0.0), 7))
        left += share * room.width()

"""The pooled panel: one dimension of the pooled estimate, and the weights."""

from collections.abc import Sequence
from typing import Literal

from PyQt5.QtCore import QPointF, QRectF, QSize, Qt
from PyQt5.QtGui import QPainter
from PyQt5.QtWidgets import QSizePolicy

from ....models.contract import LEVELS
from ...screens import wording
from .. import strings, theme
from ..live.view import View
from ..painting import Canvas

MARK = ((0.0, -8.0), (7.5, 5.5), (-7.5, 5.5))
"""The triangle that stands for what is pooled, here and on the plane."""

_HEIGHT, _ANSWER, _GAP, _MARGIN = 32, 128, 14, 12


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
        self.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Fixed)
        self.hide()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the preferred size: one line."""
        return QSize(theme.px(240), theme.px(_HEIGHT))

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
        middle, line, answer = self.height() / 2, theme.px(15), theme.px(_ANSWER)
        painter.setPen(Qt.NoPen)
        painter.setBrush(theme.colour(theme.POOLED))
        factor = 0.8 * theme.scale()
        painter.drawPolygon(*(QPointF(theme.px(8) + factor * x, middle + factor * y + 1) for x, y in MARK))
        for top, text, tint, face in (
            (-line, strings.POOLED, theme.SOFT, theme.font(11)),
            (1, self.answer, theme.TEXT, theme.font(12, bold=True)),
        ):
            painter.setFont(face)
            painter.setPen(theme.colour(tint))
            room = QRectF(theme.px(22), middle + top, answer - theme.px(22), line)
            painter.drawText(room, Qt.AlignVCenter | Qt.AlignLeft, text)
        gap = theme.px(_GAP)
        width = (self.width() - theme.px(_MARGIN) - answer - gap) / 2
        full = ", ".join(f"{name} {share:.0%}" for name, share in zip(LEVELS, self._levels, strict=False))
        short = " / ".join(f"{share:.0%}" for share in self._levels)
        left = QRectF(answer, middle - line, width, 2 * line)
        _draw_bar(painter, left, (full, short), self._levels, theme.LEVEL_COLOURS)
        right = left.translated(width + gap, 0)
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
    painter.drawText(QRectF(room.x(), room.y(), room.width(), room.height() / 2), Qt.AlignVCenter, fitting)
    painter.setPen(Qt.NoPen)
    left, height = room.x(), theme.px(7)
    for share, tint in zip(shares, colours, strict=False):
        painter.setBrush(theme.colour(tint))
        painter.drawRect(QRectF(left, room.bottom() - 1.4 * height, max(share * room.width() - 1.5, 0.0), height))
        left += share * room.width()

"""The strip under a chart: what would be said without EEG, without the face, and without the last look."""

from collections.abc import Callable
from typing import Literal

from PyQt5.QtCore import QRectF, QSize, Qt
from PyQt5.QtGui import QPainter
from PyQt5.QtWidgets import QSizePolicy

from ....models.contract import Withheld
from ...screens import evidence
from .. import strings, theme
from ..live.view import View
from ..painting import Canvas

_HEIGHT, _GAP, _MARGIN, _BAR = 28, 14, 12, 6


class AblationStrip(Canvas):
    """A cell for each part withheld: the most probable level then, and a bar of the levels.

    Takes no room before there is one, and then stays, so that nothing moves.

    Parameters
    ----------
    axis : "valence" or "arousal"
    """

    def __init__(self, axis: Literal["valence", "arousal"]) -> None:
        super().__init__()
        self._axis: Literal["valence", "arousal"] = axis
        self._rows: dict[Withheld, tuple[float, ...]] = {}
        self.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Fixed)
        self.hide()

    @property
    def texts(self) -> tuple[str, ...]:
        """What the cells say, from left to right."""
        return tuple(
            f"{words} {evidence.best_level(self._rows[name]) if name in self._rows else strings.NOTHING}"
            for name, words in evidence.WITHOUT.items()
        )

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the preferred size: one line of words above one of bars."""
        return QSize(theme.px(240), theme.px(_HEIGHT))

    def show_view(self, view: View) -> None:
        """Set the newest estimate; repaint only on a change."""
        found = evidence.withheld(None if view.snapshot is None else view.snapshot.estimate, self._axis)
        rows = {name: tuple(round(level, 3) for level in row) for name, row in found.items()}
        if rows and self.isHidden():
            self.show()
        if rows != self._rows:
            self._rows = rows
            self.update()

    def draw(self, painter: QPainter) -> None:
        """Draw the cells."""
        gap = theme.px(_GAP)
        width = (self.width() - theme.px(_MARGIN) - gap * (len(evidence.WITHOUT) - 1)) / len(evidence.WITHOUT)
        painter.setFont(theme.font(11))
        words = self.words(painter.fontMetrics().width, width)
        for place, (name, pair) in enumerate(zip(evidence.WITHOUT, words, strict=True)):
            room = QRectF(place * (width + gap), 2, width, self.height() - 4)
            self._draw_cell(painter, room, pair, self._rows.get(name, ()))

    def words(self, width_of: Callable[[str], int], room: float) -> list[tuple[str, str]]:
        """Return name and answer of each cell, all as long as the narrowest has room for: "no EEG", "medium 40%"."""
        rows = [self._rows.get(name, ()) for name in evidence.WITHOUT]
        said = [evidence.best_level(row) if row else strings.NOTHING for row in rows]
        short = [f"{strings.NO} {words.split()[-1]}" for words in evidence.WITHOUT.values()]
        ways = (
            list(zip(evidence.WITHOUT.values(), said, strict=True)),
            list(zip(short, said, strict=True)),
            [(name, answer.rpartition(" ")[2]) for name, answer in zip(short, said, strict=True)],
        )
        return next((way for way in ways if all(width_of(" ".join(one)) < room for one in way)), ways[-1])

    def _draw_cell(self, painter: QPainter, room: QRectF, words: tuple[str, str], levels: tuple[float, ...]) -> None:
        line = QRectF(room.x(), room.y(), room.width(), theme.px(16))
        painter.setPen(theme.colour(theme.SOFT))
        name, answer = words
        painter.drawText(line, Qt.AlignVCenter | Qt.AlignLeft, name)
        painter.setPen(theme.colour(theme.TEXT if levels else theme.FAINT))
        painter.drawText(line, Qt.AlignVCenter | Qt.AlignRight, answer)
        painter.setPen(Qt.NoPen)
        painter.setBrush(theme.colour(theme.RAISED))
        height = theme.px(_BAR)
        bar = QRectF(room.x(), room.bottom() - height, room.width(), height)
        painter.drawRect(bar)
        left = bar.x()
        for share, tint in zip(levels, theme.LEVEL_COLOURS, strict=False):
            painter.setBrush(theme.colour(tint))
            painter.drawRect(QRectF(left, bar.y(), max(share * bar.width() - 1.0, 0.0), height))
            left += share * bar.width()

"""Named bars of probabilities; classes in the conformal set have a dot and bold type."""

from collections.abc import Sequence

from PyQt5.QtCore import QRectF, QSize, Qt
from PyQt5.QtGui import QPainter
from PyQt5.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from .. import theme
from ..painting import Canvas

_ROW = 18
_PERCENT_WIDTH = 38


class Bars(Canvas):
    """One horizontal bar per class.

    Parameters
    ----------
    names, colours : sequences of str
        From top to bottom.
    name_width : int
        Room for the names, in pixels at scale 1.
    """

    def __init__(self, names: Sequence[str], colours: Sequence[str], name_width: int) -> None:
        super().__init__()
        self._names, self._colours, self._name_width = tuple(names), tuple(colours), theme.px(name_width)
        self._values: tuple[float, ...] | None = None
        self._members: frozenset[int] = frozenset()
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Fixed)

    @property
    def values(self) -> tuple[float, ...] | None:
        """Probabilities shown; None while the bars are empty."""
        return self._values

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the preferred size: one row per class."""
        return QSize(self._name_width + theme.px(110), theme.px(_ROW) * len(self._names))

    def show_names(self, names: Sequence[str]) -> None:
        """Set the classes."""
        if tuple(names) != self._names:
            self._names = tuple(names)
            self._colours = (self._colours or (theme.ACCENT,))[:1] * len(self._names)
            self._values = None
            self.updateGeometry()
            self.update()

    def show_values(self, values: Sequence[float] | None, members: Sequence[int] = ()) -> None:
        """Set the probabilities (0..1), None for none; ``members`` is the conformal set."""
        rounded = None if values is None else tuple(round(float(value), 3) for value in values)
        if (rounded, frozenset(members)) != (self._values, self._members):
            self._values, self._members = rounded, frozenset(members)
            self.update()

    def draw(self, painter: QPainter) -> None:
        """Draw the rows."""
        for row in range(len(self._names)):
            self._draw_row(painter, row)

    def _draw_row(self, painter: QPainter, row: int) -> None:
        member = row in self._members
        height, percent = theme.px(_ROW), theme.px(_PERCENT_WIDTH)
        top = row * height
        painter.setFont(theme.font(12, bold=member))
        painter.setPen(theme.colour(theme.TEXT if member else theme.SOFT))
        name = QRectF(0, top, self._name_width, height)
        painter.drawText(name, Qt.AlignVCenter | Qt.AlignLeft, self._names[row])
        track = QRectF(self._name_width, top + 0.25 * height, self.width() - self._name_width - percent, 0.5 * height)
        painter.setPen(Qt.NoPen)
        painter.setBrush(theme.colour(theme.RAISED))
        painter.drawRoundedRect(track, 3, 3)
        if self._values is None:
            return
        value = min(max(self._values[row], 0.0), 1.0)
        painter.setBrush(theme.colour(self._colours[row]))
        painter.drawRoundedRect(QRectF(track.x(), track.y(), max(track.width() * value, 2.0), track.height()), 3, 3)
        painter.setPen(theme.colour(theme.TEXT if member else theme.SOFT))
        painter.drawText(QRectF(track.right(), top, percent, height), Qt.AlignVCenter | Qt.AlignRight, f"{value:.0%}")


def beside(panel: QWidget, left: QVBoxLayout, bars: Bars) -> QWidget:
    """Lay out a panel: an answer's words on the left, its bars in the middle of the right, which is returned."""
    right = QWidget()
    column = QVBoxLayout(right)
    column.setContentsMargins(0, 0, 0, 0)
    column.addStretch()
    column.addWidget(bars)
    column.addStretch()
    row = QHBoxLayout(panel)
    row.setContentsMargins(theme.px(10), theme.px(6), theme.px(10), theme.px(6))
    row.setSpacing(theme.px(12))
    row.addLayout(left, 4)
    row.addWidget(right, 5)
    return right

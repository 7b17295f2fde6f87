"""Valence or arousal: probabilities of the last minute and a half, and the answer now, in words."""

from typing import Any, Literal

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PyQt5.QtCore import Qt
from PyQt5.QtGui import QBrush, QColor, QPainter
from PyQt5.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QStyleOptionGraphicsItem,
    QVBoxLayout,
    QWidget,
)

from ....models.contract import LEVELS, TimeArray
from ...screens import wording
from ...screens.history import History
from .. import strings, theme
from ..live.view import View
from .ablations import AblationStrip
from .bars import Bars
from .pooled import PooledRow

SPAN_S = 90.0
GAP_S = 2.0
ANSWER_WIDTH = 186
_ANSWER_PIXELS = 21
AXES: tuple[Literal["valence"], Literal["arousal"]] = ("valence", "arousal")


class LevelChart(pg.PlotWidget):  # type: ignore[misc]
    """Stacked areas low, medium, high over time; hatched where undecided; a white line for the truth."""

    def __init__(self) -> None:
        super().__init__(background=theme.colour(theme.PANEL))
        self.setMouseEnabled(False, False)
        self.setMenuEnabled(False)
        self.hideButtons()
        self.getPlotItem().hideAxis("left")
        axis = self.getAxis("bottom")
        axis.setTicks(
            [[(x, strings.SECONDS.format(seconds=x) if x else strings.NOW) for x in range(15 - int(SPAN_S), 1, 15)]]
        )
        axis.setPen(theme.colour(theme.LINE))
        axis.setTextPen(theme.colour(theme.FAINT))
        axis.setStyle(tickLength=0, tickFont=theme.font(10))
        axis.setStyle(hideOverlappingLabels=False)
        axis.setHeight(theme.px(16))
        self.getPlotItem().setContentsMargins(0, 0, theme.px(14), 0)
        self.setXRange(-SPAN_S, 0, padding=0)
        self.setYRange(0, 1, padding=0)
        # The highest level lies at the back over the full height; each lower one covers what is below it.
        # Areas are not smoothed: pyqtgraph draws them in pieces, whose smoothed edges would show. Their borders are.
        self._areas = [self._added(brush=theme.colour(theme.LEVEL_COLOURS[level]), fillLevel=0) for level in (2, 1, 0)]
        self.undecided = Hatching(theme.colour(theme.BACKGROUND, 0.8))
        self.addItem(self.undecided)
        edge = pg.mkPen(theme.colour(theme.PANEL), width=1.5 * theme.scale())
        self._borders = [self._added(pen=edge, antialias=True) for _ in range(2)]
        self._halo = self._added(
            pen=pg.mkPen(theme.colour(theme.BACKGROUND, 0.7), width=4 * theme.scale()), antialias=True, connect="finite"
        )
        truth = pg.mkPen(theme.colour(theme.TRUTH), width=1.6 * theme.scale())
        self.truth = self._added(pen=truth, antialias=True, connect="finite")
        self._shown: History | None = None

    def _added(self, pen: object = None, **options: object) -> pg.PlotCurveItem:
        item = pg.PlotCurveItem(pen=pen, **options)
        self.addItem(item)
        return item

    def show_history(self, history: History, which: Literal[0, 1]) -> None:
        """Draw what is new since the last call."""
        if history is self._shown:
            return
        self._shown = history
        shares = (history.valence, history.arousal)[which]
        stamps = history.times_s if len(history.times_s) else history.truth_times_s
        if not len(stamps):
            return
        now = stamps[-1]
        columns = np.column_stack(
            [np.ones(len(shares)), shares[:, 0] + shares[:, 1], shares[:, 0], history.undecided[:, which]]
        )
        times, columns = with_gaps(history.times_s - now, columns, 0.0)
        for item, column in zip((*self._areas, self.undecided), columns.T, strict=True):
            item.setData(times, column)
        for item, column in zip(self._borders, columns.T[1:3], strict=True):
            item.setData(times, column)
        times, columns = with_gaps(history.truth_times_s - now, (history.truth[:, which : which + 1] + 1) / 2, np.nan)
        for item in (self._halo, self.truth):
            item.setData(times, columns[:, 0])


class Hatching(pg.PlotCurveItem):  # type: ignore[misc]
    """A hatched area under steps, whose lines are of the screen: a pattern in data units would be seconds wide."""

    def __init__(self, colour: QColor) -> None:
        super().__init__(pen=None, brush=QBrush(colour, Qt.BDiagPattern), fillLevel=0, stepMode="left")

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Draw it."""
        to_data, known = painter.worldTransform().inverted()
        if known:
            self.opts["brush"].setTransform(to_data)
        super().paint(painter, option, widget)


def with_gaps(times: TimeArray, columns: NDArray[Any], filler: float) -> tuple[TimeArray, NDArray[Any]]:
    """Insert two points of ``filler`` into every gap, so that no line is drawn across it."""
    after = np.flatnonzero(np.diff(times) > GAP_S) + 1
    edges = np.column_stack([times[after - 1] + 0.01, times[after] - 0.01]).ravel()
    places = np.repeat(after, 2)
    return np.insert(times, places, edges), np.insert(columns, places, filler, axis=0)


class LevelPanel(QFrame):
    """One dimension of the felt emotion.

    Parameters
    ----------
    which : 0 for valence, 1 for arousal
    """

    def __init__(self, which: Literal[0, 1]) -> None:
        super().__init__()
        self.setObjectName("panel")
        self._which = which
        self.chart = LevelChart()
        self.chart.setMinimumHeight(theme.px(40))
        self.pooled = PooledRow(which)
        self.ablations = AblationStrip(AXES[which])
        self.answer = theme.label(strings.NOTHING, _ANSWER_PIXELS, bold=True)
        self.reason = theme.FittingLabel((11.0, 10.0, 9.0, 8.0), 2, theme.SOFT, grows=True)
        self.legend = theme.label("", 10, theme.SOFT)
        self.bars = Bars(LEVELS[::-1], theme.LEVEL_COLOURS[::-1], 60)
        side = QWidget()
        side.setFixedWidth(theme.px(ANSWER_WIDTH))
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(1)
        for part, stretch in ((self.answer, 0), (self.reason, 1), (self.legend, 0), (self.bars, 0)):
            column.addWidget(part, stretch)
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.px(10), theme.px(6), theme.px(10), theme.px(6))
        row.setSpacing(theme.px(12))
        drawn = QVBoxLayout()
        drawn.setSpacing(2)
        drawn.addWidget(theme.elastic(self.chart), 1)
        drawn.addWidget(self.ablations)
        drawn.addWidget(self.pooled)
        row.addLayout(drawn, 1)
        row.addWidget(side)

    def show_view(self, view: View) -> None:
        """Show the history and the newest answer."""
        self.chart.show_history(view.history, self._which)
        self.ablations.show_view(view)
        self.pooled.show_view(view)
        self.legend.setText(strings.TRUE_VALUE if len(view.history.truth) else "")
        estimate = None if view.snapshot is None else view.snapshot.estimate
        head = None if estimate is None else estimate.head(AXES[self._which])
        answered = estimate is not None and head is not None and head.probabilities is not None
        # Where nothing is answered, the reason has the room of the bars.
        self.bars.setVisible(answered or not (head is not None and head.abstained))
        if estimate is None or head is None or head.probabilities is None:
            self.answer.setText(strings.NOTHING)
            self.reason.setText((head.abstained if head is not None else None) or strings.NO_ESTIMATE)
            self.bars.show_values(None)
            return
        self.answer.setText(wording.answer(head.kept))
        theme.tinted(self.answer, theme.SOFT if len(head.kept) == len(LEVELS) else theme.TEXT)
        self.reason.setText(wording.doubt(estimate, head))
        self.bars.show_values(head.probabilities[::-1], tuple(len(LEVELS) - 1 - index for index in head.kept))

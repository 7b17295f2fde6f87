"""The EEG panel: traces as the user wants them, which channels are used, and the weights of the bands."""

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PyQt5.QtGui import QPaintEvent, QResizeEvent
from PyQt5.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from ....models.contract import BANDS
from ...screens import evidence, wording
from .. import strings, theme
from ..live.view import Traces, View
from .bars import Bars
from .eeg_controls import EegControls
from .levels import ANSWER_WIDTH

_NAME_ROW = 12
_MOST_SMOOTH = 20  # channels: smooth lines cost more than all else


class TraceChart(pg.PlotWidget):  # type: ignore[misc]
    """All traces as two lines, one for the good and one for the bad channels, so that many are cheap."""

    def __init__(self) -> None:
        super().__init__(background=theme.colour(theme.PANEL))
        self.setMouseEnabled(False, False)
        self.setMenuEnabled(False)
        self.hideButtons()
        self._names_axis, seconds = self.getAxis("left"), self.getAxis("bottom")
        for axis in (self._names_axis, seconds):
            axis.setPen(None)
            axis.setTextPen(theme.colour(theme.SOFT))
            axis.setStyle(tickLength=0, tickFont=theme.font(10))
        self._names_axis.setWidth(theme.px(34))
        self._names_axis.setTicks([])
        seconds.setHeight(theme.px(15))
        self.getPlotItem().setContentsMargins(0, 0, theme.px(12), 0)
        self.bad = pg.PlotCurveItem(pen=pg.mkPen(theme.colour(theme.LINE)), connect="finite")
        trace = pg.mkPen(theme.colour(theme.TRACE), width=max(1, int(theme.scale())))
        self.good = pg.PlotCurveItem(pen=trace, connect="finite", antialias=True)
        self.addItem(self.bad)
        self.addItem(self.good)
        self.frames = 0
        """Different pictures painted so far."""
        self._painted: Traces | None = None
        self._shown: tuple[Traces, bool] | None = None
        self._names: tuple[str, ...] = ()
        self._window_s = 0.0

    def show_traces(self, traces: Traces, live: bool) -> None:
        """Show the traces below each other, in grey where they are not live."""
        if self._shown is not None and self._shown[0] is traces and self._shown[1] == live:
            return
        self._shown = (traces, live)
        self._show_axes(traces)
        good = np.asarray(traces.good, np.bool_)
        # A bad channel keeps to its own room: it is often a hundred times as large as the others.
        most = np.where(good, 1.5, 0.45)
        n = len(traces.names)
        heights = np.clip(traces.microvolts / traces.span_uv, -most, most) + np.arange(n - 1, -1, -1)
        good = good & live
        self.good.opts["antialias"] = n <= _MOST_SMOOTH
        self.good.setData(*_one_line(traces.times_s, heights[:, good]))
        self.bad.setData(*_one_line(traces.times_s, heights[:, ~good]))

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw, and count what is new."""
        super().paintEvent(event)
        if self._shown is not None and self._shown[0] is not self._painted:
            self._painted = self._shown[0]
            self.frames += 1

    def _show_axes(self, traces: Traces) -> None:
        if traces.names != self._names:
            self._names = traces.names
            self._show_names()
            self.setYRange(-0.8, max(len(traces.names) - 0.2, 0.8), padding=0)
        if traces.window_s != self._window_s:
            self._window_s = traces.window_s
            self.setXRange(-traces.window_s, 0, padding=0)
            step = next(one for one in (0.5, 1, 2, 5, 10) if traces.window_s / one <= 8)
            times = np.arange(-step * (traces.window_s // step), 1e-9, step)
            ticks = [(float(x), strings.SECONDS.format(seconds=f"{x:g}") if x < -1e-6 else strings.NOW) for x in times]
            self.getAxis("bottom").setTicks([ticks])

    def _show_names(self) -> None:
        """Show as many names as have room, none of them at the very edge."""
        n = len(self._names)
        every = max(1, -(-n * theme.px(_NAME_ROW) // max(self.height() - theme.px(18), 1)))
        shown = [(n - 1 - i, name) for i, name in enumerate(self._names) if i % every == every // 2]
        self._names_axis.setTicks([shown])

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Show the names that have room now."""
        super().resizeEvent(event)
        if hasattr(self, "_names"):
            self._show_names()


def _one_line(times: NDArray[np.float64], heights: NDArray[np.float32]) -> tuple[NDArray[np.float64], ...]:
    """Return the columns as one line with breaks (NaN) in between."""
    breaks = np.full((1, heights.shape[1]), np.nan)
    x = np.tile(np.append(times, np.nan), heights.shape[1])
    return x, np.concatenate([heights, breaks]).ravel(order="F")


class EegPanel(QFrame):
    """Controls above the traces; channels and band attention on the right."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.controls = EegControls()
        self.chart = TraceChart()
        self.channels = theme.SteadyLabel(3, 11)
        self.distance = theme.SteadyLabel(2, 11, theme.SOFT)
        self.attention = theme.label(strings.EEG_ATTENTION, 11, theme.SOFT)
        self.bands = Bars(BANDS, (theme.ACCENT,) * 3, 50)
        side = QWidget()
        side.setFixedWidth(theme.px(ANSWER_WIDTH))
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.channels)
        column.addWidget(self.distance)
        column.addStretch()
        column.addWidget(self.attention)
        column.addWidget(self.bands)
        drawn = QVBoxLayout()
        drawn.setSpacing(2)
        drawn.addWidget(self.controls)
        drawn.addWidget(theme.elastic(self.chart), 1)
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.px(10), theme.px(6), theme.px(10), theme.px(6))
        row.setSpacing(theme.px(12))
        row.addLayout(drawn, 1)
        row.addWidget(side)

    def show_view(self, view: View) -> None:
        """Show the traces and which channels are used."""
        snapshot = view.snapshot
        blind = view.choices.blind
        for part in (self.attention, self.bands):
            part.setVisible(not blind)
        self.bands.show_values(None if snapshot is None else snapshot.band_attention)
        distance = evidence.distance(None if snapshot is None else snapshot.estimate)
        self.distance.setText("" if distance is None or blind else distance.text)
        theme.tinted(self.distance, theme.SOFT if distance is None or distance.tone == "idle" else theme.TONES["bad"])
        status = next((s for s in snapshot.sources if s.modality == "eeg"), None) if snapshot else None
        status_text = None if status is None else wording.health(status)
        live = status_text is not None and status_text.tone in ("good", "warn")
        if view.traces is not None:
            self.chart.show_traces(view.traces, live)
        delay_ms = None if snapshot is None else snapshot.eeg_filter_delay_ms
        names = () if status is None else status.channel_names
        self.controls.show_choice(view.choices.eeg, view.traces, names, () if status is None else status.good_channels)
        self.controls.setToolTip("" if delay_ms is None else strings.EEG_DELAY.format(ms=delay_ms))
        if status_text is None or status is None:
            self.channels.setText(strings.NO_EEG)
        elif not live:
            self.channels.setText(strings.EEG_IS.format(state=status_text.text))
        else:
            self.channels.setText(_channels(status.channel_names, status.good_channels))


def _channels(names: tuple[str, ...], good: tuple[bool, ...]) -> str:
    bad = [name for name, used in zip(names, good, strict=False) if not used]
    if not bad:
        return strings.ALL_GOOD.format(count=len(names))
    listed = ", ".join(bad[:4]) + (strings.MORE if len(bad) > 4 else "")
    return strings.SOME_GOOD.format(good=len(names) - len(bad), count=len(names), bad=listed)

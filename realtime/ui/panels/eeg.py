"""The EEG panel: filtered traces of all channels, and the weights of the bands in the newest half second."""

import numpy as np
import pyqtgraph as pg
from PyQt5.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from ....models.contract import BANDS
from ...screens import evidence, wording
from .. import theme
from ..view import Traces, View
from ..view_model import EEG_SPAN_S
from .bars import Bars
from .levels import ANSWER_WIDTH

_MOST_NAMES = 16


class TraceChart(pg.PlotWidget):  # type: ignore[misc]
    """All traces as two lines, one for the good and one for the bad channels, so that many are cheap."""

    def __init__(self) -> None:
        super().__init__(background=theme.PANEL)
        self.setMouseEnabled(False, False)
        self.setMenuEnabled(False)
        self.hideButtons()
        self.hideAxis("bottom")
        self._axis = self.getAxis("left")
        self._axis.setPen(None)
        self._axis.setTextPen(theme.SOFT)
        self._axis.setStyle(tickLength=0, tickFont=theme.font(10))
        self._axis.setWidth(34)
        self._axis.setTicks([])
        self.getPlotItem().setContentsMargins(0, 0, 14, 0)
        self.setXRange(-EEG_SPAN_S, 0, padding=0)
        self.bad = pg.PlotCurveItem(pen=pg.mkPen(theme.LINE), connect="finite")
        self.good = pg.PlotCurveItem(pen=pg.mkPen("#8fc3e6"), connect="finite", antialias=True)
        self.addItem(self.bad)
        self.addItem(self.good)
        self._shown: tuple[Traces, bool] | None = None
        self._names: tuple[str, ...] = ()

    def show_traces(self, traces: Traces, live: bool) -> None:
        """Show the traces below each other, in grey where they are not live."""
        if self._shown is not None and self._shown[0] is traces and self._shown[1] == live:
            return
        self._shown = (traces, live)
        n = len(traces.names)
        if traces.names != self._names:
            self._names = traces.names
            every = -(-n // _MOST_NAMES)
            self._axis.setTicks([[(n - 1 - i, name) for i, name in enumerate(traces.names) if i % every == 0]])
            self.setYRange(-0.8, n - 0.2, padding=0)
        good = np.asarray(traces.good)
        # A bad channel keeps to its own modality_input: it is often a hundred times as large as the others.
        most = np.where(good, 1.5, 0.45)
        heights = np.clip(traces.microvolts / traces.span_uv, -most, most) + np.arange(n - 1, -1, -1)
        good = good & live
        self.good.setData(*_one_line(traces.times_s, heights[:, good]))
        self.bad.setData(*_one_line(traces.times_s, heights[:, ~good]))


def _one_line(times: np.ndarray, heights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the columns as one line with breaks (NaN) in between."""
    breaks = np.full((1, heights.shape[1]), np.nan)
    x = np.tile(np.append(times, np.nan), heights.shape[1])
    return x, np.concatenate([heights, breaks]).ravel(order="F")


class EegPanel(QFrame):
    """Traces on the left; scale, channels and band attention on the right."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.chart = TraceChart()
        self.scale = theme.label("", 11, theme.SOFT)
        self.channels = theme.SteadyLabel(2, 12)
        self.distance = theme.label("", 11, theme.SOFT)
        self.bands = Bars(BANDS, (theme.ACCENT,) * 3, 62)
        side = QWidget()
        side.setFixedWidth(ANSWER_WIDTH)
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        column.addWidget(theme.label("EEG", 12, theme.SOFT, bold=True))
        column.addWidget(self.channels)
        column.addWidget(self.scale)
        column.addWidget(self.distance)
        column.addStretch()
        column.addWidget(theme.label("Band attention, last half second", 11, theme.SOFT))
        column.addWidget(self.bands)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 8, 12, 8)
        row.setSpacing(14)
        row.addWidget(self.chart, 1)
        row.addWidget(side)

    def show_view(self, view: View) -> None:
        """Show the traces and which channels are used."""
        snapshot = view.snapshot
        self.bands.show_values(None if snapshot is None else snapshot.band_attention)
        distance = evidence.distance(None if snapshot is None else snapshot.estimate)
        self.distance.setText("" if distance is None else distance.text)
        theme.tinted(self.distance, theme.SOFT if distance is None or distance.tone == "idle" else theme.TONES["bad"])
        status = next((s for s in snapshot.sources if s.modality == "eeg"), None) if snapshot else None
        status_text = None if status is None else wording.health(status)
        live = status_text is not None and status_text.tone in ("good", "warn")
        if view.traces is not None:
            self.chart.show_traces(view.traces, live)
            delay_ms = None if snapshot is None else snapshot.eeg_filter_delay_ms
            filters = "" if delay_ms is None else f"\nfilters delay it by {delay_ms:.0f} ms"
            span = f"last {EEG_SPAN_S:.0f} s · {view.traces.span_uv:.0f} µV between traces"
            self.scale.setText(span + filters)
        if status_text is None or not live:
            self.channels.setText("no EEG yet" if status_text is None else f"EEG {status_text.text}")
        elif status is not None:
            self.channels.setText(_channels(status.channel_names, status.good_channels))


def _channels(names: tuple[str, ...], good: tuple[bool, ...]) -> str:
    bad = [name for name, used in zip(names, good, strict=False) if not used]
    if not bad:
        return f"{len(names)} channels, all good"
    listed = ", ".join(bad[:6]) + (" …" if len(bad) > 6 else "")
    return f"{len(names) - len(bad)} of {len(names)} channels good\ngrey, not used: {listed}"

"""Charts over one stretch of the session's time, with a line at the present place; a click seeks."""

from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtGui import QMouseEvent, QPainterPath, QResizeEvent
from PyQt5.QtWidgets import QGraphicsItem, QGraphicsPathItem

from ....models.contract import FloatArray, TimeArray
from .. import strings, theme
from .state.curves import PLACES, ClassShares, Level, value_at

NAMES_WIDTH = 74
_NAME_ROW = 12
_MOST_SMOOTH = 20  # channels: smooth lines cost more than all else
_CLASS_COLUMNS = 240
_LOUD = 4.0  # times as loud as half of the channels


def clock(seconds: float) -> str:
    """Return a session time as ``m:ss``, or ``h:mm:ss``."""
    whole = round(abs(seconds))
    sign = "−" if seconds < 0 and whole else ""
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{sign}{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{sign}{minutes}:{whole % 60:02}"


class _ClockAxis(pg.AxisItem):  # type: ignore[misc]
    def tickStrings(self, values: Any, _scale: float, spacing: float) -> list[str]:  # noqa: N802
        """Return the session times of ticks."""
        return [f"{value:.1f}" if spacing < 1 else clock(value) for value in values]


class TimeChart(pg.PlotWidget):  # type: ignore[misc]
    """A chart over a stretch of time.

    Parameters
    ----------
    with_times : bool
        Whether times are written below it.
    """

    sought = pyqtSignal(float)

    def __init__(self, with_times: bool = False) -> None:
        super().__init__(background=theme.colour(theme.PANEL), axisItems={"bottom": _ClockAxis("bottom")})
        self.setMouseEnabled(False, False)
        self.setMenuEnabled(False)
        self.hideButtons()
        for side in ("left", "bottom"):
            axis = self.getAxis(side)
            axis.setPen(None)
            axis.setTextPen(theme.colour(theme.SOFT))
            axis.setStyle(tickLength=0, tickAlpha=0, tickFont=theme.font(10))  # ticks without a length are dots
        self.getAxis("left").setWidth(theme.px(NAMES_WIDTH))
        self.getAxis("left").setTicks([])
        self.getAxis("bottom").setHeight(theme.px(15) if with_times else 0)
        self.getAxis("bottom").setStyle(showValues=with_times)
        self.getPlotItem().setContentsMargins(0, 0, theme.px(8), 0)
        self.setMinimumHeight(theme.px(30))
        self.place = pg.InfiniteLine(pen=pg.mkPen(theme.colour(theme.TEXT, 0.85), width=1.4 * theme.scale()))
        self.place.setZValue(10)
        self.addItem(self.place)

    def show_page(self, start_s: float, stop_s: float) -> None:
        """Show a stretch of time."""
        self.setXRange(start_s, stop_s, padding=0)

    def show_place(self, place_s: float) -> None:
        """Move the line."""
        self.place.setValue(place_s)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Seek."""
        if event is not None and event.button() == Qt.LeftButton:
            at = self.getPlotItem().vb.mapSceneToView(self.mapToScene(event.pos()))
            self.sought.emit(float(at.x()))

    def curve(self, role: str, width: float = 1.5, style: Qt.PenStyle = Qt.SolidLine) -> pg.PlotCurveItem:
        """Add a line in a colour of the palette."""
        pen = pg.mkPen(theme.colour(role), width=width * theme.scale(), style=style)
        item = pg.PlotCurveItem(pen=pen, connect="finite", antialias=True)
        self.addItem(item)
        return item


class EegTrack(TimeChart):
    """Traces below each other; those that are far louder than the others in grey, each within its own row."""

    def __init__(self) -> None:
        super().__init__()
        width = max(1, int(theme.scale()))
        self.loud = pg.PlotCurveItem(pen=pg.mkPen(theme.colour(theme.LINE), width=width), connect="finite")
        self.traces = pg.PlotCurveItem(pen=pg.mkPen(theme.colour(theme.TRACE), width=width), connect="finite")
        for item in (self.loud, self.traces):
            # Drawn once for a stretch of time: the line that moves over them would have them drawn anew each time.
            item.setCacheMode(QGraphicsItem.DeviceCoordinateCache)
            self.addItem(item)
        self._names: tuple[str, ...] = ()

    def show_columns(self, times_s: TimeArray, microvolts: FloatArray, names: tuple[str, ...], span_uv: float) -> None:
        """Show columns of smallest and largest samples; ``span_uv`` lies between two baselines."""
        count = len(names)
        self._names = names
        levels = np.abs(np.nan_to_num(microvolts)).mean(axis=0)
        loud = levels > _LOUD * np.median(levels)
        heights = np.clip(microvolts / span_uv, *np.where(loud, 0.45, 1.5) * [[-1], [1]])
        heights += np.arange(count - 1, -1, -1)
        self.traces.opts["antialias"] = count <= _MOST_SMOOTH
        self.traces.setData(*_one_line(times_s, heights[:, ~loud]))
        self.loud.setData(*_one_line(times_s, heights[:, loud]))
        self.setYRange(-0.8, max(count - 0.2, 0.8), padding=0)
        self._show_names()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Show the names that have room now."""
        super().resizeEvent(event)
        if hasattr(self, "_names"):
            self._show_names()

    def _show_names(self) -> None:
        count = len(self._names)
        every = max(1, -(-count * theme.px(_NAME_ROW) // max(self.height() - theme.px(4), 1)))
        self.getAxis("left").setTicks([[(count - 1 - i, name) for i, name in enumerate(self._names) if i % every == 0]])


class SoundTrack(TimeChart):
    """The spectrogram above the waveform."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.picture = pg.ImageItem(axisOrder="row-major")
        shades = [theme.colour(theme.PANEL), theme.colour(theme.ACCENT)]
        self.picture.setLookupTable(pg.ColorMap([0.0, 1.0], shades).getLookupTable(0.0, 1.0, 256))
        self.addItem(self.picture)
        self.wave = self.curve(theme.TRACE, 1.0)
        self.wave.opts["antialias"] = False
        self.setYRange(-1.0, 1.0, padding=0)
        self.getAxis("left").setTicks([[(0.0, name)]])

    def show_sound(
        self, times_s: TimeArray, extremes: FloatArray, picture: NDArray[Any], page: tuple[float, float]
    ) -> None:
        """Show a stretch of sound."""
        self.picture.setImage(picture[::-1], levels=(0, 255), autoLevels=False)
        self.picture.setRect(page[0], 0.0, page[1] - page[0], 1.0)
        loudest = max(float(np.nanmax(np.abs(extremes))) if np.isfinite(extremes).any() else 0.0, 0.02)
        self.wave.setData(times_s, extremes[:, 0] / loudest * 0.45 - 0.5)


class LevelTrack(TimeChart):
    """Valence or arousal: the truth, up to two decodings with their spread, and ratings."""

    def __init__(self, name: str, with_times: bool = False) -> None:
        super().__init__(with_times)
        self.setYRange(-1.05, 1.05, padding=0)
        self.getAxis("left").setTicks([[(PLACES[0], strings.LOW), (0.0, name), (PLACES[2], strings.HIGH)]])
        self.addItem(pg.InfiniteLine(0.0, angle=0, pen=pg.mkPen(theme.colour(theme.LINE))))
        self._bands = [self._band(role) for role in (theme.ACCENT, theme.POOLED)]
        self.truth = self.curve(theme.TRUTH, 1.6)
        self.decoded = [self.curve(theme.ACCENT, 2.0), self.curve(theme.POOLED, 2.0, Qt.DashLine)]
        self.ratings = self.curve("good", 1.8, Qt.DotLine)
        self.new_rating = self.curve("warn", 2.2)

    def show_level(self, which: int, level: Level | None, page: tuple[float, float]) -> None:
        """Show a decoding, or none, in a stretch of time."""
        if level is None:
            self.decoded[which].setData([], [])
            self._bands[which].setPath(QPainterPath())
            return
        part = _around(level.times_s, page)
        times_s, mean, sd = level.times_s[part], level.mean[part], level.sd[part]
        self.decoded[which].setData(times_s, mean)
        self._bands[which].setPath(_band_path(times_s, mean - sd, mean + sd))

    def show_curve(self, item: pg.PlotCurveItem, times_s: TimeArray, values: FloatArray) -> None:
        """Show values on -1 to 1 as one of the lines."""
        item.setData(times_s, values)

    def _band(self, role: str) -> QGraphicsPathItem:
        item = QGraphicsPathItem()
        item.setPen(pg.mkPen(None))
        item.setBrush(pg.mkBrush(theme.colour(role, 0.22)))
        self.addItem(item)
        return item


class ClassTrack(TimeChart):
    """Probabilities of classes: a row each, the stronger the more probable; a second decoding below the first.

    Decodings may have other classes: the rows are those of both.
    """

    def __init__(self, with_times: bool = True) -> None:
        super().__init__(with_times)
        self.picture = pg.ImageItem(axisOrder="row-major")
        self.addItem(self.picture)
        self.shown: tuple[ClassShares, ...] = ()

    def show_classes(self, shares: tuple[ClassShares, ...], page: tuple[float, float]) -> None:
        """Show up to two decodings of one head in a stretch of time."""
        self.shown = shares
        classes = tuple(dict.fromkeys(name for one in shares for name in one.classes))
        if not classes:
            self.picture.clear()
            self.getAxis("left").setTicks([])
            return
        rows = len(shares) * len(classes)
        times_s = np.linspace(*page, _CLASS_COLUMNS)
        image = np.zeros((rows, _CLASS_COLUMNS, 4), np.uint8)
        for which, (one, role) in enumerate(zip(shares, (theme.ACCENT, theme.POOLED), strict=False)):
            tint = theme.colour(role)
            rows_of = [len(shares) * classes.index(name) + which for name in one.classes]
            values = [value_at(one.times_s, one.shares, at_s) for at_s in times_s]
            for column, value in enumerate(values):
                if value is not None:
                    image[rows_of, column, 3] = np.round(255 * value)
            image[which :: len(shares), :, :3] = (tint.red(), tint.green(), tint.blue())
        # Row 0 of the classes is at the top.
        self.picture.setImage(image[::-1], autoLevels=False, levels=(0, 255))
        self.picture.setRect(page[0], 0.0, page[1] - page[0], float(len(classes)))
        self.setYRange(0, len(classes), padding=0)
        count = len(classes)
        self.getAxis("left").setTicks([[(count - i - 0.5, name) for i, name in enumerate(classes)]])


def _one_line(times_s: TimeArray, heights: FloatArray) -> tuple[TimeArray, FloatArray]:
    """Return traces as one line with breaks in between, so that many are cheap."""
    breaks = np.full((1, heights.shape[1]), np.nan)
    x = np.tile(np.append(times_s, np.nan), heights.shape[1])
    return x, np.concatenate([heights, breaks]).ravel(order="F")


def _around(times_s: TimeArray, page: tuple[float, float]) -> slice:
    first, stop = np.searchsorted(times_s, page)
    return slice(max(first - 2, 0), stop + 2)


def _band_path(times_s: TimeArray, low: FloatArray, high: FloatArray) -> QPainterPath:
    """Return the area between two curves, in pieces where they have gaps."""
    path = QPainterPath()
    known = np.isfinite(low)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(np.int8)))
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        x = np.concatenate([times_s[start:stop], times_s[start:stop][::-1]])
        y = np.concatenate([high[start:stop], low[start:stop][::-1]])
        path.addPath(pg.arrayToQPath(x, y))
    return path

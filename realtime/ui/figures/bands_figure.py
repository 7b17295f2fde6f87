"""Band attention over people: worth and weight of each band by state, noise, and what other weights cost."""

import math
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
from PyQt5.QtCore import QRectF, Qt
from PyQt5.QtGui import QPainter

from ....models.contract import BANDS, LEVELS, FloatArray
from ....models.contract.attention_records import BandRecord
from .. import theme
from .looks_figure import BAND_COLOURS
from .plot import LARGE, PLAIN, SMALL, Axes, key, save_sheet, text

_SIZE = (1400, 870)
_GRIDS, _TOP, _ROW = (196.0, 556.0), 124.0, 250.0
_WIDTH, _HEIGHT = 80.0, 66.0
_MORE, _LESS = "#dd9f36", "#3f7fc1"


def save_bands(path: Path, record: BandRecord) -> None:
    """Draw a record into a PNG file."""
    subtitle = (
        f"{record.people} simulated people; weights are coloured against the band's own mean; intervals are 95 % over "
        "people"
    )
    save_sheet(path, _SIZE, "What each band is worth, and the weight it is given", subtitle, lambda p: _draw(p, record))


def _draw(painter: QPainter, record: BandRecord) -> None:
    own = record.weight - np.nanmean(record.weight, axis=(1, 2), keepdims=True)
    columns = (
        (_GRIDS[0], "Right answers lost without it", record.worth, record.worth, _signed),
        (_GRIDS[1], "Its weight", record.weight, own, "{:.3f}".format),
    )
    for left, heading, values, shades, how in columns:
        text(painter, QRectF(left, 96, 300, 20), heading, PLAIN, theme.TEXT, Qt.AlignLeft, bold=True)
        strongest = float(np.nanmax(np.abs(shades))) or 1.0
        for band in range(len(BANDS)):
            _grid(painter, (left, _TOP + band * _ROW), values[band], shades[band] / strongest, how)
    for band, name in enumerate(BANDS):
        room = QRectF(28, _TOP + band * _ROW, 100, 3 * _HEIGHT)
        text(painter, room, name, LARGE, BAND_COLOURS[band], Qt.AlignLeft, bold=True)
    _conditions(painter, record)
    _losses(painter, record)


def _grid(
    painter: QPainter,
    corner: tuple[float, float],
    values: FloatArray,
    shades: FloatArray,
    how: Callable[[float], str],
) -> None:
    """Draw a value for each level of valence (to the right) and arousal (upwards)."""
    left, top = corner
    for valence, arousal in product(range(len(LEVELS)), repeat=2):
        room = QRectF(left + valence * _WIDTH, top + (2 - arousal) * _HEIGHT, _WIDTH, _HEIGHT)
        value, shade = float(values[valence, arousal]), float(shades[valence, arousal])
        painter.setPen(Qt.NoPen)
        for tint, alpha in ((theme.RAISED, 1.0), (_MORE if shade > 0 else _LESS, 0.8 * min(abs(shade), 1.0))):
            if np.isfinite(shade):
                painter.setBrush(theme.colour(tint, alpha))
                painter.drawRoundedRect(room.adjusted(1.5, 1.5, -1.5, -1.5), 4, 4)
        text(painter, room, how(value) if np.isfinite(value) else "–", PLAIN, theme.TEXT, Qt.AlignHCenter)
    for place, name in enumerate(LEVELS):
        below = QRectF(left + place * _WIDTH, top + 3 * _HEIGHT + 1, _WIDTH, 18)
        beside = QRectF(left - 100, top + (2 - place) * _HEIGHT, 92, _HEIGHT)
        text(painter, below, f"{name} valence" if place != 1 else name, SMALL - 1, theme.SOFT, Qt.AlignHCenter)
        text(painter, beside, f"{name} arousal" if place != 1 else name, SMALL - 1, theme.SOFT, Qt.AlignRight)


def _signed(value: float) -> str:
    return "0" if abs(value) < 0.005 else f"{value:+.2f}".replace("-", "−")


def _conditions(painter: QPainter, record: BandRecord) -> None:
    weights = record.condition_weights
    low, high = (float(edge(50 * value)) / 50 for edge, value in ((np.floor, weights.min()), (np.ceil, weights.max())))
    plot = Axes(painter, QRectF(880, 124, 480, 260), (-0.6, len(record.conditions) - 0.4), (low, high))
    plot.frame("Mean weights, with noise on one band")
    plot.levels([(float(value), f"{value:.2f}") for value in np.linspace(low, high, round(50 * (high - low)) + 1)])
    plot.below([(float(place), name) for place, name in enumerate(record.conditions)])
    for band, tint in enumerate(BAND_COLOURS):
        places = np.arange(len(record.conditions)) + (band - 1) * 0.16
        value, lowest, highest = weights[:, band].T
        plot.intervals(places, lowest, highest, tint)
        plot.dots(places, value, tint)
    key(painter, 1180, 101, list(zip(BAND_COLOURS, BANDS, strict=True)))


def _losses(painter: QPainter, record: BandRecord) -> None:
    room = QRectF(1060, 500, 300, 322)
    lowest, highest = float(record.losses.min()), float(record.losses.max())
    edge = max(0.02, 0.01 * math.ceil(100.0 * max(highest, -lowest)))
    plot = Axes(painter, room, (-0.2 * edge, edge), (len(record.ablations) - 0.5, -0.5))
    plot.frame("UAR lost by deciding with …")
    plot.below([(value, f"{value:g}") for value in (0.0, round(edge / 2, 3), edge)])
    plot.upright([0.0], theme.SOFT, 1.2, dashed=True)
    for row, (name, (value, low, high)) in enumerate(zip(record.ablations, record.losses, strict=True)):
        tint = next(
            (colour for colour, band in zip(BAND_COLOURS, BANDS, strict=True) if name.endswith(band)), theme.TEXT
        )
        plot.line([low, high], [row, row], tint, 2.2)
        plot.dots([value], [row], tint, 4.5)
        beside = QRectF(room.left() - 260, plot.at(0, row).y() - 10, 248, 20)
        text(painter, beside, name, PLAIN, theme.TEXT, Qt.AlignRight)

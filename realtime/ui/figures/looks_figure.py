"""One session seen from within: looks over the truth of the expression, gain against price, weights, estimate."""

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PyQt5.QtCore import QRectF
from PyQt5.QtGui import QPainter

from ....models.contract import BANDS
from ....models.contract.attention_records import AttentionRecord
from .. import theme
from .plot import Axes, key, save_sheet

BAND_COLOURS = (theme.ACCENT, "#dd9f36", theme.POOLED)
_HIT, _MISS, _PRICE = "#3fbf9b", "#f2765a", "#f0c34e"
_SHOWN = 0.25  # as the evaluations count a look that meets an expression
_SIZE = (1400, 1010)
_LEFT, _WIDTH = 100.0, 1272.0
_FURTHEST = 2.0
_LINEAR = 0.02  # up to here the gain's scale is about linear, beyond it logarithmic


def save_looks(path: Path, record: AttentionRecord) -> None:
    """Draw a record into a PNG file."""
    met = int((record.expressed[record.looked] >= _SHOWN).sum())
    subtitle = (
        f"{record.person}: {int(record.looked.sum())} of {len(record.looked)} frames looked at, {met} of these on an "
        "expression; thin upright lines: onsets of stimuli, which nobody tells the model"
    )
    save_sheet(path, _SIZE, "When the model looks, and what it makes of it", subtitle, lambda p: _draw(p, record))


def _draw(painter: QPainter, record: AttentionRecord) -> None:
    span = (float(record.frames_s[0]), float(record.frames_s[-1]))

    def axes(top: float, height: float, y: tuple[float, float]) -> Axes:
        return Axes(painter, QRectF(_LEFT, top, _WIDTH, height), span, y)

    _looks(axes(110, 120, (0.0, 1.25)), record)
    _gain(axes(276, 130, (float(_squeezed(-_FURTHEST)), float(_squeezed(_FURTHEST)))), record)
    highest = max(0.6, float(record.weights.max()))
    _weights(axes(452, 110, (0.0, highest)), record)
    for axis, (name, top) in enumerate((("Valence", 608), ("Arousal", 798))):
        _estimate(axes(top, 144, (-1.0, 1.0)), record, axis, name)
    last = axes(798, 144, (-1.0, 1.0))
    every = np.arange(np.ceil(span[0] / 10.0) * 10.0, span[1] + 1e-6, 10.0)
    last.below([(float(value), f"{value:g} s") for value in every])
    key(painter, _LEFT, 980, [(theme.TRUTH, "felt (the truth)"), (theme.ACCENT, "estimate, ± its standard deviation")])


def _looks(plot: Axes, record: AttentionRecord) -> None:
    plot.frame("Expression (the truth) and looks", "filled: the look meets an expression; hollow: it does not")
    plot.levels([(0.0, "none"), (1.0, "full")])
    _onsets(plot, record)
    plot.area(record.frames_s, np.zeros(len(record.frames_s)), record.expressed, theme.SOFT, 0.55)
    for hit, tint in ((True, _HIT), (False, _MISS)):
        chosen = record.looked & ((record.expressed >= _SHOWN) == hit)
        plot.upright(record.frames_s[chosen], tint, 1.0)
        plot.dots(record.frames_s[chosen], np.full(int(chosen.sum()), 1.13), tint, filled=hit)


def _gain(plot: Axes, record: AttentionRecord) -> None:
    plot.frame(
        "Gain of a look, as the policy puts it",
        f"dashed: the price, {record.price:.3f}; the model looks above it, and ten seconds after its last look",
    )
    plot.levels([(float(_squeezed(value)), f"{value:g}".replace("-", "−")) for value in (-1.0, -0.1, 0.0, 0.1, 1.0)])
    _onsets(plot, record)
    gain, price = _squeezed(record.gain), float(_squeezed(record.price))
    plot.area(record.frames_s, np.full(len(gain), price), np.maximum(gain, price), _HIT, 0.4)
    plot.line(record.frames_s, gain, theme.TEXT, 1.2)
    plot.across(price, _PRICE)


def _squeezed(gain: ArrayLike) -> NDArray[np.float64]:
    """Return gains on a scale that shows small and large ones, negative ones too."""
    return np.arcsinh(np.asarray(gain, np.float64) / _LINEAR)


def _weights(plot: Axes, record: AttentionRecord) -> None:
    plot.frame("Weights of the bands")
    plot.levels([(0.0, "0"), (1.0 / 3.0, "1/3")])
    _onsets(plot, record)
    for band, tint in enumerate(BAND_COLOURS):
        plot.line(record.ticks_s, record.weights[:, band], tint)
    key(plot.painter, _LEFT + 200, plot.room.top() - 23, list(zip(BAND_COLOURS, BANDS, strict=True)))


def _estimate(plot: Axes, record: AttentionRecord, axis: int, name: str) -> None:
    plot.frame(name)
    plot.levels([(-2.0 / 3.0, "low"), (0.0, "medium"), (2.0 / 3.0, "high")])
    _onsets(plot, record)
    middle, spread = record.expected[:, axis], record.spread[:, axis]
    plot.area(record.ticks_s, middle - spread, middle + spread, theme.ACCENT, 0.22)
    plot.line(record.ticks_s, record.felt[:, axis], theme.TRUTH, 1.6)
    plot.line(record.ticks_s, middle, theme.ACCENT, 2.0)


def _onsets(plot: Axes, record: AttentionRecord) -> None:
    plot.upright(record.onsets_s, theme.FAINT, 0.8)

"""The charts of the report: health, events, levels with their uncertainty, classes, bands, latency."""

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ...models.contract import TimeArray, Truth
from ..recordings.session_record import Line
from . import palette
from .facts import HIGHEST, LOWEST, HeadCurve, RatedStimulus
from .markup import Markup, joined, tag
from .time_chart import (
    LEFT,
    RIGHT,
    WIDTH,
    TimeScale,
    chart,
    fitting,
    hatched,
    lane_label,
    pieces,
    polygon,
    polyline,
    text,
    thinned,
)

_LANE = 22.0
_TONES = {"live": "good", "recovered": "good", "searching": "idle", "lost": "bad", "ended": "idle", "info": "good"}
_LEVEL_HEIGHT = 132.0
_STRIP_ROW = 15.0
_STRIP_COLUMNS = 500
_BAND_HEIGHT = 84.0
_STRIP_RGB = (0, 78, 130)


def tone_of(state: str) -> str:
    """Return how good a state of health is: good, warn, bad or idle."""
    return _TONES.get(state, "warn")


def health_chart(scale: TimeScale, lanes: Mapping[str, Sequence[Line]], t0_s: float) -> Markup:
    """Draw the state of every source as a lane; a state stands until the next."""
    rows = []
    for number, (name, changes) in enumerate(lanes.items()):
        top = number * _LANE + 3
        rows.append(lane_label(top + 12, name))
        starts = [scale.start_s, *(one.time_s - t0_s for one in changes)]
        states = ["searching", *(one.text("state") for one in changes)]
        stops = [*starts[1:], scale.stop_s]
        for state, start_s, stop_s in zip(states, starts, stops, strict=True):
            if stop_s > start_s:
                rows.append(_state(scale, state, start_s, stop_s, top))
    return chart(scale, _LANE * len(lanes) + 2, *rows, label="Health of the sources over time")


def _state(scale: TimeScale, state: str, start_s: float, stop_s: float, top: float) -> Markup:
    x, tone = scale.x(start_s), tone_of(state)
    width = max(scale.x(stop_s) - x, 1.2)
    words = fitting(state.replace("_", " "), width)
    colour = "#ffffff" if tone == "bad" else palette.INK
    return joined(
        (
            tag("rect", x=x, y=top, width=width, height=_LANE - 6, fill=palette.HEALTH[tone], rx=2),
            None if words is None else text(x + 5, top + 12, words, colour=colour),
        )
    )


def events_chart(scale: TimeScale, marks: Sequence[tuple[float, str]], notes: Sequence[tuple[float, str]]) -> Markup:
    """Draw what was shown, the other markers, and the experimenter's notes."""
    rows = [lane_label(14, "shown")]
    for one in scale.shown:
        x = scale.x(one.start_s)
        width = max(scale.x(one.stop_s) - x - 1.5, 1.0)
        fill = palette.HEALTH["idle"] if one.rest else "#e3dcc6"
        rows.append(tag("rect", x=x, y=2, width=width, height=16, fill=fill, rx=2))
        if (words := fitting(one.name, width)) is not None:
            rows.append(text(x + 4, 14, words))
    for top, title, found in ((24.0, "markers", marks), (46.0, "notes", notes)):
        if found:
            rows += [lane_label(top + 12, title), *_pins(scale, found, top)]
    height = 66.0 if notes else 44.0 if marks else 22.0
    return chart(scale, height, *rows, label="Stimuli, markers and notes over time")


def _pins(scale: TimeScale, found: Sequence[tuple[float, str]], top: float) -> list[Markup]:
    """Return a stroke for each, with its text where there is room before the next."""
    rows = []
    nexts = [*(scale.x(at_s) for at_s, _ in found[1:]), WIDTH - RIGHT]
    for (at_s, words), stop in zip(found, nexts, strict=True):
        x = scale.x(at_s)
        rows.append(tag("line", x1=x, x2=x, y1=top, y2=top + 16, stroke=palette.INK, stroke_width=1.2))
        if (short := fitting(words, stop - x - 4)) is not None:
            rows.append(text(x + 4, top + 12, short, colour=palette.SOFT))
    return rows


def level_chart(
    scale: TimeScale,
    curve: HeadCurve,
    truth: tuple[TimeArray, NDArray[np.floating]] | None,
    rated: Sequence[RatedStimulus],
    t0_s: float,
) -> Markup:
    """Draw the expected level of a head with one standard deviation either way, ratings and truth.

    ``truth`` has times from t0 and values from -1 to 1.
    """
    mean, spread = curve.expected()
    rows = [hatched(scale, stretches(curve.times_s, curve.abstained), 0, _LEVEL_HEIGHT), *_level_grid()]
    for piece in pieces(curve.times_s, curve.answered):
        groups = thinned(piece, len(curve.times_s))
        x = [scale.x(float(curve.times_s[group].mean())) for group in groups]
        middle = [float(mean[group].mean()) for group in groups]
        around = [float(spread[group].mean()) for group in groups]
        upper = [(at, _y(m + s)) for at, m, s in zip(x, middle, around, strict=True)]
        lower = [(at, _y(m - s)) for at, m, s in zip(x, middle, around, strict=True)]
        rows.append(polygon([*upper, *reversed(lower)], palette.SPREAD))
        rows.append(polyline(((at, _y(m)) for at, m in zip(x, middle, strict=True)), palette.ESTIMATE, 1.8))
    if truth is not None:
        inside = (truth[0] >= scale.start_s) & (truth[0] <= scale.stop_s)
        for piece in pieces(truth[0], inside):
            groups = thinned(piece, len(truth[0]))
            points = ((scale.x(float(truth[0][g].mean())), _y(float(truth[1][g].mean()))) for g in groups)
            rows.append(polyline(points, palette.TRUTH, 1.0, stroke_dasharray="4 2"))
    rows += [_rating(scale, one, curve.name, t0_s) for one in rated if curve.name in one.span.ratings]
    return chart(scale, _LEVEL_HEIGHT, *rows, label=f"{curve.name}: expected level over time")


def rated_chart(scale: TimeScale, lines: Sequence[tuple[TimeArray, NDArray[Any], str]], label: str) -> Markup:
    """Draw lines on the scale from -1 to 1, each with times from t0, values (NaN for none) and a colour."""
    rows = _level_grid()
    for times_s, values, colour in lines:
        inside = (times_s >= scale.start_s) & (times_s <= scale.stop_s) & np.isfinite(values)
        for piece in pieces(times_s, inside):
            groups = thinned(piece, len(times_s))
            points = ((scale.x(float(times_s[g].mean())), _y(float(values[g].mean()))) for g in groups)
            rows.append(polyline(points, colour, 1.6))
    return chart(scale, _LEVEL_HEIGHT, *rows, label=label)


def _level_grid() -> list[Markup]:
    rows = []
    for place, name in ((2 / 3, "high"), (0.0, "medium"), (-2 / 3, "low")):
        rows.append(lane_label(_y(place) + 3, name))
        rows.append(
            tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=_y(place), y2=_y(place), stroke=palette.FAINT, stroke_width=0.8)
        )
    return rows


def _rating(scale: TimeScale, one: RatedStimulus, axis: str, t0_s: float) -> Markup:
    start, stop = scale.x(one.span.start_s - t0_s), scale.x(one.span.stop_s - t0_s)
    y, x = _y(rating_place(one.span.ratings[axis])), (start + stop) / 2
    diamond = [(x - 5, y), (x, y - 5), (x + 5, y), (x, y + 5)]
    return joined(
        (
            tag("line", x1=start, x2=stop, y1=y, y2=y, stroke=palette.RATING, stroke_width=1.4),
            polygon(diamond, palette.RATING),
        )
    )


def rating_place(rating: float) -> float:
    """Return a rating on the scale from -1 to 1."""
    return min(max(2 * (rating - LOWEST) / (HIGHEST - LOWEST) - 1, -1.0), 1.0)


def truth_of_axis(truth: Truth | None, axis: str, t0_s: float) -> tuple[TimeArray, NDArray[np.floating]] | None:
    """Return what a simulated person felt, by an axis; None of others."""
    if truth is None or axis not in ("valence", "arousal") or not len(truth.stamps_s):
        return None
    return truth.stamps_s - t0_s, truth.latents[:, ("valence", "arousal").index(axis)]


def stretches(times_s: TimeArray, there: NDArray[np.bool_]) -> list[tuple[float, float]]:
    """Return the stretches of time of the decisions of which something is true."""
    usual_s = float(np.median(np.diff(times_s))) if len(times_s) > 1 else 0.5
    half_s = usual_s / 2
    return [(float(times_s[one[0]]) - half_s, float(times_s[one[-1]]) + half_s) for one in pieces(times_s, there)]


def class_chart(scale: TimeScale, curve: HeadCurve) -> Markup:
    """Draw the probability of each class as a row, the darker the likelier; hatched where there is no answer."""
    height = _STRIP_ROW * len(curve.classes)
    width = WIDTH - LEFT - RIGHT
    none = stretches(curve.times_s, ~curve.answered)
    rows = [
        tag("rect", x=LEFT, y=0, width=width, height=height, fill="#ffffff"),
        hatched(scale, none, 0, height),
        tag(
            "image",
            href=_strip(scale, curve),
            x=LEFT,
            y=0,
            width=width,
            height=height,
            preserveAspectRatio="none",
            style="image-rendering:pixelated",
        ),
        *(lane_label(_STRIP_ROW * n + 11, name) for n, name in enumerate(curve.classes)),
    ]
    return chart(scale, height, *rows, label=f"{curve.name}: probabilities over time")


def _strip(scale: TimeScale, curve: HeadCurve) -> str:
    """Return a picture with a pixel for each class and some time: the mean probability as its opacity."""
    columns = max(1, min(_STRIP_COLUMNS, len(curve.times_s)))
    share = (curve.times_s - scale.start_s) / max(scale.stop_s - scale.start_s, 1e-9)
    at = np.clip((share * columns).astype(np.int64), 0, columns - 1)
    there = curve.answered
    sums, counts = np.zeros((columns, len(curve.classes))), np.zeros(columns)
    np.add.at(sums, at[there], curve.probabilities[there])
    np.add.at(counts, at[there], 1.0)
    mean = sums / np.maximum(counts, 1.0)[:, np.newaxis]
    picture = np.zeros((len(curve.classes), columns, 4), np.uint8)
    picture[:, :, :3] = _STRIP_RGB[::-1]
    picture[:, :, 3] = np.rint(255 * mean.T)
    return data_uri(picture, ".png", "image/png")


def value_chart(scale: TimeScale, curve: HeadCurve) -> Markup:
    """Draw the value of a head with a scale."""
    values = curve.probabilities[:, 0]
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    low, high = (low, high) if high > low else (low - 0.5, high + 0.5)

    def y(value: float) -> float:
        return 4 + (high - value) / (high - low) * (_BAND_HEIGHT - 8)

    rows = [
        hatched(scale, stretches(curve.times_s, ~curve.answered), 0, _BAND_HEIGHT),
        lane_label(12, f"{high:.3g}"),
        lane_label(_BAND_HEIGHT - 2, f"{low:.3g}"),
        *_curves(scale, curve.times_s, values, palette.ESTIMATE, y),
    ]
    return chart(scale, _BAND_HEIGHT, *rows, label=f"{curve.name} over time")


def bands_chart(scale: TimeScale, times_s: TimeArray, weights: NDArray[np.float64]) -> Markup:
    """Draw the weights of theta, alpha and beta; times from t0, weights ``(n, 3)``, NaN where there are none."""
    finite = weights[np.isfinite(weights).all(axis=1)]
    high = max(0.5, float(finite.max()) * 1.05) if len(finite) else 1.0

    def y(value: float) -> float:
        return (1 - value / high) * (_BAND_HEIGHT - 12) + 8

    rows = [lane_label(y(share) + 3, f"{share:.0%}") for share in (0.0, 1 / 3, high)]
    rows.append(tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y(1 / 3), y2=y(1 / 3), stroke=palette.FAINT))
    for column, colour in enumerate(palette.BANDS.values()):
        rows += _curves(scale, times_s, weights[:, column], colour, y)
    return chart(scale, _BAND_HEIGHT, *rows, label="Weights of the bands over time")


def _curves(
    scale: TimeScale,
    times_s: TimeArray,
    values: NDArray[np.float64],
    colour: str,
    y: Callable[[float], float],
) -> list[Markup]:
    lines = []
    for piece in pieces(times_s, np.isfinite(values)):
        groups = thinned(piece, len(times_s))
        lines.append(
            polyline(((scale.x(float(times_s[g].mean())), y(float(values[g].mean()))) for g in groups), colour, 1.4)
        )
    return lines


def looks_chart(scale: TimeScale, times_s: Sequence[float]) -> Markup:
    """Draw a stroke for each frame that was looked at."""
    strokes = [
        tag("line", x1=x, x2=x, y1=3, y2=19, stroke=palette.ESTIMATE, stroke_width=1)
        for x in dict.fromkeys(round(scale.x(at_s), 1) for at_s in times_s)
    ]
    return chart(scale, 22, lane_label(14, "looks"), *strokes, label="Frames looked at over time")


def data_uri(picture: NDArray[np.uint8], suffix: str, kind: str, *options: int) -> str:
    """Return a picture, BGR or BGRA, as an address that holds all of it."""
    ok, packed = cv2.imencode(suffix, picture, list(options))
    if not ok:
        raise ValueError(f"a picture of {picture.shape} cannot be written as {suffix}")
    return f"data:{kind};base64,{base64.b64encode(packed.tobytes()).decode()}"


def _y(level: float) -> float:
    return (1 - (min(max(level, -1.0), 1.0) + 1) / 2) * (_LEVEL_HEIGHT - 16) + 8

"""Charts over the time of a session, as SVG: one scale for all, so that what is below each other was at one time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...models.contract import TimeArray
from . import palette
from .markup import Markup, joined, tag

WIDTH = 860
LEFT, RIGHT = 96, 20
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)
_MOST_TICKS = 9
_MOST_POINTS = 1200
_GAP_INTERVALS = 3.0
_LETTER_PX = 5.6


@dataclass(frozen=True)
class Shown:
    """A stretch in which a stimulus was shown, or the person rested; seconds from t0."""

    name: str
    start_s: float
    stop_s: float
    rest: bool = False


@dataclass(frozen=True)
class TimeScale:
    """From seconds since t0 to the place on the page.

    Attributes
    ----------
    start_s, stop_s : float
    shown : tuple of Shown
        Stimuli are drawn behind every chart.
    """

    start_s: float
    stop_s: float
    shown: tuple[Shown, ...] = field(default=())

    def x(self, time_s: float) -> float:
        """Return the place of a moment, within the chart."""
        share = (time_s - self.start_s) / max(self.stop_s - self.start_s, 1e-9)
        return LEFT + min(max(share, 0.0), 1.0) * (WIDTH - LEFT - RIGHT)

    def ticks_s(self) -> list[float]:
        """Return round moments for the axis."""
        span_s = max(self.stop_s - self.start_s, 1e-9)
        step_s = next((one for one in _STEPS_S if span_s / one <= _MOST_TICKS), _STEPS_S[-1])
        first = int(np.ceil(self.start_s / step_s))
        return [float(n * step_s) for n in range(first, int(np.floor(self.stop_s / step_s)) + 1)][:200]


def chart(scale: TimeScale, height: float, *content: Markup, label: str, axis: bool = True) -> Markup:
    """Return a chart: what was shown behind, the content, and the axis of time below."""
    foot = 20.0 if axis else 2.0
    ticks = [_tick(scale, time_s, height, axis) for time_s in scale.ticks_s()]
    return tag(
        "svg",
        joined(_behind(scale, height)),
        joined(ticks),
        *content,
        viewBox=f"0 0 {WIDTH} {height + foot:g}",
        role="img",
        aria_label=label,
        font_size=10,
        font_family=palette.FAMILY,
    )


def clock(seconds: float) -> str:
    """Return a time from t0 as minutes and seconds, with hours where there are some."""
    sign, whole = ("−" if seconds < -0.5 else ""), round(abs(seconds))
    hours, rest = divmod(whole, 3600)
    text = f"{rest // 60}:{rest % 60:02}"
    return f"{sign}{hours}:{rest // 60:02}:{rest % 60:02}" if hours else sign + text


def text(x: float, y: float, words: str, *, anchor: str = "start", colour: str = palette.INK, **more: str) -> Markup:
    """Return a text of a chart."""
    return tag("text", words, x=x, y=y, text_anchor=anchor, fill=colour, **more)


def lane_label(y: float, words: str) -> Markup:
    """Return the name of a lane, left of the chart."""
    short = words if len(words) <= 16 else f"{words[:15]}…"
    return text(LEFT - 8, y, short, anchor="end", colour=palette.SOFT)


def fitting(words: str, width_px: float) -> str | None:
    """Return as much of a text as fits into a width; None where nothing does."""
    most = int(width_px / _LETTER_PX) - 1
    if len(words) <= most:
        return words
    return f"{words[: most - 1]}…" if most >= 4 else None


def pieces(times_s: TimeArray, there: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """Cut decisions where there is none for a while, or where ``there`` is false."""
    numbers = np.flatnonzero(there)
    if not len(numbers):
        return []
    usual_s = float(np.median(np.diff(times_s))) if len(times_s) > 1 else 0.5
    far = np.diff(times_s[numbers]) > _GAP_INTERVALS * usual_s
    cuts = np.flatnonzero(far | (np.diff(numbers) > 1)) + 1
    return [np.asarray(one, np.int64) for one in np.split(numbers, cuts)]


def thinned(numbers: NDArray[np.int64], total: int) -> list[NDArray[np.int64]]:
    """Return neighbours to be averaged, so that a whole session has no more points than can be seen."""
    size = max(1, int(np.ceil(total / _MOST_POINTS)))
    return [numbers[at : at + size] for at in range(0, len(numbers), size)]


def polyline(points: Iterable[tuple[float, float]], colour: str, width: float = 1.6, **more: str) -> Markup:
    """Return a line; of one point, a dot."""
    placed = list(points)
    if len(placed) == 1:
        return tag("circle", cx=placed[0][0], cy=placed[0][1], r=width, fill=colour)
    return tag(
        "polyline",
        points=" ".join(f"{x:.1f},{y:.1f}" for x, y in placed),
        fill="none",
        stroke=colour,
        stroke_width=width,
        stroke_linejoin="round",
        **more,
    )


def polygon(points: Sequence[tuple[float, float]], colour: str) -> Markup:
    """Return a filled area."""
    return tag("polygon", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in points), fill=colour)


def hatched(scale: TimeScale, stretches: Iterable[tuple[float, float]], top: float, height: float) -> Markup:
    """Return hatched stretches of time; the page defines the hatching."""
    rows = []
    for start_s, stop_s in stretches:
        x = scale.x(start_s)
        rows.append(tag("rect", x=x, y=top, width=max(scale.x(stop_s) - x, 1.0), height=height, fill="url(#hatch)"))
    return joined(rows)


def _behind(scale: TimeScale, height: float) -> list[Markup]:
    rows = []
    for one in scale.shown:
        x = scale.x(one.start_s)
        width = max(scale.x(one.stop_s) - x - 1.5, 0.5)
        if not one.rest:
            rows.append(tag("rect", x=x, y=0, width=width, height=height, fill=palette.SHOWN))
    return rows


def _tick(scale: TimeScale, time_s: float, height: float, axis: bool) -> Markup:
    x = scale.x(time_s)
    line = tag("line", x1=x, x2=x, y1=0, y2=height, stroke=palette.GRID, stroke_width=1)
    return joined((line, text(x, height + 14, clock(time_s), anchor="middle", colour=palette.SOFT) if axis else None))

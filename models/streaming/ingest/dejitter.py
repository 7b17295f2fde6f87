"""Dejitter: smooth the stamps of a regular stream; gaps are kept.

Raw stamps of one device carry the sender's and the network's jitter. Between gaps the true stamps lie on a line
over the sample count, so a line is fitted (least squares with exponential forgetting, so that a drifting card is
followed) and its values are used instead. Gaps are found on the raw stamps, and each starts another line; so do stamps
that run away from the line, or stay beside it for a second, as when a sound server changes its mind about its latency.

The result depends on the stamps alone, not on how they were cut into chunks.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...contract import TimeArray

_ANCHORS_HZ = 64.0
_HALF_TIME_S = 20.0
_STEADY_S = 2.0
_LOOSEST_GAP_S = 0.05
_CLIP_S = 0.01
_DRIFT_AFTER_S = 5.0
_BESIDE_S = 0.03
_BESIDE_ANCHORS = 64


@dataclass(frozen=True)
class Line:
    """State of the fit, with the newest anchor as origin.

    Attributes
    ----------
    anchor : int
        Samples since the last gap.
    offset_s : float
        Deviation of the stamps from a nominal clock that started at ``start_s``.
    weight, sum_x, sum_xx, sum_y, sum_xy : float
        Sums of least squares; x counts samples from the anchor, y is the deviation.
    """

    start_s: float
    anchor: int = 0
    value_s: float = 0.0
    slope_s: float = 0.0
    weight: float = 0.0
    sum_x: float = 0.0
    sum_xx: float = 0.0
    sum_y: float = 0.0
    sum_xy: float = 0.0


@dataclass(frozen=True)
class DejitterState:
    """State between chunks.

    Attributes
    ----------
    rate_hz : float
        Nominal.
    jitter_s : float
        How far single stamps may be off without anything missing, where that is known of the device.
    count : int
        Samples since the last gap.
    last_raw_s, last_s : float or None
        Newest stamp before and after smoothing.
    peak_s : float
        Largest recent distance of a raw stamp from the line; it fades.
    beside : int
        How many anchors in a row lay far after the line, or (negative) far before it.
    line : Line or None
    """

    rate_hz: float
    jitter_s: float = 0.0
    count: int = 0
    last_raw_s: float | None = None
    last_s: float | None = None
    peak_s: float = 0.0
    beside: int = 0
    line: Line | None = None

    @property
    def observed_rate_hz(self) -> float | None:
        """Rate of the fit in hertz; None for the first second after a gap."""
        if self.line is None or self.count < self.rate_hz:
            return None
        return 1.0 / (1.0 / self.rate_hz + self.line.slope_s)

    @property
    def drift_ppm(self) -> float | None:
        """Drift of the device's clock in parts per million; None for the first 5 s."""
        if self.line is None or self.count < _DRIFT_AFTER_S * self.rate_hz:
            return None
        return -1e6 * self.line.slope_s * self.rate_hz / (1.0 + self.line.slope_s * self.rate_hz)


@dataclass(frozen=True)
class Gap:
    """Missing time before a sample of a chunk.

    Attributes
    ----------
    first : int
        The sample of the chunk that comes after the gap.
    seconds : float
        How much time is missing; negative where the clock went back.
    """

    first: int
    seconds: float


def dejitter(
    state: DejitterState, raw_s: TimeArray, gap_before: bool = False
) -> tuple[TimeArray, tuple[Gap, ...], DejitterState]:
    """Smooth the stamps of a chunk and find its gaps.

    Parameters
    ----------
    state : DejitterState
    raw_s : (n,) float64
        The stamps as they came.
    gap_before : bool
        The source knows that samples are missing before this chunk.

    Returns
    -------
    stamps_s : (n,) float64
        Smoothed; never falling between two gaps.
    gaps : tuple of Gap
    state : DejitterState
    """
    period_s = 1.0 / state.rate_hz
    before_s = state.last_raw_s if state.last_raw_s is not None else float(raw_s[0]) - period_s
    missing_s = np.diff(raw_s, prepend=before_s) - period_s
    smooth: list[TimeArray] = []
    gaps: list[Gap] = []
    at = 0
    while at < len(raw_s):
        # The bar for a gap follows the jitter seen so far, so it is computed anew for every part.
        jumps = np.flatnonzero(np.abs(missing_s[at:]) > gap_bar_s(state))
        left_s = _distance_after_leaving_line_s(state, float(raw_s[at]))
        starts_here = (gap_before and at == 0) or (len(jumps) > 0 and jumps[0] == 0) or left_s != 0.0
        later = jumps[jumps > 0]
        stop = at + int(later[0]) if len(later) else len(raw_s)
        if starts_here and state.last_raw_s is not None:
            gap_s = left_s or (float(missing_s[at]) if abs(missing_s[at]) > period_s / 2 else period_s)
            gaps.append(Gap(at, gap_s))
            state = replace(state, count=0, line=None, peak_s=0.0, beside=0, last_s=None)
        # No more than the next anchor at a time: the bar may tighten or loosen there.
        stop = min(stop, at + _until_anchor(state))
        stamps_s, state = _smooth(state, raw_s[at:stop])
        smooth.append(stamps_s)
        at = stop
    return np.concatenate(smooth) if smooth else raw_s, tuple(gaps), state


def gap_bar_s(state: DejitterState) -> float:
    """Return the deviation in seconds from which a stamp counts as a gap.

    A stream whose stamps lie on the line gives away a single missing sample; one with jitter only what exceeds it.
    """
    period_s = 1.0 / state.rate_hz
    if state.jitter_s > 0:
        return max(1.5 * period_s, state.jitter_s)
    if state.count < _STEADY_S * state.rate_hz:
        return max(1.5 * period_s, _LOOSEST_GAP_S)
    if state.peak_s < 0.1 * period_s:
        return 0.75 * period_s
    return max(1.5 * period_s, min(_LOOSEST_GAP_S, 8.0 * state.peak_s), 0.02)


def _distance_after_leaving_line_s(state: DejitterState, raw_s: float) -> float:
    """Return the distance of the stamps from the line where it is large or has lasted for a second; else 0."""
    if state.line is None or state.count % _stride(state.rate_hz):
        return 0.0
    line = state.line
    expected_s = line.value_s + line.slope_s * (state.count - line.anchor)
    distance_s = raw_s - line.start_s - state.count / state.rate_hz - expected_s
    if distance_s < 0 and not state.jitter_s:
        # Samples that come faster than they should: time cannot go back for them, the line follows.
        return 0.0
    far = abs(distance_s) > max(_LOOSEST_GAP_S, state.jitter_s)
    return distance_s if far or abs(state.beside) >= _BESIDE_ANCHORS else 0.0


def _stride(rate_hz: float) -> int:
    return max(1, round(rate_hz / _ANCHORS_HZ))


def _until_anchor(state: DejitterState) -> int:
    stride = _stride(state.rate_hz)
    return stride - state.count % stride


def _smooth(state: DejitterState, raw_s: TimeArray) -> tuple[NDArray[np.float64], DejitterState]:
    """Smooth samples of which at most the first is an anchor."""
    period_s = 1.0 / state.rate_hz
    line = state.line if state.line is not None else Line(start_s=float(raw_s[0]))
    peak_s, beside = state.peak_s, state.beside
    if state.count % _stride(state.rate_hz) == 0:
        line, distance_s = _anchored(line, state, float(raw_s[0]))
        peak_s = max(abs(distance_s), state.peak_s * _fade(state.rate_hz) ** 4)
        side = 0 if abs(distance_s) < _BESIDE_S else (1 if distance_s > 0 else -1)
        beside = beside + side if side * beside >= 0 and side else side
    index = np.arange(state.count, state.count + len(raw_s))
    smooth_s = line.start_s + index * period_s + line.value_s + line.slope_s * (index - line.anchor)
    if state.last_s is not None:
        smooth_s = np.maximum(smooth_s, state.last_s)
    smooth_s = np.maximum.accumulate(smooth_s)
    return smooth_s, replace(
        state,
        count=state.count + len(raw_s),
        last_raw_s=float(raw_s[-1]),
        last_s=float(smooth_s[-1]),
        peak_s=peak_s,
        beside=beside,
        line=line,
    )


def _anchored(line: Line, state: DejitterState, raw_s: float) -> tuple[Line, float]:
    """Add the newest stamp to the fit with the origin moved to it; return its distance from the line too."""
    period_s = 1.0 / state.rate_hz
    fade = _fade(state.rate_hz)
    step = state.count - line.anchor
    expected_s = line.value_s + line.slope_s * step
    deviation_s = raw_s - line.start_s - state.count * period_s
    if state.count == 0:
        # A weak belief in the nominal rate, worth one second of stamps; it fades like everything else.
        sums = (0.0, 0.0, _ANCHORS_HZ * state.rate_hz**2, 0.0, 0.0)
        distance_s = 0.0
    else:
        distance_s = deviation_s - expected_s
        x, xx = line.sum_x - step * line.weight, line.sum_xx - 2 * step * line.sum_x + step**2 * line.weight
        sums = (line.weight * fade, x * fade, xx * fade, line.sum_y * fade, (line.sum_xy - step * line.sum_y) * fade)
        # A stamp far off (the sender was held up) pulls only so hard.
        clip_s = max(_CLIP_S, period_s)
        deviation_s = expected_s + min(max(distance_s, -clip_s), clip_s)
    weight, sum_x, sum_xx, sum_y, sum_xy = sums[0] + 1.0, sums[1], sums[2], sums[3] + deviation_s, sums[4]
    slope_s = (weight * sum_xy - sum_x * sum_y) / (weight * sum_xx - sum_x**2)
    value_s = (sum_y - slope_s * sum_x) / weight
    fitted = Line(line.start_s, state.count, value_s, slope_s, weight, sum_x, sum_xx, sum_y, sum_xy)
    return fitted, distance_s


def _fade(rate_hz: float) -> float:
    """Return the factor by which the weight of older anchors decreases at each anchor."""
    return float(0.5 ** (_stride(rate_hz) / (_HALF_TIME_S * rate_hz)))

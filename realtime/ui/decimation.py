"""Decimation of samples to the columns of a screen."""

import numpy as np

from ...models.contract import FloatArray, RingSlice, TimeArray
from .view import Traces

COLUMNS = 320
SOUND_BINS = 120
SCALES_UV = (10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0)


def thinned(cut: RingSlice, columns: int = COLUMNS) -> tuple[TimeArray, FloatArray]:
    """Return the smallest and the largest sample of each stretch.

    Stretches start at multiples of their length in the whole stream, so that peaks do not flicker as samples arrive.

    Returns
    -------
    times_s : (2 * n,) float64
        Before the newest sample.
    values : (2 * n, n_channels) float32
        NaN where not valid.
    """
    samples = np.where(cut.valid[:, None], cut.samples, np.nan).astype(np.float32)
    length = max(1, len(samples) // columns)
    skip = -cut.first % length
    count = (len(samples) - skip) // length
    if count < 1:
        return np.empty(0), np.empty((0, samples.shape[1]), np.float32)
    used = samples[skip : skip + count * length].reshape(count, length, -1)
    values = np.stack([used.min(axis=1), used.max(axis=1)], axis=1).reshape(2 * count, -1)
    stamps = cut.stamps_s[skip : skip + count * length].reshape(count, length)
    times = np.stack([stamps[:, 0], stamps[:, -1]], axis=1).ravel() - cut.stamps_s[-1]
    return times, values


def traces(cut: RingSlice, names: tuple[str, ...], good: tuple[bool, ...], span_uv: float) -> Traces | None:
    """Return the EEG traces; the scale changes only when the signal exceeds it by far."""
    if len(cut) < 2:
        return None
    times, values = thinned(cut)
    if len(good) != values.shape[1]:
        good = (True,) * values.shape[1]
    return Traces(times, values, names, good, calm_span(values[:, np.asarray(good)], span_uv))


def calm_span(values: FloatArray, span_uv: float) -> float:
    """Return a round distance between traces that fits most of the signal; ``span_uv`` where that fits."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return span_uv
    need = 2.2 * float(np.percentile(np.abs(finite), 90))
    if 0.3 * span_uv <= need <= 1.2 * span_uv:
        return span_uv
    return next((scale for scale in SCALES_UV if need <= scale), SCALES_UV[-1])


def loudness(cut: RingSlice, per_bin: int, bins: int = SOUND_BINS) -> FloatArray:
    """Return the largest absolute sample of each stretch of sound, ``(bins,)``; 0 before the stream's start."""
    out = np.zeros(bins, np.float32)
    skip = -cut.first % per_bin
    count = max((len(cut) - skip) // per_bin, 0)
    if count:
        peaks = np.abs(cut.samples[skip : skip + count * per_bin]).reshape(count, -1).max(axis=1)
        out[-min(count, bins) :] = peaks[-bins:]
    return out

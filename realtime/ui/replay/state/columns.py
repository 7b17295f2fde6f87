"""Samples of a stretch of time as columns of a screen; without Qt."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .....models.contract import FloatArray, TimeArray
from .....models.contract.viewing import SampleWindows
from ...live.view import Passband

COLUMNS = 700
_LEAD_S = 2.0  # for a filter to settle
_OVERSAMPLED = 8  # samples in a period of the highest frequency that are kept for filtering
SPECTRUM_BINS = 48
_LOWEST_DB, _HIGHEST_DB = -90.0, -20.0


def smallest_and_largest(
    stamps_s: TimeArray, values: FloatArray, start_s: float, stop_s: float, columns: int = COLUMNS
) -> tuple[TimeArray, FloatArray]:
    """Return two rows for each column of a stretch: the smallest and the largest sample in it.

    Parameters
    ----------
    stamps_s : (n,) float64
        Rising.
    values : (n, n_channels) float32
    start_s, stop_s : float
    columns : int

    Returns
    -------
    times_s : (2 * columns,) float64
        The middle of each column, twice.
    extremes : (2 * columns, n_channels) float32
        NaN where a column holds no sample.
    """
    edges = np.linspace(start_s, stop_s, columns + 1)
    places = np.searchsorted(stamps_s, edges)
    starts, filled = places[:-1], np.diff(places) > 0
    extremes = np.full((columns, 2, values.shape[1]), np.nan, np.float32)
    if filled.any():
        within = values[: places[-1]]
        extremes[filled, 0] = np.minimum.reduceat(within, starts[filled], axis=0)
        extremes[filled, 1] = np.maximum.reduceat(within, starts[filled], axis=0)
    middles = (edges[:-1] + edges[1:]) / 2
    return np.repeat(middles, 2), extremes.reshape(2 * columns, -1)


def eeg_columns(
    source: SampleWindows, start_s: float, stop_s: float, passband: Passband | None
) -> tuple[TimeArray, FloatArray]:
    """Read a stretch of EEG and return its columns, each channel around zero.

    With a passband it is filtered for the picture alone; without, the median of the stretch is taken off.
    """
    lead_s = 0.0 if passband is None else _LEAD_S
    stamps_s, values = source.between(start_s - lead_s, stop_s + lead_s)
    if not len(stamps_s):
        return np.zeros(0), np.zeros((0, len(source.channel_names)), np.float32)
    if passband is None:
        # A few hundred rows tell the median as well as all.
        values = values - np.nanmedian(values[:: max(1, len(values) // 500)], axis=0).astype(np.float32)
    else:
        stamps_s, values = _filtered(stamps_s, values, passband, source.rate_hz)
    return smallest_and_largest(stamps_s, values, start_s, stop_s)


def _filtered(
    stamps_s: TimeArray, values: FloatArray, passband: Passband, rate_hz: float
) -> tuple[TimeArray, FloatArray]:
    """Return the samples in a passband, as a Butterworth filter of second order there and back has them.

    Of a rate far above the passband, means of a few samples each are filtered. Without delay: it is for a picture of
    what has been recorded.
    """
    step = max(1, int(rate_hz / (_OVERSAMPLED * passband[1])))
    count = len(values) // step * step
    if step > 1 and count:
        values = values[:count].reshape(-1, step, values.shape[1]).mean(axis=1)
        stamps_s = stamps_s[:count].reshape(-1, step).mean(axis=1)
    known = np.nan_to_num(values)
    spectra = np.fft.rfft(known - known.mean(axis=0), axis=0)
    at_hz = np.fft.rfftfreq(len(known), step / rate_hz)
    with np.errstate(divide="ignore"):
        gain = 1.0 / ((1.0 + (passband[0] / at_hz) ** 4) * (1.0 + (at_hz / passband[1]) ** 4))
    return stamps_s, np.fft.irfft(spectra * gain[:, np.newaxis], len(known), axis=0).astype(np.float32)


def spectrum(
    stamps_s: TimeArray, samples: FloatArray, rate_hz: float, start_s: float, stop_s: float, columns: int = COLUMNS
) -> NDArray[Any]:
    """Return sound as a spectrogram ``(bins, columns)`` uint8: 0 is silence; row 0 is the highest frequency.

    Of each column a piece of 512 samples from its begin on is looked at; columns without sound are 0.
    """
    edges = np.linspace(start_s, stop_s, columns + 1)[:-1]
    places = np.searchsorted(stamps_s, edges)
    picture = np.zeros((SPECTRUM_BINS, columns), np.uint8)
    length = 512
    there = (places + length <= len(samples)) & (np.diff(np.append(places, len(samples))) > 0)
    if not there.any():
        return picture
    pieces = samples[places[there][:, np.newaxis] + np.arange(length), 0]
    power = np.abs(np.fft.rfft(pieces * np.hanning(length), axis=1)[:, 1:]) ** 2 / length**2
    # Bands of equal ratio from 80 Hz up, as ears hear.
    cuts = np.geomspace(max(80.0 / rate_hz * length, 2), power.shape[1], SPECTRUM_BINS + 1).astype(int)
    bands = np.add.reduceat(power, np.unique(cuts[:-1]), axis=1)
    decibels = 10 * np.log10(bands + 1e-12)
    shade = np.clip((decibels - _LOWEST_DB) / (_HIGHEST_DB - _LOWEST_DB), 0, 1) * 255
    rows = np.linspace(bands.shape[1] - 1, 0, SPECTRUM_BINS).astype(int)
    picture[:, there] = shade[:, rows].T.astype(np.uint8)
    return picture

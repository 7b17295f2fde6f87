"""Quality of EEG channels on one second of raw data: flat, at a rail, too loud, or drowned in line noise."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.signal import detrend
from scipy.signal.windows import hann

from ...contract import BoolArray

# Less than this in the EEG band (rms) is an amplifier's own noise or a shorted input, not a brain.
FLAT_UV = 0.3
# A second whose raw samples span more than this (5 mV) is an electrode in motion or an amplifier recovering.
SPAN_UV = 5_000.0
# A quarter of the samples exactly at the second's highest or lowest value: the amplifier is at its rail.
RAIL_SHARE = 0.25
# More than this in the EEG band (rms) is no EEG; blinks stay below.
LOUD_UV = 300.0
# ... nor is a channel this many times the median channel, if it is also above what blinks give (rms over a second).
LOUD_RATIO = 6.0
LOUD_FLOOR_UV = 120.0
# Line noise dominates a channel if it is this many times the median channel's and this many times its own EEG.
LINE_RATIO = 10.0
LINE_TO_BAND = 6.0
# A channel that is out comes back at half of these two limits only, so that the reference does not flicker.
RETURN = 0.5

_BAND_HZ = (1.0, 45.0)
_LINE_HALF_WIDTH_HZ = 2.0
_ENOUGH_HZ = 256.0


def good_channels(
    raw_uv: NDArray[np.float64], wanted: BoolArray, was_good: BoolArray, rate_hz: float, line_hz: float | None
) -> BoolArray:
    """Return which channels are good enough to use.

    Parameters
    ----------
    raw_uv : (n_times, n_channels) float64
        A second of raw samples; NaN where there was no finite value.
    wanted : (n_channels,) bool
        Channels whose median is the reference of the relative limits.
    was_good : (n_channels,) bool
        The result of the second before; a channel that was bad returns at half of the relative limits.
    rate_hz : float
    line_hz : float or None

    Returns
    -------
    (n_channels,) bool
        False for channels with a value that is not finite, flat, at a rail, wildly moving, far louder than the
        others, or drowned in line noise while the others are not.
    """
    finite = np.isfinite(raw_uv).all(axis=0)
    samples = np.where(finite, raw_uv, 0.0)
    highest, lowest = samples.max(axis=0), samples.min(axis=0)
    at_rail = np.maximum((samples == highest).mean(axis=0), (samples == lowest).mean(axis=0)) >= RAIL_SHARE
    band_uv, line_uv = band_levels(samples, rate_hz, line_hz)
    alive = finite & ~at_rail & (highest - lowest <= SPAN_UV) & (band_uv >= FLAT_UV) & (band_uv <= LOUD_UV)
    if not (alive & wanted).any():
        return np.zeros_like(finite)
    usual_band_uv = np.median(band_uv[alive & wanted])
    usual_line_uv = np.median(line_uv[alive & wanted])
    patience = np.where(was_good, 1.0, RETURN)
    too_loud = (band_uv > LOUD_FLOOR_UV) & (band_uv > LOUD_RATIO * patience * usual_band_uv)
    line_noise = (line_uv > LINE_RATIO * patience * usual_line_uv) & (line_uv > LINE_TO_BAND * patience * band_uv)
    good: BoolArray = alive & ~too_loud & ~line_noise
    return good


def band_levels(
    samples: NDArray[np.float64], rate_hz: float, line_hz: float | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the rms of each channel in the EEG band and at the line frequency.

    Parameters
    ----------
    samples : (n_times, n_channels) float64
        A second, finite.
    rate_hz : float
    line_hz : float or None

    Returns
    -------
    band, line : (n_channels,) float64
        In the unit of the samples: 1 to 45 Hz without line noise, and within 2 Hz of the line frequency (0 for None).
    """
    # This runs while the newest chunk waits and is most of the chain's work. So high rates are decimated by a moving
    # average first, whose zeros lie at the frequencies that would alias onto the bands; and a matrix product over the
    # frequencies needed takes a fifth of the time of detrending, windowing and a whole Fourier transform.
    blocks = int(rate_hz // _ENOUGH_HZ)
    if blocks > 1:
        whole = samples[: len(samples) // blocks * blocks]
        samples, rate_hz = whole.reshape(-1, blocks, whole.shape[1]).mean(axis=1), rate_hz / blocks
    band, line = _spectra(len(samples), rate_hz, line_hz)
    return _rms(band @ samples), _rms(line @ samples)


def _rms(parts: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.sqrt((parts * parts).sum(axis=0)))


@lru_cache(maxsize=8)
def _spectra(n_times: int, rate_hz: float, line_hz: float | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the matrices that project a second onto its cosines and sines in the EEG band and at the line frequency.

    Detrending, a Hann window and the Fourier transform are linear, so each is one matrix ``(2 n_bins, n_times)``; the
    squares of a channel's parts sum to its power.
    """
    window = hann(n_times, sym=False)
    frequency = np.fft.rfftfreq(n_times, 1.0 / rate_hz)
    in_band = (frequency >= _BAND_HZ[0]) & (frequency <= _BAND_HZ[1])
    at_line = np.zeros_like(in_band) if line_hz is None else np.abs(frequency - line_hz) <= _LINE_HALF_WIDTH_HZ
    matrices = []
    for bins in (np.flatnonzero(in_band & ~at_line), np.flatnonzero(at_line)):
        turns = 2.0 * np.pi / n_times * np.outer(bins, np.arange(n_times))
        parts = np.vstack([np.cos(turns), np.sin(turns)]) * window * np.sqrt(2.0 / (n_times * (window**2).sum()))
        # Detrending is a projection, its own transpose: what it does to the samples it can do to the matrix.
        matrices.append(np.ascontiguousarray(detrend(parts, axis=1)) if len(bins) else parts)
    return matrices[0], matrices[1]

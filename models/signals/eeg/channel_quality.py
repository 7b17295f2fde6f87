"""Quality of EEG channels on one second of raw data.

A channel may be flat, at a rail, too loud or drowned in line noise by itself; bridged to another one by gel or solder;
or carry only what all channels have in common, of which the average reference leaves next to nothing. In 8 rests of
EEGMAT and 4 recordings of other amplifiers, the average reference left at least 30 % of a channel, and 3.2 µV.
"""

from collections import Counter
from collections.abc import Sequence
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
# ... or if it is this many times its own EEG, whatever the others have: no electrode is on that skin.
PURE_LINE = 40.0
# Channels that the average of all explains: less than this share of each is left, and less than this (rms in the band).
COMMON_SHARE = 0.15
COMMON_UV = 3.0
# Two channels are one electrode if they differ by less than this share of either, and by less than this (rms).
BRIDGED_SHARE = 0.08
BRIDGED_UV = 1.0
# A channel that is out comes back at half of these two limits only, so that the reference does not flicker.
RETURN = 0.5

NOT_FINITE = "have values that are no numbers"
AT_RAIL = "are at their rail"
MOVING = "move by millivolts"
FLAT = "are flat"
LOUD = "are far too loud"
LINE = "are drowned in line noise"
COMMON = "carry one common signal, of which the average reference leaves next to nothing"
BRIDGED = "are bridged to another one"

_BAND_HZ = (1.0, 45.0)
_LINE_HALF_WIDTH_HZ = 2.0
_ENOUGH_HZ = 256.0


def good_channels(
    raw_uv: NDArray[np.float64], wanted: BoolArray, was_good: BoolArray, rate_hz: float, line_hz: float | None
) -> BoolArray:
    """Return which channels are good enough to use, ``(n_channels,)``: those without a fault.

    See :func:`channel_faults`.
    """
    faults = channel_faults(raw_uv, wanted, was_good, rate_hz, line_hz)
    return np.array([not fault for fault in faults], np.bool_)


def channel_faults(
    raw_uv: NDArray[np.float64], wanted: BoolArray, was_good: BoolArray, rate_hz: float, line_hz: float | None
) -> tuple[str, ...]:
    """Return what is wrong with each channel; empty for those that are good enough to use.

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
    tuple of str
        The first fault of each channel: a value that is not finite, at a rail, wildly moving, flat, far louder than
        the others, drowned in line noise, bridged to a channel before it, or nothing but what all have in common.
    """
    finite: BoolArray = np.asarray(np.isfinite(raw_uv).all(axis=0))
    samples = np.where(finite, raw_uv, 0.0)
    highest, lowest = samples.max(axis=0), samples.min(axis=0)
    at_rail = np.maximum((samples == highest).mean(axis=0), (samples == lowest).mean(axis=0)) >= RAIL_SHARE
    band, line = _projected(samples, rate_hz, line_hz)
    band_uv, line_uv = _rms(band), _rms(line)
    patience = np.where(was_good, 1.0, RETURN)
    found: dict[str, BoolArray] = {
        NOT_FINITE: ~finite,
        AT_RAIL: at_rail,
        MOVING: highest - lowest > SPAN_UV,
        FLAT: band_uv < FLAT_UV,
        LOUD: band_uv > LOUD_UV,
    }
    alive = ~np.any(list(found.values()), axis=0)
    if (alive & wanted).any():
        usual_band_uv = np.median(band_uv[alive & wanted])
        usual_line_uv = np.median(line_uv[alive & wanted])
        found[LOUD] |= (band_uv > LOUD_FLOOR_UV) & (band_uv > LOUD_RATIO * patience * usual_band_uv)
        found[LINE] = (line_uv > LINE_RATIO * patience * usual_line_uv) & (line_uv > LINE_TO_BAND * patience * band_uv)
        found[LINE] |= line_uv > PURE_LINE * patience * band_uv
        rest = wanted & ~np.any(list(found.values()), axis=0)
        found[COMMON] = _common(band, band_uv, rest, patience)
        found[BRIDGED] = _bridged(band, band_uv, rest, patience)
    return tuple(next((name for name, which in found.items() if which[i]), "") for i in range(len(finite)))


def _common(
    band: NDArray[np.float64], band_uv: NDArray[np.float64], rest: BoolArray, patience: NDArray[np.float64]
) -> BoolArray:
    """Return the channels that all have in common with each other: the average of them leaves next to nothing."""
    if rest.sum() < 2:
        return np.zeros_like(rest)
    left_uv = _rms(band - band[:, rest].mean(axis=1, keepdims=True))
    common = rest & (left_uv * patience < COMMON_UV) & (left_uv * patience < COMMON_SHARE * band_uv)
    # A single channel may lie near the average of others that differ; that is chance and no fault.
    return common if 2 * common.sum() > rest.sum() else np.zeros_like(rest)


def _bridged(
    band: NDArray[np.float64], band_uv: NDArray[np.float64], rest: BoolArray, patience: NDArray[np.float64]
) -> BoolArray:
    """Return the channels that are the same as one before them; the first of them stays."""
    index = np.flatnonzero(rest)
    parts = band[:, index]
    products = parts.T @ parts
    power = np.diag(products)
    apart_uv = np.sqrt(np.maximum(power[:, None] + power[None, :] - 2.0 * products, 0.0)) * patience[index][:, None]
    smaller_uv = np.minimum(band_uv[index][:, None], band_uv[index][None, :])
    same = np.tril((apart_uv < BRIDGED_UV) & (apart_uv < BRIDGED_SHARE * smaller_uv), -1)
    bridged = np.zeros_like(rest)
    bridged[index] = same.any(axis=1)
    return bridged


def in_words(faults: Sequence[str]) -> str:
    """Return the faults of channels as a text: how many have the commonest, and how many are bad in all."""
    bad = [fault for fault in faults if fault]
    if not bad:
        return ""
    fault, count = Counter(bad).most_common(1)[0]
    return f"{count} of {len(faults)} channels {fault}"


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
    band, line = _projected(samples, rate_hz, line_hz)
    return _rms(band), _rms(line)


def _projected(
    samples: NDArray[np.float64], rate_hz: float, line_hz: float | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a second's parts in the EEG band and at the line frequency, whose squares sum to the power."""
    # This runs while the newest chunk waits and is most of the chain's work. So high rates are decimated by a moving
    # average first, whose zeros lie at the frequencies that would alias onto the bands; and a matrix product over the
    # frequencies needed takes a fifth of the time of detrending, windowing and a whole Fourier transform.
    blocks = int(rate_hz // _ENOUGH_HZ)
    if blocks > 1:
        whole = samples[: len(samples) // blocks * blocks]
        samples, rate_hz = whole.reshape(-1, blocks, whole.shape[1]).mean(axis=1), rate_hz / blocks
    band, line = _spectra(len(samples), rate_hz, line_hz)
    return band @ samples, line @ samples


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

"""Onsets of a flash, a beep or a photodiode's step in the signal of a device.

All functions search a window around a known event and return the onset on the device's own stamps.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.signal import chirp, hilbert, oaconvolve
from scipy.signal.windows import tukey

from ...contract import TimeArray

# Delays beyond these cannot be told from the next event or from the end of the flash.
EARLIEST_S = -0.1
LATEST_S = 0.6
FLASH_S = 0.75

_LEVEL_S = 0.08  # the levels before and after a step are averaged over so much
_FEWEST = 2
_FEWEST_SAMPLES = 8
_STEP_OVER_NOISE = 6.0
_PEAK_OVER_FLOOR = 6.0
_DIRECT = 0.6
_ECHO_S = 0.02

BEEP_S = 0.05
_BEEP_HZ = (1000.0, 4000.0)

Values = NDArray[np.float64]


def step_onset(
    values: Values, stamps_s: TimeArray, event_s: float, smallest: float, reach_s: float
) -> tuple[float, float] | None:
    """Find the step that an event makes in a signal: brightness of frames, or a photodiode.

    Parameters
    ----------
    values, stamps_s : (n_times,) float64
    event_s : float
        Time of the event on the clock of the stamps.
    smallest : float
        Smallest step that counts, whatever the noise.
    reach_s : float
        Longest distance from the steepest sample at which samples may lie between the two levels.

    Returns
    -------
    onset_s, height : float
        Height is negative for a step down. None where there is no step, or samples are missing around it.

    Notes
    -----
    The onset is that of an ideal step with the same area, so a frame half of whose exposure was lit counts half. Over
    events at random phases the mean is unbiased, also for short exposures, and is the delay from the *middle* of the
    exposure.
    """
    if len(stamps_s) < _FEWEST_SAMPLES:
        return None
    period_s = float(np.median(np.diff(stamps_s)))
    n = max(_FEWEST, round(_LEVEL_S / period_s))
    reach = max(_FEWEST, round(reach_s / period_s))
    around_s = (n + reach + 1) * period_s
    first, stop = np.searchsorted(stamps_s, (event_s + EARLIEST_S - around_s, event_s + LATEST_S + around_s))
    times_s, values = stamps_s[first:stop], values[first:stop]
    whole = round((LATEST_S - EARLIEST_S + 2 * around_s) / period_s)
    if len(times_s) < max(_FEWEST_SAMPLES, 0.9 * whole) or np.diff(times_s).max() > 2.5 * period_s:
        return None
    sums = np.concatenate([[0.0], np.cumsum(values)])
    means = (sums[n:] - sums[:-n]) / n
    rises = means[n:] - means[:-n]  # rises[i]: over the n samples from i + n, against the n before
    places = np.flatnonzero(
        (times_s[n : n + len(rises)] >= event_s + EARLIEST_S) & (times_s[n : n + len(rises)] <= event_s + LATEST_S)
    )
    if not len(places):
        return None
    at = n + int(places[np.argmax(np.abs(rises[places]))])
    low, high = max(0, at - 1 - reach), min(len(values) - 1, at + reach)
    before = values[max(0, low - n) : low + 1]
    after = values[high : high + n]
    height = float(np.median(after) - np.median(before))
    # Differences, so that a slow drift of the level is no noise; 1.05 makes their median deviation a standard one.
    noise = 1.05 * float(np.median(np.abs(np.concatenate([np.diff(before), np.diff(after)]))))
    if abs(height) < max(smallest, _STEP_OVER_NOISE * noise):
        return None
    share = (values[low : high + 1] - float(np.median(before))) / height
    lit_s = float(np.trapezoid(share, times_s[low : high + 1]))
    return float(times_s[high]) - lit_s, height


def beep(rate_hz: float) -> NDArray[np.float32]:
    """Return the beep, ``(n_times,)`` in -1..1: a chirp, located by a matched filter to a fraction of a millisecond."""
    n_times = round(BEEP_S * rate_hz)
    times_s = np.arange(n_times) / rate_hz
    wave = chirp(times_s, _BEEP_HZ[0], BEEP_S, _BEEP_HZ[1]) * tukey(n_times, 0.2)
    return np.asarray(0.8 * wave, np.float32)


def beep_onset(audio: Values, stamps_s: TimeArray, event_s: float, rate_hz: float) -> float | None:
    """Find the beep that was played at an event.

    Parameters
    ----------
    audio, stamps_s : (n_times,) float64
    event_s : float
    rate_hz : float

    Returns
    -------
    float or None
        Time of its first sample, of the direct sound rather than a louder echo. None where it was not found or samples
        are missing.
    """
    first, stop = np.searchsorted(stamps_s, (event_s + EARLIEST_S, event_s + LATEST_S + BEEP_S))
    window, times_s = audio[first:stop], stamps_s[first:stop]
    wanted = (LATEST_S - EARLIEST_S + BEEP_S) * rate_hz
    if len(window) < 0.95 * wanted or np.diff(times_s).max() > 2.0 / rate_hz + 0.005:
        return None
    template = beep(rate_hz).astype(np.float64)
    # Matched filter: correlation with the chirp; its envelope, since loudspeakers turn phases.
    matched = oaconvolve(window - window.mean(), template[::-1], mode="valid")
    envelope = np.abs(hilbert(matched))
    floor, highest = float(np.median(envelope)), int(np.argmax(envelope))
    if not envelope[highest] > _PEAK_OVER_FLOOR * floor or envelope[highest] < 1e-9:
        return None
    start = max(0, highest - round(_ECHO_S * rate_hz))
    loud = np.flatnonzero(envelope[start : highest + 1] >= _DIRECT * envelope[highest])
    at = start + int(loud[0])
    while at < highest and envelope[at + 1] > envelope[at]:
        at += 1
    return float(times_s[at])

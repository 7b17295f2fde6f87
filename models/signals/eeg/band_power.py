"""Log band power of the EEG, and its baseline at rest.

After Liu, Su, Wei and Liu (2020, section on EEG features): a wavelet soft threshold against artifacts, then the
spectral energy of theta, alpha and beta at each electrode.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pywt
from numpy.typing import NDArray
from scipy.signal.windows import hann

from ...contract import EegWindow, FloatArray
from .montage import canonical_name

BAND_EDGES_HZ = ((4.0, 8.0), (8.0, 13.0), (13.0, 30.0))
"""Theta, alpha and beta; a band holds its lower edge and not its upper one."""
Artifact = Literal["clip", "soft"]
ARTIFACTS: tuple[Artifact, ...] = ("clip", "soft")
"""How artifacts of the EEG are taken out before its band power."""

# Short, nearly symmetric, and smooth enough that a rhythm stays within one or two levels.
WAVELET = "sym4"
# Times the universal threshold sigma * sqrt(2 ln n), above which no Gaussian background reaches by chance.
THRESHOLD_FACTOR = 1.0
# The slowest level kept apart; below it lie the slow waves that blinks and sweat are made of.
SLOWEST_HZ = 4.0
# MAD of a Gaussian with standard deviation 1.
_MAD_OF_UNIT_GAUSSIAN = 0.6745
# Band power of a channel without any signal, in uV^2: keeps the logarithm finite.
FLOOR_UV2 = 1e-4


def clip_artifacts(samples_uv: NDArray[np.floating], rate_hz: float) -> NDArray[np.float64]:
    """Limit large transients (blinks, muscle bursts, electrode pops) in a window.

    The soft threshold estimates the *artifact*: soft(c, T) keeps what a wavelet coefficient c has beyond T. That is
    subtracted, so each coefficient is limited to -T..T. T is the universal threshold of each channel and level, with
    the background's sigma from the median absolute coefficient, which a transient that fills less than half of
    the window does not move. The ongoing rhythms stay below T.

    Parameters
    ----------
    samples_uv : (n_times, n_channels)
    rate_hz : float

    Returns
    -------
    (n_times, n_channels) float64
    """
    n_times = len(samples_uv)
    # Rounded: 250 and 256 Hz get the same levels, whose edges then lie 2 % apart.
    wanted_levels = max(1, round(np.log2(rate_hz / SLOWEST_HZ)) - 1)
    levels = min(wanted_levels, pywt.dwt_max_level(n_times, pywt.Wavelet(WAVELET).dec_len))
    if levels < 1:
        return np.asarray(samples_uv, dtype=np.float64)
    coefficients = pywt.wavedec(np.asarray(samples_uv, np.float64), WAVELET, "symmetric", level=levels, axis=0)
    factor = THRESHOLD_FACTOR * np.sqrt(2.0 * np.log(n_times)) / _MAD_OF_UNIT_GAUSSIAN
    limited = []
    for level in coefficients:
        limit = factor * np.median(np.abs(level), axis=0)
        limited.append(np.clip(level, -limit, limit))
    clean: NDArray[np.float64] = pywt.waverec(limited, WAVELET, "symmetric", axis=0)[:n_times]
    return clean


def log_band_power(window: EegWindow, artifact: Artifact = "clip") -> FloatArray:
    """Return the power of theta, alpha and beta in one window.

    A periodogram under a Hann window is summed over each band.

    Parameters
    ----------
    window : EegWindow
        About one second.
    artifact : "clip" or "soft"
        "clip" limits artifacts within the window (:func:`clip_artifacts`); "soft" takes a window from which they were
        subtracted on the stream (:mod:`~moodring.models.signals.eeg.soft_threshold`).

    Returns
    -------
    (n_channels, 3) float32
        log10 of the power in microvolts squared; NaN for bad channels. With window lengths so short that a band
        holds no frequency of the periodogram, the band's value is the floor.
    """
    samples = window.samples_uv
    clean = clip_artifacts(samples, window.rate_hz) if artifact == "clip" else samples.astype(np.float64)
    n_times = len(clean)
    taper = hann(n_times, sym=False)
    spectrum = np.fft.rfft((clean - clean.mean(axis=0)) * taper[:, None], axis=0)
    power = (spectrum.real**2 + spectrum.imag**2) * (2.0 / (n_times * float((taper**2).sum())))
    frequency = np.fft.rfftfreq(n_times, 1.0 / window.rate_hz)
    bands = [power[(frequency >= low) & (frequency < high)].sum(axis=0) for low, high in BAND_EDGES_HZ]
    log_power = np.log10(np.maximum(np.stack(bands, axis=1), FLOOR_UV2))
    return np.where(window.good[:, None], log_power, np.nan).astype(np.float32)


MIDLINE = ("Fz", "FCz", "Cz", "F1", "F2")


def midline_theta(window: EegWindow) -> float:
    """Return the log power of frontal midline theta in a short window.

    Parameters
    ----------
    window : EegWindow
        About half a second.

    Returns
    -------
    float
        log10 of the power in microvolts squared from 4 to 8 Hz, averaged over the good midline electrodes; NaN where
        there is none.
    """
    names = [canonical_name(name) for name in window.channel_names]
    chosen = [i for i, name in enumerate(names) if name in MIDLINE and window.good[i]]
    if not chosen:
        return float("nan")
    samples = window.samples_uv[:, chosen].astype(np.float64)
    n_times = len(samples)
    taper = hann(n_times, sym=False)
    spectrum = np.fft.rfft((samples - samples.mean(axis=0)) * taper[:, None], axis=0)
    power = (spectrum.real**2 + spectrum.imag**2) * (2.0 / (n_times * float((taper**2).sum())))
    frequency = np.fft.rfftfreq(n_times, 1.0 / window.rate_hz)
    low, high = BAND_EDGES_HZ[0]
    theta = power[(frequency >= low) & (frequency < high)].sum(axis=0)
    return float(np.mean(np.log10(np.maximum(theta, FLOOR_UV2))))


ENOUGH_REST_WINDOWS = 10
"""A person is known by their rest from so many windows on: 5 s of one every half second."""


@dataclass(frozen=True)
class RestBaseline:
    """A person's log band power at rest so far.

    Attributes
    ----------
    total : (n_channels, 3) float64
        Sum over windows, of the windows in which the channel was good.
    count : (n_channels,) int64
        Number of those windows.
    """

    total: NDArray[np.float64]
    count: NDArray[np.int64]

    @classmethod
    def empty(cls, channel_names: Sequence[str]) -> "RestBaseline":
        """Return a baseline without windows."""
        return cls(total=np.zeros((len(channel_names), 3)), count=np.zeros(len(channel_names), dtype=np.int64))

    @property
    def windows(self) -> int:
        """Number of windows of the channel that was good most often."""
        return int(self.count.max(initial=0))


@dataclass(frozen=True)
class BandPrior:
    """The training population's log band power at rest, for any montage.

    Attributes
    ----------
    bands : (3,) float64
        Over all channels: used for electrodes that the table does not have.
    names : tuple of str
        Canonical 10-10 names.
    table : (len(names), 3) float64
    """

    bands: NDArray[np.float64]
    names: tuple[str, ...] = ()
    table: NDArray[np.float64] | None = None

    def at(self, channel_names: Sequence[str]) -> NDArray[np.float64]:
        """Return the prior of each channel: ``(n_channels, 3)`` float64."""
        rows = {} if self.table is None else dict(zip(self.names, self.table, strict=True))
        return np.stack([rows.get(canonical_name(name) or "", self.bands) for name in channel_names])


def add_window(baseline: RestBaseline, log_power: FloatArray) -> RestBaseline:
    """Return the baseline with one more window of log band power, ``(n_channels, 3)``; NaN channels are left out."""
    there = np.asarray(np.isfinite(log_power).all(axis=1))[:, None]
    total = baseline.total + np.where(there, log_power, 0.0)
    return replace(baseline, total=total, count=baseline.count + there[:, 0])


def shrunken_mean(baseline: RestBaseline, prior: NDArray[np.floating], prior_weight: float = 4.0) -> FloatArray:
    """Estimate a person's log band power at rest, shrunk to the population while windows are few.

    In two steps: the deviation of this person (and amplifier) from the population, per band, then that of each channel
    from it. So a channel that was never good at rest takes the deviation of the others.

    Parameters
    ----------
    baseline : RestBaseline
    prior : (n_channels, 3) or (3,)
        The population's mean: :meth:`BandPrior.at`.
    prior_weight : float
        How many windows the population counts for, > 0.

    Returns
    -------
    (n_channels, 3) float32
        The prior itself where there are no windows.
    """
    count = baseline.count[:, None].astype(np.float64)
    population = np.broadcast_to(np.asarray(prior, np.float64), baseline.total.shape)
    deviation = baseline.total - count * population
    n_seen = max(1, int((baseline.count > 0).sum()))
    person = deviation.sum(axis=0) / (count.sum() + prior_weight * n_seen)
    expected = population + person
    estimate: FloatArray = ((baseline.total + prior_weight * expected) / (count + prior_weight)).astype(np.float32)
    return estimate

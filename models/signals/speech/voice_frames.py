"""Acoustic features of a voice every 10 ms: spectrum and its shape, pitch candidates, resonances; causal.

A row depends on the 40 ms around its frame and on the frame before, so it does not change while an utterance goes on,
and the result does not depend on how samples are cut. Levels are absolute; :mod:`.voice_summary` makes them relative to
the utterance so far.

References
----------
Pitch by autocorrelation divided by that of the window: Boersma (1993), Proc. Institute of Phonetic Sciences 17.
Cepstral peak prominence: Hillenbrand et al. (1994), https://doi.org/10.1044/jshr.3704.769.
Resonances by linear prediction. Choice of features: Eyben et al. (2016), GeMAPS,
https://doi.org/10.1109/TAFFC.2015.2457417.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from ...contract import AUDIO_RATE_HZ, FloatArray

HOP = 160
WIDE = 640
NARROW = 400
_EDGE = (WIDE - NARROW) // 2
N_MEL = 40
N_PITCHES = 5
N_RESONANCES = 3
SHAPES = (
    "centre", "spread", "skewness", "kurtosis", "rolloff_25", "rolloff_50", "rolloff_75", "rolloff_90", "entropy",
    "slope_500", "slope_1500", "slope_5000", "alpha_ratio", "hammarberg", "flux", "sharpness", "zero_crossings",
    "cepstral_peak", "periodicity", "loudness", "level_db",
)  # fmt: skip
_NARROW_FFT, _WIDE_FFT = 512, 2048
_HIGHEST_PITCH_HZ, _LOWEST_PITCH_HZ = 600, 65
_SHORTEST_LAG = AUDIO_RATE_HZ // _HIGHEST_PITCH_HZ
_LONGEST_LAG = AUDIO_RATE_HZ // _LOWEST_PITCH_HZ
_OCTAVE_COST = 0.02
_LPC_ORDER, _LPC_TOP_HZ = 10, 5_000
_TINY = 1e-12
Array = NDArray[np.floating]


def _layout() -> dict[str, slice]:
    parts = {"mel": N_MEL} | dict.fromkeys(SHAPES, 1)
    parts |= dict.fromkeys(("resonance", "bandwidth", "resonance_db"), N_RESONANCES)
    parts |= dict.fromkeys(("pitch_hz", "pitch_periodicity", "pitch_strength", "h1_db", "h2_db"), N_PITCHES)
    stops = np.cumsum(list(parts.values()))
    return {name: slice(int(stop) - n, int(stop)) for (name, n), stop in zip(parts.items(), stops, strict=True)}


COLUMNS = _layout()
"""Columns of each feature in a row: ``rows[:, COLUMNS["mel"]]``."""
N_COLUMNS = max(columns.stop for columns in COLUMNS.values())


@dataclass(frozen=True)
class FrameState:
    """State between two pieces of an utterance.

    Attributes
    ----------
    rest : (n,) float32
        Samples from the start of the next frame.
    shape_before : (257,) or (0,) float32
        Spectrum of the frame before, for the flux.
    """

    rest: FloatArray = field(default_factory=lambda: np.zeros(0, np.float32))
    shape_before: FloatArray = field(default_factory=lambda: np.zeros(0, np.float32))


def frame_features(samples: FloatArray, state: FrameState) -> tuple[FloatArray, FrameState]:
    """Return the features of the frames that these samples complete.

    Parameters
    ----------
    samples : (n,) float32
        Next samples of an utterance; 16 kHz, all at one gain.
    state : FrameState

    Returns
    -------
    rows : (n_frames, N_COLUMNS) float32
        See :data:`COLUMNS`; NaN for a resonance that was not found.
    state : FrameState
    """
    pending, frames, power = _powers(samples, state)
    n_frames = len(frames)
    if not n_frames:
        return np.zeros((0, N_COLUMNS), np.float32), FrameState(pending, state.shape_before)
    narrow = frames[:, _EDGE : _EDGE + NARROW]
    wide = np.abs(fft.rfft(frames * _WIDE_WINDOW, _WIDE_FFT)) ** 2
    values: dict[str, Array] = _shape(power)
    share = np.sqrt(power / (power.sum(axis=1, keepdims=True) + _TINY))
    before = np.concatenate((state.shape_before[None] if len(state.shape_before) else share[:1], share[:-1]))
    values["flux"] = np.sqrt(((share - before) ** 2).sum(axis=1))
    values["zero_crossings"] = np.diff(np.signbit(narrow), axis=1).mean(axis=1)
    values["cepstral_peak"] = _cepstral_peak(wide)
    values |= _pitches(wide)
    values |= _resonances(wide)
    rows = np.empty((n_frames, N_COLUMNS), np.float32)
    for name, columns in COLUMNS.items():
        rows[:, columns] = values[name].reshape(n_frames, -1)
    return rows, FrameState(pending[n_frames * HOP :], share[-1].astype(np.float32))


def mel_bands(samples: FloatArray, state: FrameState) -> tuple[FloatArray, FloatArray, FrameState]:
    """Return the mel bands and the level only, at a small part of the cost of :func:`frame_features`.

    Parameters
    ----------
    samples : (n,) float32
        Next samples of an utterance; 16 kHz, all at one gain.
    state : FrameState

    Returns
    -------
    mel : (n_frames, 40) float32
        As the column ``mel`` of :func:`frame_features`: logarithms of the power in each band.
    level_db : (n_frames,) float32
        As the column ``level_db``.
    state : FrameState
    """
    pending, frames, power = _powers(samples, state)
    total = power.sum(axis=1)
    mel = np.log(_in_bands(power, total)).astype(np.float32)
    level_db = (10.0 * np.log10(total + _TINY)).astype(np.float32)
    return mel, level_db, FrameState(pending[len(frames) * HOP :], state.shape_before)


def _powers(samples: FloatArray, state: FrameState) -> tuple[FloatArray, Array, Array]:
    """Return all pending samples, the frames they complete, and the power spectra of the narrow frames."""
    pending = np.concatenate((state.rest, samples)).astype(np.float32)
    n_frames = max((len(pending) - WIDE) // HOP + 1, 0)
    if not n_frames:
        return pending, np.zeros((0, WIDE), np.float32), np.zeros((0, _NARROW_FFT // 2 + 1), np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(pending, WIDE)[::HOP][:n_frames]
    frames = frames - frames.mean(axis=1, keepdims=True)
    power = np.abs(fft.rfft(frames[:, _EDGE : _EDGE + NARROW] * _NARROW_WINDOW, _NARROW_FFT)) ** 2
    return pending, frames, power


def _in_bands(power: Array, total: Array) -> Array:
    # Bands far below the level of their frame are rounding errors.
    return np.asarray(np.maximum(power @ _BANDS.T, total[:, None] * 1e-9 + 1e-14))


def _mel_bands(count: int) -> Array:
    """Return triangular filters of equal area, equally spaced in mel from 50 to 7600 Hz: ``(count, 257)``."""
    low, high = (2595.0 * np.log10(1.0 + hertz / 700.0) for hertz in (50.0, 7_600.0))
    edges = 700.0 * (10.0 ** (np.linspace(low, high, count + 2) / 2595.0) - 1.0)
    rising = (_HERTZ - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - _HERTZ) / (edges[2:] - edges[1:-1])[:, None]
    bands = np.maximum(0.0, np.minimum(rising, falling))
    equal: Array = (bands / bands.sum(axis=1, keepdims=True)).astype(np.float32)
    return equal


def _window_autocorrelation() -> Array:
    own = fft.irfft(np.abs(fft.rfft(_WIDE_WINDOW, _WIDE_FFT)) ** 2)
    return np.asarray((own / own[0])[: _LONGEST_LAG + 2], np.float32)


_HERTZ = np.arange(_NARROW_FFT // 2 + 1, dtype=np.float32) * AUDIO_RATE_HZ / _NARROW_FFT
_NARROW_WINDOW = np.hamming(NARROW).astype(np.float32)
_WIDE_WINDOW = np.hanning(WIDE).astype(np.float32)
_WIDE_HZ = AUDIO_RATE_HZ / _WIDE_FFT
_BANDS = _mel_bands(N_MEL)
_OWN = _window_autocorrelation()


def _shape(power: Array) -> dict[str, Array]:
    """Return level, mel bands and shape of the spectrum."""
    total = power.sum(axis=1)
    mel = _in_bands(power, total)
    share = power / (total[:, None] + _TINY)
    centre = share @ _HERTZ
    spread = np.sqrt(np.maximum(share @ _HERTZ**2 - centre**2, 1.0))
    scaled = (_HERTZ - centre[:, None]) / spread[:, None]
    summed = np.cumsum(share, axis=1)
    rolls = {
        f"rolloff_{percent}": np.log(_HERTZ[(summed < percent / 100).sum(axis=1).clip(0, len(_HERTZ) - 1)] + 30.0)
        for percent in (25, 50, 75, 90)
    }
    decibels = 10.0 * np.log10(power + total[:, None] * 1e-9 + 1e-14)
    loudness = mel**0.33
    return rolls | {
        "mel": np.log(mel),
        "level_db": 10.0 * np.log10(total + _TINY),
        "centre": np.log(centre + 50.0),
        "spread": np.log(spread + 50.0),
        "skewness": (share * scaled**3).sum(axis=1),
        "kurtosis": np.log1p((share * scaled**4).sum(axis=1)),
        "entropy": -(share * np.log(share + 1e-10)).sum(axis=1),
        "slope_500": _slope(decibels, 0.0, 500.0),
        "slope_1500": _slope(decibels, 500.0, 1_500.0),
        "slope_5000": _slope(decibels, 1_500.0, 5_000.0),
        "alpha_ratio": _band_db(share, 50.0, 1_000.0) - _band_db(share, 1_000.0, 5_000.0),
        "hammarberg": decibels[:, _HERTZ < 2_000].max(axis=1)
        - decibels[:, (_HERTZ >= 2_000) & (_HERTZ < 5_000)].max(axis=1),
        "loudness": np.log(loudness.sum(axis=1) + 1e-6),
        "sharpness": (loudness @ np.arange(N_MEL, dtype=np.float32)) / loudness.sum(axis=1),
    }


def _slope(decibels: Array, low_hz: float, high_hz: float) -> Array:
    """Return the slope of the spectrum between two frequencies in dB per kHz."""
    inside = (low_hz <= _HERTZ) & (high_hz > _HERTZ)
    centred = _HERTZ[inside] - _HERTZ[inside].mean()
    slope: Array = decibels[:, inside] @ centred / (centred @ centred) * 1_000.0
    return slope


def _band_db(share: Array, low_hz: float, high_hz: float) -> Array:
    within: Array = share[:, (low_hz <= _HERTZ) & (high_hz > _HERTZ)].sum(axis=1)
    return np.asarray(10.0 * np.log10(within + 1e-8))


def _cepstral_peak(wide: Array) -> Array:
    """Return the cepstral peak prominence: the highest cepstrum among pitch periods over its mean, in dB."""
    decibels = 10.0 * np.log10(wide + 1e-10 * wide.max(axis=1, keepdims=True) + 1e-20)
    cepstrum = np.abs(fft.irfft(decibels)[:, _SHORTEST_LAG:_LONGEST_LAG])
    return np.asarray(20.0 * np.log10(cepstrum.max(axis=1) / np.maximum(cepstrum.mean(axis=1), 1e-9) + 1e-9))


def _pitches(wide: Array) -> dict[str, Array]:
    """Find the strongest pitch candidates of each frame; a missing one has strength and periodicity 0."""
    n_frames = len(wide)
    own = fft.irfft(wide)[:, : _LONGEST_LAG + 2]
    similar = own / np.maximum(own[:, :1], _TINY) / _OWN
    lags = np.arange(1, _LONGEST_LAG + 1)
    middle = similar[:, 1:-1]
    peak = (middle > similar[:, :-2]) & (middle >= similar[:, 2:]) & (lags >= _SHORTEST_LAG)
    strength = np.where(peak, middle - _OCTAVE_COST * np.log2(lags / _SHORTEST_LAG), -1.0)
    best = np.argpartition(-strength, N_PITCHES, axis=1)[:, :N_PITCHES]
    every = np.arange(n_frames)[:, None]
    chosen, lag = strength[every, best], best + 1
    left, top, right = similar[every, lag - 1], similar[every, lag], similar[every, lag + 1]
    curved = left - 2.0 * top + right
    bent = np.abs(curved) > 1e-9
    offset = np.where(bent, 0.5 * (left - right) / np.where(bent, curved, 1.0), 0.0)
    pitch_hz = AUDIO_RATE_HZ / (lag + np.clip(offset, -0.5, 0.5))
    there = chosen > -0.5
    return {
        "pitch_hz": pitch_hz,
        "pitch_periodicity": np.where(there, np.clip(top, 0.0, 0.9999), 0.0),
        "pitch_strength": np.where(there, chosen, 0.0),
        "periodicity": np.where(there, np.clip(top, 0.0, 0.9999), 0.0).max(axis=1),
        "h1_db": _near_db(wide, pitch_hz, range(-2, 3)),
        "h2_db": _near_db(wide, 2.0 * pitch_hz, range(-2, 3)),
    }


def _near_db(wide: Array, hertz: Array, steps: range) -> Array:
    """Return the highest level near some frequencies ``(n_frames, n)``; steps in bins of 7.8 Hz."""
    bins = np.clip(np.round(hertz / _WIDE_HZ), 8, _WIDE_FFT // 2 - 10).astype(np.int64)
    every = np.arange(len(wide))[:, None]
    highest = np.maximum.reduce([wide[every, bins + step] for step in steps])
    return np.asarray(10.0 * np.log10(highest + wide.max(axis=1, keepdims=True) * 1e-9 + _TINY))


def _resonances(wide: Array) -> dict[str, Array]:
    """Find the lowest three resonances below 5 kHz by linear prediction of order 10."""
    top = int(_LPC_TOP_HZ / _WIDE_HZ)
    angles = np.pi * np.arange(top + 1) / top
    emphasised = wide[:, : top + 1] * np.abs(1.0 - 0.97 * np.exp(-1j * angles)) ** 2
    own = fft.irfft(emphasised)[:, : _LPC_ORDER + 1].astype(np.float64)
    own[:, 0] = own[:, 0] * 1.0001 + _TINY
    order = np.arange(_LPC_ORDER)
    matrix = own[:, np.abs(order[:, None] - order)]
    predictor = np.linalg.solve(matrix, own[:, 1:, None])[..., 0]
    companion = np.zeros_like(matrix)
    companion[:, 0] = predictor
    companion[:, order[1:], order[:-1]] = 1.0
    roots = np.linalg.eigvals(companion)
    hertz = np.angle(roots) * _LPC_TOP_HZ / np.pi
    width = -np.log(np.maximum(np.abs(roots), 1e-6)) * 2.0 * _LPC_TOP_HZ / np.pi
    real = (hertz > 150.0) & (hertz < 4_800.0) & (width < 900.0)
    hertz = np.where(real, hertz, np.inf)
    lowest = np.argsort(hertz, axis=1)[:, :N_RESONANCES]
    hertz, width = np.take_along_axis(hertz, lowest, 1), np.take_along_axis(width, lowest, 1)
    there = np.isfinite(hertz)
    at = np.where(there, hertz, 500.0)
    return {
        "resonance": np.where(there, np.log(at), np.nan),
        "bandwidth": np.where(there, np.log(np.maximum(width, 1.0)), np.nan),
        "resonance_db": _near_db(wide, at, range(-8, 9, 2)),
    }

"""Functionals of an utterance so far over its frame features: statistics, pitch track, rhythm; pure functions.

Only the utterance itself is used. The result does not depend on the gain: levels are relative to the utterance's mean.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ...contract import FloatArray
from .voice_frames import COLUMNS, HOP, N_MEL, N_PITCHES, SHAPES

Array = NDArray[np.floating]
FRAME_S = HOP / 16_000
_QUANTILES = np.array([0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98])
_QUIET_DB = -45.0
_FAINT_DB = -30.0
_N_CEPSTRA = 14
_COSINES = (
    np.cos(np.pi * np.arange(1, _N_CEPSTRA + 1)[:, None] * (np.arange(N_MEL) + 0.5) / N_MEL) * np.sqrt(2.0 / N_MEL)
).astype(np.float32)
_MODULATION_HZ = (0.5, 1.5, 2.5, 4.0, 6.0, 8.0, 11.0, 15.0, 20.0, 30.0)
_DELTA_WEIGHT = 0.5
_FEWEST_FRAMES = 5
VOICE_NUMBERS = 1
"""Version of what is measured: raise it whenever the same sound gives other numbers. Caches and bundles carry it."""


def functionals(rows: FloatArray) -> FloatArray:
    """Return the functionals of an utterance so far.

    Parameters
    ----------
    rows : (n_frames, N_COLUMNS) float32
        From :func:`.voice_frames.frame_features`; at least one.

    Returns
    -------
    (n_numbers,) float32
        Finite; their number is always ``len(functional_weights())``.
    """
    return np.concatenate([numbers for _, numbers in _blocks(rows)]).astype(np.float32)


def functional_weights() -> FloatArray:
    """Return the weight of each functional after standardisation: half for those of differences.

    Those of frame-to-frame differences are many and each carries little; with equal weights, a linear model with one
    penalty would rely on them too much.
    """
    blocks = _blocks(np.zeros((_FEWEST_FRAMES, max(c.stop for c in COLUMNS.values())), np.float32))
    return np.concatenate([np.full(len(numbers), weight, np.float32) for weight, numbers in blocks])


def _blocks(rows: FloatArray) -> list[tuple[float, Array]]:
    if len(rows) < _FEWEST_FRAMES:
        rows = np.pad(rows, ((0, _FEWEST_FRAMES - len(rows)), (0, 0)), mode="edge")
    level_db = _column(rows, "level_db")
    relative_db = level_db - level_db.max()
    audible = relative_db > _QUIET_DB
    if audible.sum() < _FEWEST_FRAMES:
        audible = np.ones(len(rows), bool)
    pitch_hz, periodicity, chosen = track_pitch(rows, relative_db)
    voiced = chosen >= 0
    steady = _steady(rows, level_db, periodicity)
    voice = _voice(rows, steady, pitch_hz, periodicity, chosen)
    first = differences(steady)
    second = differences(first)[:, 20 : 20 + _N_CEPSTRA + 2]
    voice_slopes = np.nan_to_num(differences(voice)[voiced])
    voice_filled = _filled(voice[voiced])
    loudness = steady[:, 20 + _N_CEPSTRA + 1]
    return [
        (1.0, _statistics(steady[audible], over_time=True)),
        (_DELTA_WEIGHT, _statistics(first[audible], over_time=False)),
        (_DELTA_WEIGHT, _statistics(second[audible], over_time=False)),
        (1.0, _statistics(voice_filled, over_time=True)),
        (_DELTA_WEIGHT, _statistics(np.hstack((voice_slopes, np.abs(voice_slopes))), over_time=False)),
        (1.0, _rhythm(loudness, audible, voiced, 12.0 * np.log2(pitch_hz / 100.0))),
        (1.0, _modulation(np.column_stack((steady[:, :20].reshape(len(rows), 5, 4).mean(axis=2), loudness)))),
    ]


def _column(rows: FloatArray, name: str) -> Array:
    return rows[:, COLUMNS[name].start]


def _steady(rows: FloatArray, level_db: Array, periodicity: Array) -> Array:
    """Return the features of all frames, voiced or not: bands, cepstra, level, loudness, shape; ``(n_frames, 56)``."""
    mean_level_db = 10.0 * np.log10(np.mean(10.0 ** (level_db / 10.0)) + 1e-12)
    mel = rows[:, COLUMNS["mel"]] - mean_level_db * np.log(10.0) / 10.0
    loudness = _column(rows, "loudness") - 0.33 * mean_level_db * np.log(10.0) / 10.0
    shape = [_column(rows, name) for name in SHAPES if name not in {"loudness", "level_db"}]
    return np.column_stack(
        (
            mel.reshape(len(mel), 20, 2).mean(axis=2),
            mel @ _COSINES.T,
            level_db - mean_level_db,
            loudness,
            *shape,
            harmonics_db(periodicity),
        )
    )


def _voice(rows: FloatArray, steady: Array, pitch_hz: Array, periodicity: Array, chosen: NDArray[np.int64]) -> Array:
    """Return the features of voiced frames; ``(n_frames, 25)``, undefined in other rows."""
    every = np.arange(len(rows))
    candidate = np.maximum(chosen, 0)
    first, second = (rows[:, COLUMNS[name]][every, candidate] for name in ("h1_db", "h2_db"))
    also = [_column(rows, name) for name in ("alpha_ratio", "hammarberg", "slope_500", "slope_1500", "flux")]
    return np.column_stack(
        (
            12.0 * np.log2(pitch_hz / 100.0),
            harmonics_db(periodicity),
            _column(rows, "cepstral_peak"),
            first - second,
            first[:, None] - rows[:, COLUMNS["resonance_db"]],
            rows[:, COLUMNS["resonance"]],
            rows[:, COLUMNS["bandwidth"]],
            steady[:, 20 + _N_CEPSTRA],
            steady[:, 20:26],
            *also,
        )
    )


def harmonics_db(periodicity: Array) -> Array:
    """Return the harmonics-to-noise ratio in dB (-20 to 30) of a periodicity (0..1)."""
    bounded = np.clip(periodicity, 0.01, 0.999)
    return 10.0 * np.log10(bounded / (1.0 - bounded))


def track_pitch(rows: FloatArray, relative_db: Array) -> tuple[Array, Array, NDArray[np.int64]]:
    """Choose one pitch candidate per frame, or none, so that strength is high and jumps are rare (Viterbi).

    Parameters
    ----------
    rows : (n_frames, N_COLUMNS) float32
    relative_db : (n_frames,)
        Level below the utterance's loudest frame.

    Returns
    -------
    pitch_hz : (n_frames,)
        100 Hz where unvoiced.
    periodicity : (n_frames,)
        Of the candidate chosen, else of the best.
    chosen : (n_frames,) int64
        -1 where unvoiced.
    """
    hertz, strength = rows[:, COLUMNS["pitch_hz"]], rows[:, COLUMNS["pitch_strength"]]
    octaves = np.log2(hertz.clip(20.0))
    quiet = np.where(relative_db < _FAINT_DB, 0.25, 0.0)[:, None]
    cost = np.concatenate((quiet - strength, np.full((len(rows), 1), -0.45)), axis=1)
    change = np.full((len(rows), N_PITCHES + 1, N_PITCHES + 1), 0.14)
    change[:, N_PITCHES, N_PITCHES] = 0.0
    change[1:, :N_PITCHES, :N_PITCHES] = 0.35 * np.abs(octaves[1:, None, :] - octaves[:-1, :, None])
    best, came_from = cost[0], np.zeros(cost.shape, np.int64)
    every_state = np.arange(N_PITCHES + 1)
    for now in range(1, len(rows)):
        paths = best[:, None] + change[now]
        came_from[now] = paths.argmin(axis=0)
        best = paths[came_from[now], every_state] + cost[now]
    path = np.empty(len(rows), np.int64)
    path[-1] = best.argmin()
    for now in range(len(rows) - 1, 0, -1):
        path[now - 1] = came_from[now, path[now]]
    voiced = path < N_PITCHES
    every, candidate = np.arange(len(rows)), np.minimum(path, N_PITCHES - 1)
    periodicity = rows[:, COLUMNS["pitch_periodicity"]]
    return (
        np.where(voiced, hertz[every, candidate], 100.0),
        np.where(voiced, periodicity[every, candidate], _column(rows, "periodicity")),
        np.where(voiced, path, -1),
    )


def differences(values: Array) -> Array:
    """Return the slope over five frames, ``(n_frames, n)``, edges repeated."""
    padded = np.pad(values, ((2, 2), (0, 0)), mode="edge")
    n = len(values)
    return (2.0 * (padded[4 : 4 + n] - padded[:n]) + padded[3 : 3 + n] - padded[1 : 1 + n]) / 10.0


def _filled(values: Array) -> Array:
    """Return the values with each NaN replaced by the median of its column, 0 where all are NaN."""
    if not len(values):
        return values
    missing = np.isnan(values)
    middle = np.zeros(values.shape[1], values.dtype)
    some = ~missing.all(axis=0)
    middle[some] = np.nanmedian(values[:, some], axis=0)
    return np.where(missing, middle, values)


def _statistics(values: Array, over_time: bool) -> Array:
    """Return moments, quantiles and ranges of each column; with ``over_time`` also its trend."""
    if len(values) < 3:
        values = np.repeat(values, 3, axis=0) if len(values) else np.zeros((3, values.shape[1]))
    mean = values.mean(axis=0)
    centred = values - mean
    deviation = np.sqrt((centred**2).mean(axis=0)) + 1e-6
    ordered = np.sort(values, axis=0)
    position = _QUANTILES * (len(values) - 1)
    low = position.astype(np.int64)
    part = (position - low)[:, None]
    q = ordered[low] * (1.0 - part) + ordered[np.minimum(low + 1, len(values) - 1)] * part
    skewness = (centred**3).mean(axis=0) / deviation**3
    kurtosis = np.log((centred**4).mean(axis=0) / deviation**4 + 1e-9)
    parts = [mean, deviation, skewness, kurtosis, *q, q[4] - q[2], q[5] - q[1], q[6] - q[0]]
    if over_time:
        parts.extend(_trend(values, centred, deviation, q[0], q[6]))
    return np.concatenate(parts)


def _trend(values: Array, centred: Array, deviation: Array, low: Array, high: Array) -> list[Array]:
    time = np.linspace(-1.0, 1.0, len(values))[:, None]
    slope = (centred * time).mean(axis=0) / (time**2).mean()
    left = centred - slope * time
    bow = time**2 - (time**2).mean()
    relative = (values - low) / (high - low + 1e-6)
    half = len(values) // 2
    return [
        slope,
        (left * bow).mean(axis=0) / (bow**2).mean(),
        np.sqrt((left**2).mean(axis=0)),
        (centred[1:] * centred[:-1]).mean(axis=0) / deviation**2,
        *((relative > level).mean(axis=0) for level in (0.25, 0.75, 0.5)),
        (np.diff(values, axis=0) > 0).mean(axis=0),
        values[half:].mean(axis=0) - values[:half].mean(axis=0),
    ]


def _rhythm(loudness: Array, audible: NDArray[np.bool_], voiced: NDArray[np.bool_], semitones: Array) -> Array:
    """Describe voiced and unvoiced stretches, the pitch within them, and peaks of loudness (about syllables)."""
    seconds = len(loudness) * FRAME_S
    stretches = _stretches(voiced)
    pitched = [semitones[a:b] for a, b in stretches if b - a >= 5]
    slopes = [_slope_per_s(part) for part in pitched] or [0.0]
    means = np.array([part.mean() for part in pitched] or [0.0])
    window = np.hanning(9)
    smooth = np.convolve(np.pad(loudness, 4, mode="edge"), window / window.sum(), "valid")
    peaks = np.flatnonzero((smooth[1:-1] > smooth[:-2]) & (smooth[1:-1] >= smooth[2:])) + 1
    apart = np.diff(peaks) * FRAME_S if len(peaks) > 1 else np.zeros(1)
    rises = np.diff(smooth[peaks]) if len(peaks) > 1 else np.zeros(1)
    parts: tuple[Array | list[float], ...] = (
        [voiced.mean(), audible.mean(), len(stretches) / seconds, len(peaks) / seconds, np.log(seconds + 0.1)],
        _three([(b - a) * FRAME_S for a, b in stretches]),
        _three([(b - a) * FRAME_S for a, b in _stretches(~voiced & audible)]),
        _three(slopes),
        _three(np.abs(slopes)),
        _three([float(np.ptp(part)) for part in pitched] or [0.0]),
        [means.std(), means[-1] - means[0], np.ptp(means)],
        _three(rises),
        _three(apart),
        [smooth[peaks].std() if len(peaks) else 0.0],
    )
    return np.concatenate([np.asarray(part, np.float64) for part in parts])


def _stretches(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.diff(np.concatenate(([0], flags.astype(np.int8), [0])))
    return list(zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True))


def _slope_per_s(values: Array) -> float:
    time = (np.arange(len(values)) - (len(values) - 1) / 2.0) * FRAME_S
    return float(time @ (values - values.mean()) / (time @ time))


def _three(values: Sequence[float] | Array) -> Array:
    found = np.asarray(values, np.float64)
    return np.array([found.mean(), found.std(), found.max()]) if len(found) else np.zeros(3)


def _modulation(courses: Array) -> Array:
    """Return the modulation spectrum of band levels and loudness: log power in ranges of about an octave."""
    centred = (courses - courses.mean(axis=0)) * np.hanning(len(courses))[:, None]
    length = max(256, 1 << (len(courses) - 1).bit_length())
    power = np.abs(np.fft.rfft(centred, length, axis=0)) ** 2 / len(courses)
    hertz = np.linspace(0.0, 0.5 / FRAME_S, len(power))
    return np.concatenate(
        [np.log(power[(hertz >= low) & (hertz < high)].mean(axis=0) + 1e-6) for low, high in pairwise(_MODULATION_HZ)]
    )

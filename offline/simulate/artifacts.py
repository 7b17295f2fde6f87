"""Artifacts of simulated EEG: eyes, muscles, line noise, drifts and bad contacts.

Amplitudes after Croft and Barry (2000, https://doi.org/10.1016/S0987-7053(00)00055-1) for blinks and Goncharova et al.
(2003, https://doi.org/10.1016/S1388-2457(03)00093-2) for facial muscles, whose noise begins at about 15 Hz and is
strongest over the temples and the forehead.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from .difficulty import Difficulty
from .face_plan import FacePlan
from .head_model import CHANNEL_NAMES, field
from .randomness import aspect_rng, ornstein_uhlenbeck

LINE_HZ = 50.0
_MUSCLES: tuple[tuple[tuple[float, float, float], float], ...] = (
    ((-0.95, 0.25, -0.15), 0.45),  # zygomatic and temporal, left
    ((0.95, 0.25, -0.15), 0.45),
    ((-0.30, 0.95, 0.0), 0.40),  # frontal and corrugator
    ((0.30, 0.95, 0.0), 0.40),
)


def add_artifacts(
    scalp_uv: NDArray[np.float64], seed: int, rate_hz: float, face: FacePlan, difficulty: Difficulty
) -> None:
    """Add all artifacts to ``scalp_uv``, ``(n_times, 32)``, in place."""
    rng = aspect_rng(seed, "artifacts")
    times_s = np.arange(len(scalp_uv)) / rate_hz
    _add_blinks(scalp_uv, rng, times_s, face, difficulty)
    _add_muscles(scalp_uv, rng, times_s, face, difficulty)
    _add_amplifier(scalp_uv, rng, times_s, difficulty)
    drifting, bad = rng.choice(len(CHANNEL_NAMES), 2, replace=False)
    rate = rate_hz
    scalp_uv[:, drifting] += (
        difficulty.drift_uv * np.cumsum(ornstein_uhlenbeck(rng, len(times_s), 1, rate, 2.0)[:, 0]) / rate
    )
    # A contact that came off: hardly any EEG, much line noise, crackling.
    crackle = rng.standard_normal(len(times_s)) * 30.0
    crackle += (rng.random(len(times_s)) < 1.0 / rate) * rng.normal(0.0, 2000.0, len(times_s))
    offset = scalp_uv[0, bad]
    scalp_uv[:, bad] = offset + crackle + difficulty.bad_line_uv * np.sin(2.0 * np.pi * LINE_HZ * times_s)


def _add_blinks(
    scalp_uv: NDArray[np.float64],
    rng: np.random.Generator,
    times_s: NDArray[np.float64],
    face: FacePlan,
    difficulty: Difficulty,
) -> None:
    """Add the eyelids' potential at each blink of the face."""
    eyes = field(np.array([0.0, 0.97, -0.25]), 0.42)
    size_uv = difficulty.blink_uv * float(np.exp(rng.normal(0.0, 0.25)))
    lids = np.zeros(len(times_s))
    for blink_s in face.blinks_s:
        first, last = np.searchsorted(times_s, (blink_s - 0.3, blink_s + 0.5))
        since = times_s[first:last] - blink_s
        lids[first:last] += np.exp(-0.5 * (since / np.where(since < 0.0, 0.05, 0.09)) ** 2)
    scalp_uv += np.outer(lids * size_uv, eyes)


def _add_muscles(
    scalp_uv: NDArray[np.float64],
    rng: np.random.Generator,
    times_s: NDArray[np.float64],
    face: FacePlan,
    difficulty: Difficulty,
) -> None:
    """Add muscle noise: smiles at the temples, frowns and raised brows at the forehead, jaw tension at random."""
    intensity, valence, arousal = face.expression_at(times_s)
    smile = intensity * (0.3 + 0.7 * np.clip(valence, 0.0, 1.0))
    brows = intensity * (0.3 + 0.4 * np.clip(-valence, 0.0, 1.0) + 0.3 * np.abs(arousal))
    stray = np.zeros((len(times_s), 2))
    n_stray = rng.poisson(difficulty.stray_muscle_rate * times_s[-1])
    for start_s, length_s, strength, side in zip(
        rng.uniform(0.0, times_s[-1], n_stray),
        rng.uniform(0.4, 2.0, n_stray),
        rng.uniform(0.3, 1.0, n_stray),
        rng.integers(0, 2, n_stray),
        strict=True,
    ):
        stray[:, side] += strength * np.exp(-0.5 * ((times_s - start_s) / (length_s / 2.5)) ** 2)
    drive = (smile + stray[:, 0], smile + stray[:, 1], brows, brows)
    for (place, width), strength in zip(_MUSCLES, drive, strict=True):
        # First difference: the spectrum rises, as that of motor units does up to about 70 Hz.
        units = lfilter([0.75, -0.55], [1.0], rng.standard_normal(len(times_s)))
        scalp_uv += np.outer(difficulty.muscle_uv * strength * units, field(np.array(place), width))


def _add_amplifier(
    scalp_uv: NDArray[np.float64], rng: np.random.Generator, times_s: NDArray[np.float64], difficulty: Difficulty
) -> None:
    """Add sensor noise, line noise with its second harmonic, and electrode offsets of millivolts."""
    n_channels = scalp_uv.shape[1]
    scalp_uv += difficulty.sensor_uv * rng.standard_normal(scalp_uv.shape)
    line_uv = difficulty.line_uv * rng.uniform(0.4, 1.6, n_channels)
    phase = rng.uniform(0.0, 2.0 * np.pi)
    turn = 2.0 * np.pi * LINE_HZ * times_s + phase
    scalp_uv += np.outer(np.sin(turn), line_uv)
    scalp_uv += np.outer(np.sin(2.0 * turn), 0.2 * line_uv)
    scalp_uv += difficulty.offset_uv * rng.standard_normal(n_channels)

"""Simulated EEG: rhythms over the scalp modulated by felt emotion, in a 1/f background.

The modulation: posterior alpha is strong in calm and blocked by arousal (Berger 1929; Barry et al. 2007); alpha
over the left frontal cortex falls, and over the right rises, with valence (Davidson 1992; Coan and Allen 2004);
frontal beta grows with arousal (Ray and Cole 1985); frontal midline theta grows with valence (Sammler et al. 2007)
and posterior theta with arousal (Aftanas et al. 2002). Rhythms are damped oscillators driven by noise (Franaszczuk
and Blinowska 1985). The strengths, and the fluctuation unrelated to emotion, are set by `Difficulty`.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len
from scipy.signal import lfilter

from .artifacts import add_artifacts
from .difficulty import Difficulty
from .face_plan import FacePlan
from .head_model import CHANNEL_NAMES, conduction, field
from .latents import Latents
from .randomness import aspect_rng, ornstein_uhlenbeck

EEG_RATE_HZ = 256.0
_ENVELOPE_RATE_HZ = 32.0

Rhythm = Literal["theta", "alpha", "beta"]
_BANDWIDTH_HZ: dict[Rhythm, float] = {"theta": 1.5, "alpha": 1.5, "beta": 6.0}


@dataclass(frozen=True)
class RhythmSource:
    """One generator of a rhythm.

    Attributes
    ----------
    rhythm : "theta", "alpha" or "beta"
    place : (x, y, z)
        Direction from the middle of the head.
    width_rad : float
    strength : float
        Amplitude relative to ``Difficulty.rhythm_uv``.
    follows : tuple of (parameter, weight)
        How its log amplitude depends on the latents: see `_emotion`.
    """

    rhythm: Rhythm
    place: tuple[float, float, float]
    width_rad: float
    strength: float
    follows: tuple[tuple[str, float], ...] = ()


SOURCES: tuple[RhythmSource, ...] = (
    RhythmSource("alpha", (-0.36, -0.84, 0.40), 0.55, 1.3, (("alpha_calm", -1.0),)),
    RhythmSource("alpha", (0.36, -0.84, 0.40), 0.55, 1.3, (("alpha_calm", -1.0),)),
    RhythmSource("alpha", (0.0, -0.60, 0.80), 0.50, 0.8, (("alpha_calm", -1.0),)),
    RhythmSource("alpha", (-0.55, 0.70, 0.45), 0.45, 0.8, (("alpha_asymmetry", -1.0), ("alpha_calm", -0.3))),
    RhythmSource("alpha", (0.55, 0.70, 0.45), 0.45, 0.8, (("alpha_asymmetry", 1.0), ("alpha_calm", -0.3))),
    RhythmSource("alpha", (-0.70, 0.05, 0.70), 0.35, 0.6),
    RhythmSource("alpha", (0.70, 0.05, 0.70), 0.35, 0.6),
    RhythmSource("theta", (0.0, 0.65, 0.75), 0.45, 0.9, (("theta_valence", 1.0),)),
    RhythmSource("theta", (0.0, -0.70, 0.70), 0.60, 0.7, (("theta_arousal", 1.0),)),
    RhythmSource("theta", (-0.95, -0.10, 0.10), 0.45, 0.6),
    RhythmSource("theta", (0.95, -0.10, 0.10), 0.45, 0.6),
    RhythmSource("beta", (-0.50, 0.75, 0.40), 0.45, 0.55, (("beta_arousal", 1.0),)),
    RhythmSource("beta", (0.50, 0.75, 0.40), 0.45, 0.55, (("beta_arousal", 1.0),)),
    RhythmSource("beta", (0.0, 0.05, 1.0), 0.50, 0.5),
    RhythmSource("beta", (0.0, -0.90, 0.40), 0.60, 0.4),
)
MIDLINE_THETA = 7


@dataclass(frozen=True)
class Brain:
    """Individual parameters of one person's EEG.

    Attributes
    ----------
    gain : float
        Factor on all that comes from the brain.
    rhythm_hz : dict of rhythm to float
        Individual peak frequencies; alpha 8.5-11.5 Hz (Klimesch 1999).
    response : dict of parameter to float
        Factor on each emotional effect.
    baseline_log : (n_sources,) float64
    fields : (n_sources, 32) float64
    """

    gain: float
    rhythm_hz: dict[Rhythm, float]
    response: dict[str, float]
    baseline_log: NDArray[np.float64]
    fields: NDArray[np.float64]


def draw_brain(seed: int, difficulty: Difficulty) -> Brain:
    """Draw the parameters of one person."""
    rng = aspect_rng(seed, "brain")
    effects = ("alpha_calm", "alpha_asymmetry", "beta_arousal", "theta_arousal", "theta_valence")
    return Brain(
        gain=float(np.exp(rng.normal(0.0, 0.25))),
        rhythm_hz={
            "theta": float(rng.uniform(5.3, 6.7)),
            "alpha": float(rng.uniform(8.5, 11.5)),
            "beta": float(rng.uniform(17.0, 23.0)),
        },
        response={name: float(np.exp(rng.normal(0.0, difficulty.response_spread))) for name in effects},
        baseline_log=rng.normal(0.0, 0.25, len(SOURCES)),
        fields=np.stack(
            [
                field(np.array(source.place) + rng.normal(0.0, difficulty.topography_jitter, 3), source.width_rad)
                for source in SOURCES
            ]
        ),
    )


def simulate_eeg(
    seed: int, duration_s: float, latents: Latents, face: FacePlan, difficulty: Difficulty
) -> NDArray[np.float32]:
    """Simulate the raw EEG of one session.

    Parameters
    ----------
    latents : Latents
    face : FacePlan
        Its blinks and expressions reach the electrodes, its cues the midline theta.

    Returns
    -------
    (n_times, 32) float32
        Microvolts against a distant reference, offsets and artifacts included; 256 Hz.
    """
    person = draw_brain(seed, difficulty)
    n_times = round(duration_s * EEG_RATE_HZ)
    rng = aspect_rng(seed, "eeg")
    rhythms = _rhythms(rng, n_times, person) * _envelopes(rng, n_times, latents, face, person, difficulty)
    scalp = rhythms @ (person.fields * difficulty.rhythm_uv)
    scalp += _pink(rng, n_times) @ (conduction(0.5).T * difficulty.background_uv)
    scalp *= person.gain
    add_artifacts(scalp, seed, EEG_RATE_HZ, face, difficulty)
    return scalp.astype(np.float32)


def _envelopes(
    rng: np.random.Generator, n_times: int, latents: Latents, face: FacePlan, person: Brain, difficulty: Difficulty
) -> NDArray[np.float64]:
    """Return each source's amplitude over time, ``(n_times, n_sources)``."""
    n_slow = int(np.ceil(n_times * _ENVELOPE_RATE_HZ / EEG_RATE_HZ)) + 1
    slow_s = np.arange(n_slow) / _ENVELOPE_RATE_HZ
    log = person.baseline_log + _emotion(latents.at(slow_s), person, difficulty)
    log += difficulty.power_fluctuation * ornstein_uhlenbeck(
        rng, n_slow, len(SOURCES), _ENVELOPE_RATE_HZ, difficulty.power_fluctuation_tau_s
    )
    for cue in face.cues:
        log[:, MIDLINE_THETA] += difficulty.cue_log * np.exp(-0.5 * ((slow_s - cue.centre_s) / cue.width_s) ** 2)
    amplitude = np.exp(log) * [source.strength for source in SOURCES]
    times_s = np.arange(n_times) / EEG_RATE_HZ
    return np.stack([np.interp(times_s, slow_s, column) for column in amplitude.T], axis=1)


def _emotion(felt: NDArray[np.float64], person: Brain, difficulty: Difficulty) -> NDArray[np.float64]:
    """Return the changes of log amplitude, ``(n, n_sources)``, by latents ``(n, 2)``."""
    size = {
        "alpha_calm": difficulty.alpha_calm * felt[:, 1],
        "alpha_asymmetry": difficulty.alpha_asymmetry * felt[:, 0],
        "beta_arousal": difficulty.beta_arousal * felt[:, 1],
        "theta_arousal": difficulty.theta_arousal * felt[:, 1],
        "theta_valence": difficulty.theta_valence * felt[:, 0],
    }
    change = np.zeros((len(felt), len(SOURCES)))
    for index, source in enumerate(SOURCES):
        for name, weight in source.follows:
            change[:, index] += weight * person.response[name] * size[name]
    return change


def _rhythms(rng: np.random.Generator, n_times: int, person: Brain) -> NDArray[np.float64]:
    """Draw each source's oscillation with unit variance: a second-order resonator driven by white noise."""
    columns = []
    for source in SOURCES:
        angle = 2.0 * np.pi * person.rhythm_hz[source.rhythm] / EEG_RATE_HZ
        radius = np.exp(-np.pi * _BANDWIDTH_HZ[source.rhythm] / EEG_RATE_HZ)
        a1, a2 = -2.0 * radius * np.cos(angle), radius**2
        # Variance of an AR(2) process driven by unit noise.
        variance = (1.0 + a2) / ((1.0 - a2) * ((1.0 + a2) ** 2 - a1**2))
        columns.append(lfilter([1.0 / np.sqrt(variance)], [1.0, a1, a2], rng.standard_normal(n_times)))
    return np.stack(columns, axis=1)


def _pink(rng: np.random.Generator, n_times: int) -> NDArray[np.float64]:
    """Draw 1/f noise above 0.5 Hz (amplitude 1/sqrt(f)), unit variance, for every electrode."""
    n_fft = next_fast_len(n_times, real=True)
    hertz = np.fft.rfftfreq(n_fft, 1.0 / EEG_RATE_HZ)
    shape = 1.0 / np.sqrt(np.maximum(hertz, 0.5))
    shape[0] = 0.0
    shape *= np.sqrt(n_fft**2 / (4.0 * np.sum(shape**2)))
    n_channels = len(CHANNEL_NAMES)
    spectrum = np.empty((n_channels, len(hertz)), dtype=np.complex128)
    spectrum.real = rng.standard_normal(spectrum.shape)
    spectrum.imag = rng.standard_normal(spectrum.shape)
    return np.asarray(irfft(spectrum * shape, n_fft)[:, :n_times].T)

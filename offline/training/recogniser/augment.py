"""Changed copies of an utterance: at another speed, in noise, through a telephone, only its beginning."""

import numpy as np
import soxr
from scipy.signal import butter, fftconvolve, sosfilt

from ....models.contract import AUDIO_RATE_HZ, FloatArray

SPEEDS = (0.87, 1.15)
TRAINING_SNR_DB = (3.0, 20.0)
_SHIFTED_SPEEDS = (0.7, 1.45)
_SHIFTED_SNR_DB = (-5.0, 15.0)
_OVERDRIVES = (1.5, 8.0)
_DECAYS_S = (0.2, 1.2)
_SHORTEST_S = 0.5
_COMPANDING = 255.0
_FIRST_ECHO_S = 0.003


def at_speed(samples: FloatArray, speed: float) -> FloatArray:
    """Play faster (above 1) or slower: pitch, formants and tempo change together, as they differ between speakers."""
    return np.asarray(soxr.resample(samples, AUDIO_RATE_HZ, AUDIO_RATE_HZ / speed), np.float32)


def with_noise(samples: FloatArray, snr_db: float, tilt: float, rng: np.random.Generator) -> FloatArray:
    """Add noise whose power falls as frequency to the ``tilt`` (0 white, 1 pink, 2 brown) above 50 Hz."""
    hertz = np.fft.rfftfreq(len(samples), 1.0 / AUDIO_RATE_HZ)
    spectrum = np.fft.rfft(rng.standard_normal(len(samples))) / np.maximum(hertz, 50.0) ** (tilt / 2.0)
    noise = np.fft.irfft(spectrum, len(samples))
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    gain = np.sqrt(power / np.mean(noise**2) / 10.0 ** (snr_db / 10.0))
    return np.asarray(samples + gain * noise, np.float32)


def by_telephone(samples: FloatArray) -> FloatArray:
    """Keep 300 to 3400 Hz and 8 bits by the mu-law."""
    band = sosfilt(butter(4, (300.0, 3_400.0), "bandpass", fs=AUDIO_RATE_HZ, output="sos"), samples)
    peak = float(np.abs(band).max()) + 1e-9
    code = np.round(np.sign(band) * np.log1p(_COMPANDING * np.abs(band) / peak) / np.log1p(_COMPANDING) * 127.0) / 127.0
    back = np.sign(code) * np.expm1(np.abs(code) * np.log1p(_COMPANDING)) / _COMPANDING
    return np.asarray(back * peak, np.float32)


def overdriven(samples: FloatArray, times: float) -> FloatArray:
    """Clip at the peak divided by ``times``, as a microphone does whose gain is too high."""
    top = float(np.abs(samples).max()) / times
    return np.asarray(np.clip(samples, -top, top), np.float32)


def in_a_room(samples: FloatArray, decay_s: float, rng: np.random.Generator) -> FloatArray:
    """Add a room's echo: noise that falls by 60 dB in ``decay_s``, as strong as the direct sound (Moorer 1979)."""
    n = round(decay_s * AUDIO_RATE_HZ)
    tail = rng.standard_normal(n) * 10.0 ** (-3.0 * np.arange(n) / n)
    tail[: round(_FIRST_ECHO_S * AUDIO_RATE_HZ)] = 0.0
    tail *= 1.0 / np.sqrt(np.sum(tail**2))
    heard = samples + fftconvolve(samples, tail)[: len(samples)]
    return np.asarray(heard * (np.abs(samples).max() / max(float(np.abs(heard).max()), 1e-9)), np.float32)


def beginning(samples: FloatArray, seconds: float) -> FloatArray:
    """Keep the first seconds."""
    return samples[: round(seconds * AUDIO_RATE_HZ)]


def augment(kind: str, samples: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return one changed copy to train on, of a kind that the config's ``copies`` names."""
    if kind == "first_1s":
        return beginning(samples, 1.0)
    if kind == "first_2s":
        return beginning(samples, 2.0)
    faster = at_speed(samples, float(np.exp(rng.uniform(*np.log(SPEEDS)))))
    if kind == "noise":
        return with_noise(faster, rng.uniform(*TRAINING_SNR_DB), rng.uniform(-0.3, 2.0), rng)
    return by_telephone(faster) if kind == "telephone" else faster


def apply_condition(name: str, samples: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return an utterance under one of :data:`CONDITIONS`."""
    if name == "first second":
        return beginning(samples, 1.0)
    if name.startswith("noise"):
        return with_noise(samples, float(name.split()[1]), 1.0, rng)
    return by_telephone(samples) if name == "telephone" else samples


def shift(kind: str, samples: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return an utterance as far from the training corpus as another recording may be, of one of :data:`SHIFTS`."""
    if kind in ("speed", "mixed"):
        samples = at_speed(samples, float(np.exp(rng.uniform(*np.log(_SHIFTED_SPEEDS)))))
    if kind in ("gain", "mixed"):
        samples = overdriven(samples, rng.uniform(*_OVERDRIVES))
    if kind in ("reverberation", "mixed"):
        samples = in_a_room(samples, rng.uniform(*_DECAYS_S), rng)
    if kind in ("noise", "mixed"):
        samples = with_noise(samples, rng.uniform(*_SHIFTED_SNR_DB), rng.uniform(-0.3, 2.0), rng)
    if kind == "telephone" or (kind == "mixed" and rng.random() < 0.5):
        samples = by_telephone(samples)
    return samples


SHIFTS = ("noise", "telephone", "speed", "gain", "reverberation", "mixed")
"""Simulated shifts of the domain that confidence is tempered under; "mixed" is all of them, telephone in half."""
CONDITIONS = ("whole", "first second", "noise 10 dB", "noise 0 dB", "telephone")
"""Conditions of the test."""

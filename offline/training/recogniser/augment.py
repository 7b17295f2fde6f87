"""Changed copies of an utterance: at another speed, in noise, through a telephone, only its beginning."""

import numpy as np
import soxr
from scipy.signal import butter, sosfilt

from ....models.contract import AUDIO_RATE_HZ, FloatArray

SPEEDS = (0.87, 1.15)
TRAINING_SNR_DB = (3.0, 20.0)
_SHORTEST_S = 0.5
_COMPANDING = 255.0


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


CONDITIONS = ("whole", "first second", "noise 10 dB", "noise 0 dB", "telephone")
"""Conditions of the test."""

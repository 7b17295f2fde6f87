"""Bring any audio to the 16 kHz, one-channel form that a recording holds."""

from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from ...models.contract import AUDIO_RATE_HZ, Signal, TimeArray


def speech_signal(samples: NDArray[Any], stamps_s: TimeArray, rate_hz: float, name: str) -> Signal:
    """Average the channels, scale whole numbers to -1..1 and resample.

    Parameters
    ----------
    samples : (n_times, n_channels)
        Floats in -1..1, or whole numbers over their type's range.
    stamps_s : (n_times,) float64
    rate_hz : float
        The nominal rate of the samples.

    Returns
    -------
    Signal
        At 16 kHz; where the rate was another, stamps are interpolated between those that came.
    """
    scale = 1.0 / (np.iinfo(samples.dtype).max + 1) if samples.dtype.kind == "i" else 1.0
    mono = (samples.astype(np.float32) * np.float32(scale)).mean(axis=1, dtype=np.float32)
    if round(rate_hz) != AUDIO_RATE_HZ and len(mono):
        mono = np.asarray(soxr.resample(mono, rate_hz, AUDIO_RATE_HZ), dtype=np.float32)
        mono = np.clip(mono, -1.0, 1.0)  # resampling overshoots at full scale
        positions = np.arange(len(mono), dtype=np.float64) * (rate_hz / AUDIO_RATE_HZ)
        stamps_s = _interpolated(positions, stamps_s, rate_hz)
    return Signal(mono[:, np.newaxis], stamps_s, float(AUDIO_RATE_HZ), ("audio",), name)


def _interpolated(positions: TimeArray, stamps_s: TimeArray, rate_hz: float) -> TimeArray:
    """Give the stamps at fractional sample positions, going on at the nominal rate beyond the last."""
    last = len(stamps_s) - 1
    beyond_s = np.maximum(positions - last, 0.0) / rate_hz
    return np.interp(positions, np.arange(len(stamps_s)), stamps_s) + beyond_s

"""Speech as images: 64 mel bands, 64 frames, and the static, delta and delta-delta values as three channels.

Zhang S. et al. (2018), Learning affective features with a hybrid deep model for audio-visual emotion recognition, IEEE
Transactions on Circuits and Systems for Video Technology 28(10), https://doi.org/10.1109/TCSVT.2017.2719043: bands from
20 to 8000 Hz, Hamming windows of 25 ms every 10 ms, so that an image shows 655 ms.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from ...contract import AUDIO_RATE_HZ, FloatArray

BANDS = 64
FRAMES = 64
HOP = 160
WINDOW = 400
_FFT = 1024
_LOW_HZ, _HIGH_HZ = 20.0, 8_000.0
_DELTA_REACH = 2  # frames to each side, as usual for regression deltas
_FLOOR = 1e-8  # of the loudest band of the utterance: 80 dB below it
_QUIET = 1e-4  # of the loudest frame: what lies before the first and after the last frame above it is no speech


def log_mel_channels(samples: FloatArray) -> FloatArray:
    """Return the three channels of an utterance from its first loud frame to its last.

    Parameters
    ----------
    samples : (n,) float32
        16 kHz, at any gain; the result does not depend on it.

    Returns
    -------
    (n_frames, 64, 3) float32
        Frames, bands, and static, delta and delta-delta; each channel has mean 0 and variance 1 over the utterance. At
        least 64 frames: a shorter utterance repeats its last one.
    """
    padded = np.pad(samples, (0, max(0, WINDOW - len(samples)))).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    power = np.abs(fft.rfft(frames * _WINDOW, _FFT, axis=1)) ** 2
    loudness = power.sum(axis=1)
    loud = np.flatnonzero(loudness > _QUIET * loudness.max())
    if len(loud):
        power = power[loud[0] : loud[-1] + 1]
    bands = power @ _FILTERS.T
    static = np.log(np.maximum(bands, _FLOOR * bands.max() + 1e-20))
    static = np.pad(static, ((0, max(0, FRAMES - len(static))), (0, 0)), mode="edge")
    first = delta(static)
    channels = np.stack((static, first, delta(first)), axis=2)
    channels -= channels.mean(axis=(0, 1))
    spread = channels.std(axis=(0, 1))
    return np.asarray(channels / np.maximum(spread, 1e-6), np.float32)


def delta(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the slope of each column over time by regression over five frames; the ends repeat.

    Parameters
    ----------
    values : (n_frames, n_bands)
    """
    reach = np.arange(1, _DELTA_REACH + 1)
    around = np.pad(values, ((_DELTA_REACH, _DELTA_REACH), (0, 0)), mode="edge")
    n = len(values)
    slope = sum(
        k * (around[_DELTA_REACH + k : _DELTA_REACH + k + n] - around[_DELTA_REACH - k : _DELTA_REACH - k + n])
        for k in reach
    )
    return np.asarray(slope / (2.0 * float(np.square(reach).sum())))


def images(channels: FloatArray, hop: int) -> FloatArray:
    """Cut an utterance into images.

    Parameters
    ----------
    channels : (n_frames, 64, 3) float32
    hop : int
        Frames between the starts of two images. The last one ends where the utterance ends.

    Returns
    -------
    (n, 3, 64, 64) float32
        Channels, bands (the lowest first), frames.
    """
    last = len(channels) - FRAMES
    starts = [*range(0, last, hop), last]
    return np.stack([channels[start : start + FRAMES].transpose(2, 1, 0) for start in starts])


def _mel_filters() -> FloatArray:
    """Return triangular filters of equal area, equally spaced in mel, ``(64, 513)``."""
    low, high = (2595.0 * np.log10(1.0 + hertz / 700.0) for hertz in (_LOW_HZ, _HIGH_HZ))
    edges = 700.0 * (10.0 ** (np.linspace(low, high, BANDS + 2) / 2595.0) - 1.0)
    hertz = np.arange(_FFT // 2 + 1) * AUDIO_RATE_HZ / _FFT
    rising = (hertz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - hertz) / (edges[2:] - edges[1:-1])[:, None]
    bands = np.maximum(0.0, np.minimum(rising, falling))
    return np.asarray(bands / bands.sum(axis=1, keepdims=True), np.float32)


_WINDOW = np.hamming(WINDOW).astype(np.float32)
_FILTERS = _mel_filters()

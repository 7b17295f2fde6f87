"""The spectrogram of the newest sound, column by column."""

import numpy as np
from numpy.typing import NDArray

from ....models.contract import AUDIO_RATE_HZ
from .decimation import Readable

HOP = 400
WINDOW = 800
COLUMNS = 6 * AUDIO_RATE_HZ // HOP
BINS = 96
HIGHEST_HZ = 5000.0
_FLOOR_DB, _CEILING_DB = -90.0, -20.0


class Spectrogram:
    """The last six seconds of sound as levels of 96 bands up to 5 kHz; only new samples are transformed.

    Parameters
    ----------
    ring : Readable
        Mono sound at 16 kHz.
    """

    def __init__(self, ring: Readable) -> None:
        self._ring = ring
        self._levels = np.zeros((COLUMNS, BINS), np.uint8)
        self._hann = np.hanning(WINDOW).astype(np.float32)
        # Bands as wide as the ear's: evenly spaced on the mel scale.
        mel = np.linspace(_mel(60.0), _mel(HIGHEST_HZ), BINS)
        self._rows = np.clip(np.rint(_hertz(mel) * WINDOW / AUDIO_RATE_HZ).astype(int), 1, WINDOW // 2)
        self._next = self._start()

    def advance(self) -> None:
        """Take in what is new."""
        if self._ring.count - self._next > COLUMNS * HOP + WINDOW:
            self._next = self._start()
        columns = (self._ring.count - self._next - WINDOW + HOP) // HOP
        if columns < 1:
            return
        cut = self._ring.between(self._next, self._next + (columns - 1) * HOP + WINDOW)
        if cut.first != self._next:
            self._next = self._start()
            return
        frames = np.lib.stride_tricks.sliding_window_view(cut.samples[:, 0], WINDOW)[::HOP]
        power = np.abs(np.fft.rfft(frames * self._hann, axis=1))[:, self._rows] * (4.0 / WINDOW)
        decibels = 20.0 * np.log10(np.maximum(power, 1e-9))
        shares = np.clip((decibels - _FLOOR_DB) / (_CEILING_DB - _FLOOR_DB), 0.0, 1.0)
        places = np.arange(self._next // HOP, self._next // HOP + columns) % COLUMNS
        self._levels[places] = (255 * shares).astype(np.uint8)
        self._next += columns * HOP

    def picture(self) -> NDArray[np.uint8]:
        """Return the levels, ``(BINS, COLUMNS)``: the highest frequency in row 0, the newest in the last column."""
        newest = self._next // HOP
        return np.ascontiguousarray(self._levels[np.arange(newest - COLUMNS, newest) % COLUMNS].T[::-1])

    def _start(self) -> int:
        oldest = self._ring.between(self._ring.count - COLUMNS * HOP - WINDOW, self._ring.count).first
        return -(-oldest // HOP) * HOP


def _mel(hertz: float) -> float:
    return float(2595.0 * np.log10(1.0 + hertz / 700.0))


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(700.0 * (10.0 ** (mel / 2595.0) - 1.0))

"""Bring audio of any rate to 16 kHz as it comes."""

import numpy as np
import soxr

from ...models.contract import AUDIO_RATE_HZ, FloatArray, TimeArray


class StreamResampler:
    """A soxr stream that keeps count, so that every output sample has a stamp.

    Parameters
    ----------
    rate_hz : float
        Of the samples that come.
    """

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._start()

    def _start(self) -> None:
        self._stream = soxr.ResampleStream(self._rate_hz, AUDIO_RATE_HZ, 1, dtype="float32", quality="HQ")
        self._taken = 0
        self._given = 0

    def step(self, samples: FloatArray, stamps_s: TimeArray, gap: bool) -> tuple[FloatArray, TimeArray]:
        """Resample what comes next.

        Parameters
        ----------
        samples : (n,) float32
        stamps_s : (n,) float64
        gap : bool
            Start anew: samples are missing before these.

        Returns
        -------
        samples : (m,) float32
            At 16 kHz; what the filter still holds back comes with later calls.
        stamps_s : (m,) float64
        """
        steps_s = np.diff(stamps_s)
        if gap or (len(steps_s) and float(steps_s.max()) > 0.1):
            self._start()
        self._taken += len(samples)
        out: FloatArray = np.asarray(self._stream.resample_chunk(samples), np.float32)
        # Output sample k is the moment k / 16000 of the input: count back from the newest input's stamp.
        index = np.arange(self._given, self._given + len(out))
        self._given += len(out)
        behind_s = (self._taken - 1) / self._rate_hz - index / AUDIO_RATE_HZ
        return out, float(stamps_s[-1]) - behind_s if len(stamps_s) else np.empty(0)

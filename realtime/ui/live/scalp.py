"""Maps of theta, alpha and beta over the head, of the newest seconds of EEG."""

import numpy as np
from numpy.typing import NDArray

from ....models.contract import BoolArray, FloatArray, RingSlice
from .view import ScalpImages

SIZE = 40
SPAN_S = 2.0
_BANDS_HZ = ((4.0, 8.0), (8.0, 13.0), (13.0, 30.0))


class ScalpMaps:
    """Make the maps of one stream; the interpolation is kept for a set of good channels.

    Parameters
    ----------
    names : tuple of str
        Channels of the stream.
    rate_hz : float
    """

    def __init__(self, names: tuple[str, ...], rate_hz: float) -> None:
        from ....models.signals.eeg.montage import positions
        from ....models.signals.eeg.scalp_images import HALF_SIDE, ScalpMapper

        self._rate_hz = rate_hz
        self._mapper = ScalpMapper(names, SIZE, capacity=4)
        self._places: NDArray[np.float64] = positions(names) / HALF_SIDE

    def images(self, cut: RingSlice, good: BoolArray) -> ScalpImages | None:
        """Return the maps of a stretch of filtered EEG; None where it is too short, or no head can be drawn."""
        if len(cut) < self._rate_hz or not cut.valid.all():
            return None
        scalp = self._mapper.map(good)
        if not scalp.mask.any():
            return None
        decibels = _band_decibels(cut.samples, self._rate_hz)
        decibels = decibels - decibels[scalp.used].mean(axis=0)
        return ScalpImages(self._mapper.images(decibels, good), scalp.mask, self._places[scalp.used])


def _band_decibels(samples: NDArray[np.generic], rate_hz: float) -> FloatArray:
    """Return the power of each channel in each band, ``(n_channels, 3)`` in decibels."""
    tapered = np.asarray(samples, np.float32) * np.hanning(len(samples)).astype(np.float32)[:, None]
    power = np.abs(np.fft.rfft(tapered, axis=0)) ** 2
    hertz = np.fft.rfftfreq(len(samples), 1.0 / rate_hz)
    bands = [power[(hertz >= low) & (hertz < high)].mean(axis=0) for low, high in _BANDS_HZ]
    return np.asarray(10.0 * np.log10(np.stack(bands, axis=1) + 1e-12), np.float32)

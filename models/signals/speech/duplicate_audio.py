"""Fraction of audio that is a copy of other audio in the same set, so that copies do not count as more speech."""

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import maximum_filter1d

from ...contract import FloatArray

_REACH = 160  # a landmark is louder than everything 10 ms before and after it: about fifty a second
_PRINT = 64  # 4 ms of samples after it, which no two landmarks of one recording share by chance
_STEPS = 256
_QUIET = 1e-3  # close to silence few values occur, which may repeat


def duplicated_fraction(pieces: Sequence[FloatArray]) -> float:
    """Return the fraction of audio that occurred before.

    Landmarks (samples louder than their neighbourhood) are the same in a copy however its pauses were cut. The samples
    after each are compared relative to it, so a copy at another volume is found too; one that was resampled or
    compressed again is not.

    Parameters
    ----------
    pieces : sequence of (n,) float32
        16 kHz, in -1..1.

    Returns
    -------
    float
        Of the landmarks, those that occurred before (0..1); 0 without landmarks.
    """
    seen: set[bytes] = set()
    count = repeated = 0
    for piece in pieces:
        for fingerprint in _fingerprints(piece):
            count += 1
            repeated += fingerprint in seen
            seen.add(fingerprint)
    return repeated / count if count else 0.0


def _fingerprints(piece: FloatArray) -> list[bytes]:
    if len(piece) < 2 * _REACH + _PRINT:
        return []
    loud = np.abs(piece)
    inner = slice(_REACH, len(piece) - _REACH)
    highest = maximum_filter1d(loud, 2 * _REACH + 1)[inner]
    marks = np.flatnonzero((loud[inner] >= highest) & (loud[inner] > _QUIET)) + _REACH
    return [
        np.rint(piece[mark : mark + _PRINT] * (_STEPS / loud[mark])).astype(np.int16).tobytes()
        for mark in marks
        if mark + _PRINT <= len(piece)
    ]

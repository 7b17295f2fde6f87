"""How much of what was recorded is there more than once: copies of a recording are no more of a voice than one is."""

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import maximum_filter1d

from ...contract import FloatArray

_REACH = 160  # a landmark is louder than everything 10 ms before and behind it: some fifty a second
_PRINT = 64  # 4 ms of samples from there on; of one recording they never come twice by chance
_STEPS = 256
_QUIET = 1e-3  # what is near silence has few values, and may well repeat


def repeated_share(pieces: Sequence[FloatArray]) -> float:
    """Tell which share of the sound has been heard before, sample by sample, wherever it was cut.

    Landmarks (samples louder than all around them) are found again in a copy however its pauses were cut; the
    samples behind each, as parts of it, are compared: a copy at another volume is one, too. What was resampled or
    compressed anew is not told.

    Parameters
    ----------
    pieces : sequence of (n,) float32
        16 kHz, in -1..1.

    Returns
    -------
    float
        0..1: of the landmarks, those that came before; 0 where there are none.
    """
    seen: set[bytes] = set()
    count = again = 0
    for piece in pieces:
        for print_ in _prints(piece):
            count += 1
            again += print_ in seen
            seen.add(print_)
    return again / count if count else 0.0


def _prints(piece: FloatArray) -> list[bytes]:
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

"""Conformal sets: the classes that remain possible."""

import numpy as np

from ..contract import FloatArray


def kept(probabilities: FloatArray, threshold: float) -> tuple[int, ...]:
    """Return the indices of the classes whose probability reaches the threshold, at least the most probable one."""
    chosen = tuple(int(i) for i in np.flatnonzero(probabilities >= threshold))
    return chosen or (int(np.argmax(probabilities)),)

"""The mean over frames that weigh exponentially less the older they are."""

import math

import numpy as np
from numpy.typing import NDArray

SMOOTHING_S = 0.5
"""Time constant."""


def smoothed(mean: NDArray[np.float64] | None, new: NDArray[np.float64], since_s: float) -> NDArray[np.float64]:
    """Return the mean with a new row; the row alone where there was none.

    Parameters
    ----------
    mean : (n,) float64 or None
    new : (n,) float64
    since_s : float
        Since the row before.
    """
    if mean is None:
        return new
    kept = math.exp(-since_s / SMOOTHING_S)
    return kept * mean + (1.0 - kept) * new

"""Random numbers that depend on the person and the aspect, not on the order of calls."""

import zlib

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter


def aspect_rng(seed: int, aspect: str) -> np.random.Generator:
    """Return the random generator of one aspect (such as ``"voice"``) of the person with this seed.

    Aspects are independent, so a change in one leaves the others as they were.
    """
    return np.random.default_rng(np.random.SeedSequence([seed, zlib.crc32(aspect.encode())]))


def ornstein_uhlenbeck(
    rng: np.random.Generator, n_times: int, n_series: int, rate_hz: float, tau_s: float
) -> NDArray[np.float64]:
    """Draw Ornstein-Uhlenbeck series of unit variance and time constant ``tau_s``.

    Returns
    -------
    (n_times, n_series) float64
    """
    keep = float(np.exp(-1.0 / (rate_hz * tau_s)))
    kicks = rng.standard_normal((n_times, n_series)) * np.sqrt(1.0 - keep**2)
    kicks[0] /= np.sqrt(1.0 - keep**2)
    return np.asarray(lfilter([1.0], [1.0, -keep], kicks, axis=0))

"""Artifacts estimated by a wavelet soft threshold and subtracted, on a stream with a fixed delay.

The transform is undecimated ("à trous") with the cubic B-spline [1]_: each level is the difference of two smoothings,
so that the signal is the sum of its levels. In each level the soft threshold keeps what exceeds the universal
threshold sigma * sqrt(2 ln n), n the samples of a second [2]_: that is the artifact, since ongoing rhythms stay below,
and it is subtracted. Sigma is each level's own, as rhythms are no white noise [3]_: from the median absolute
coefficient of the seconds before, which a transient does not move.

The smoothing is symmetric, so that a clean sample comes a fixed number of samples late. :func:`step` cleans chunks of
a stream, :func:`clean` a whole recording at once: the same numbers within 1e-9 of the largest sample.

References
----------
.. [1] Shensa M. J. (1992), The discrete wavelet transform: wedding the à trous and Mallat algorithms, IEEE
   Transactions on Signal Processing 40(10), 2464-2482, https://doi.org/10.1109/78.157290
.. [2] Donoho D. L., Johnstone I. M. (1994), Ideal spatial adaptation by wavelet shrinkage, Biometrika 81(3), 425-455,
   https://doi.org/10.1093/biomet/81.3.425
.. [3] Johnstone I. M., Silverman B. W. (1997), Wavelet threshold estimators for data with correlated noise, Journal
   of the Royal Statistical Society B 59(2), 319-351, https://doi.org/10.1111/1467-9868.00071
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]

SLOWEST_HZ = 4.0
"""The slowest level of detail begins here; what is slower is one more level."""
BLOCK_S = 0.25
MEMORY_BLOCKS = 32
"""Sigma is estimated from the last eight seconds."""
FEWEST_BLOCKS = 4
"""For the first second nothing is subtracted."""
_SPLINE = (1.0 / 16.0, 4.0 / 16.0, 6.0 / 16.0, 4.0 / 16.0, 1.0 / 16.0)
# MAD of a Gaussian with standard deviation 1.
_MAD_OF_UNIT_GAUSSIAN = 0.6745


@dataclass(frozen=True)
class SoftThresholdState:
    """State between chunks.

    Attributes
    ----------
    rate_hz : float
    history : tuple of (4 * 2**level, n_channels) float64
        The inputs that each level's smoothing still needs.
    waiting : tuple of (n_waiting, n_channels) float64
        Levels of detail that are ready before the slowest one.
    skip : int
        Outputs to come that lie before the first sample.
    block : (n_levels, n_times, n_channels) float64
        Absolute coefficients of the block that is not whole yet.
    medians : (n_levels, n_blocks, n_channels) float64
        Of the absolute coefficients of the last whole blocks.
    """

    rate_hz: float
    history: tuple[Samples, ...]
    waiting: tuple[Samples, ...]
    skip: int
    block: Samples
    medians: Samples


def detail_levels(rate_hz: float) -> int:
    """Return the number of levels of detail."""
    return max(1, round(float(np.log2(rate_hz / SLOWEST_HZ))) - 1)


def delay_samples(rate_hz: float) -> int:
    """Return by how many samples the output is late: 62 at 256 Hz, about a quarter of a second at any rate."""
    return 2 * ((1 << detail_levels(rate_hz)) - 1)


def start(rate_hz: float, n_channels: int) -> SoftThresholdState:
    """Return the state before the first sample; also after a gap."""
    levels, late = detail_levels(rate_hz), delay_samples(rate_hz)
    return SoftThresholdState(
        rate_hz=rate_hz,
        history=tuple(np.zeros((4 * 2**level, n_channels)) for level in range(levels)),
        waiting=tuple(np.zeros((late - 2 * (2 ** (level + 1) - 1), n_channels)) for level in range(levels)),
        skip=late,
        block=np.zeros((levels + 1, 0, n_channels)),
        medians=np.zeros((levels + 1, 0, n_channels)),
    )


def step(state: SoftThresholdState, samples_uv: NDArray[np.floating]) -> tuple[Samples, SoftThresholdState]:
    """Clean the next chunk of a stream.

    Parameters
    ----------
    state : SoftThresholdState
    samples_uv : (n_times, n_channels)

    Returns
    -------
    clean : (n_out, n_channels) float64
        The next clean samples, in order; as many as came in, but for the first :func:`delay_samples` of a stream.
    state : SoftThresholdState
        For the next chunk. The result does not depend on how the samples were cut into chunks.
    """
    levels, history, waiting = _levels(state, np.asarray(samples_uv, np.float64))
    skipped = min(state.skip, levels.shape[1])
    levels = levels[:, skipped:]
    width = max(1, round(BLOCK_S * state.rate_hz))
    block, medians, pieces = state.block, state.medians, [levels[0, :0]]
    at = 0
    while at < levels.shape[1]:
        piece = levels[:, at : at + width - block.shape[1]]
        pieces.append(piece.sum(axis=0) - _artifact(piece, medians, state.rate_hz))
        block = np.concatenate([block, np.abs(piece)], axis=1)
        at += piece.shape[1]
        if block.shape[1] == width:
            medians = np.concatenate([medians, np.median(block, axis=1)[:, None]], axis=1)[:, -MEMORY_BLOCKS:]
            block = block[:, :0]
    after = SoftThresholdState(state.rate_hz, history, waiting, state.skip - skipped, block, medians)
    return np.concatenate(pieces), after


def clean(samples_uv: NDArray[np.floating], rate_hz: float) -> Samples:
    """Clean a whole recording without delay, ``(n_times, n_channels)`` float64; silence follows its last sample."""
    silence = np.zeros((delay_samples(rate_hz), samples_uv.shape[1]))
    cleaned, _ = step(start(rate_hz, samples_uv.shape[1]), np.concatenate([samples_uv, silence]))
    return cleaned


def _levels(state: SoftThresholdState, samples: Samples) -> tuple[Samples, tuple[Samples, ...], tuple[Samples, ...]]:
    """Return the levels of one moment, the slowest last: ``(n_levels, n_times, n_channels)``; history and waiting."""
    coarse, n_times = samples, len(samples)
    levels, histories, waitings = [], [], []
    for level, (history, waiting) in enumerate(zip(state.history, state.waiting, strict=True)):
        hole = 2**level
        joined = np.concatenate([history, coarse])
        taps = [joined[tap * hole : tap * hole + n_times] for tap in range(len(_SPLINE))]
        coarse = np.sum([weight * tap for weight, tap in zip(_SPLINE, taps, strict=True)], axis=0)
        detail = np.concatenate([waiting, taps[2] - coarse])
        levels.append(detail[:n_times])
        waitings.append(detail[n_times:])
        histories.append(joined[n_times:])
    return np.stack([*levels, coarse]), tuple(histories), tuple(waitings)


def _artifact(levels: Samples, medians: Samples, rate_hz: float) -> Samples:
    """Return the sum of what the levels have beyond their thresholds, ``(n_times, n_channels)``."""
    if medians.shape[1] < FEWEST_BLOCKS:
        return np.zeros(levels.shape[1:])
    sigma = np.median(medians, axis=1) / _MAD_OF_UNIT_GAUSSIAN
    threshold = (np.sqrt(2.0 * np.log(rate_hz)) * sigma)[:, None]
    beyond: Samples = (levels - np.clip(levels, -threshold, threshold)).sum(axis=0)
    return beyond

"""EEG of any montage at the electrodes that a model was trained with: interpolated, or those of its montage alone."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ...contract import BoolArray, EegWindow
from .montage import POSITIONS, canonical_name, scalp_channels

# Width of the kernel in units of the projection (vertex to equator 1): about twice the distance of 10-20 neighbours.
_WIDTH = 0.8
_NOISE = 0.05
_KEPT = 64


def of_montage(window: EegWindow, electrodes: Sequence[str]) -> EegWindow:
    """Return a window of some electrodes alone, referenced to the average of the good ones among them.

    Parameters
    ----------
    window : EegWindow
        Referenced to any average: that of some of its channels is the same whatever they were referenced to before.
    electrodes : sequence of str
        10-10 names; those that are not there are left out. Empty returns the window as it is.
    """
    if not electrodes:
        return window
    wanted = {canonical_name(name) for name in electrodes}
    kept = [index for index, name in enumerate(window.channel_names) if canonical_name(name) in wanted]
    samples, good = window.samples_uv[:, kept], window.good[kept]
    if good.any():
        samples = samples - samples[:, good].mean(axis=1, keepdims=True)
    return replace(window, samples_uv=samples, good=good, channel_names=tuple(window.channel_names[i] for i in kept))


def interpolation(channel_names: Sequence[str], good: BoolArray, electrodes: tuple[str, ...]) -> NDArray[np.float64]:
    """Return the weights that bring the good channels of the scalp to electrodes.

    An electrode that is a good channel is taken as it is. Any other one is estimated from all good channels by kriging
    with a Gaussian kernel on the projected positions.

    Parameters
    ----------
    channel_names : sequence of str
    good : (n_channels,) bool
    electrodes : tuple of str
        Canonical 10-10 names.

    Returns
    -------
    (n_channels, n_electrodes) float64
        Multiply samples ``(n_times, n_channels)`` by it; zero everywhere where no good channel is on the scalp.
    """
    return _weights(tuple(channel_names), tuple(bool(one) for one in good), electrodes)


@lru_cache(maxsize=_KEPT)
def _weights(names: tuple[str, ...], good: tuple[bool, ...], electrodes: tuple[str, ...]) -> NDArray[np.float64]:
    rows = np.flatnonzero(scalp_channels(names) & np.array(good))
    sources = [canonical_name(names[row]) or "" for row in rows]
    weights = np.zeros((len(names), len(electrodes)))
    if len(rows):
        there, wanted = (np.array([POSITIONS[name] for name in which]) for which in (sources, electrodes))
        kernel = _kernel(there, there) + _NOISE * np.eye(len(there))
        weights[rows] = np.linalg.solve(kernel, _kernel(there, wanted))
        for column, electrode in enumerate(electrodes):
            if electrode in sources:
                weights[:, column] = 0.0
                weights[rows[sources.index(electrode)], column] = 1.0
    weights.flags.writeable = False  # shared by all callers
    return weights


def _kernel(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    squared = ((first[:, None] - second[None]) ** 2).sum(axis=2)
    kernel: NDArray[np.float64] = np.exp(-squared / (2.0 * _WIDTH**2))
    return kernel

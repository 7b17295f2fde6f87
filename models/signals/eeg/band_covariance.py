"""Covariance of the electrodes in bands of frequency, and how it deviates from a reference such as rest.

The covariance of each window is taken relative to a reference in the tangent space of symmetric positive definite
matrices (Barachant, Bonnet, Congedo and Jutten 2013, Classification of covariance matrices using a Riemannian-based
kernel for BCI applications), with the log-Euclidean mean as reference (Arsigny, Fillard, Pennec and Ayache 2006).
Referring each person to their own rest brings people close to each other (Zanini, Congedo, Jutten, Said and Berthoumieu
2018, Transfer learning: a Riemannian geometry framework with applications to brain-computer interfaces).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal.windows import hann

from ...contract import EegWindow
from .band_power import FLOOR_UV2, clip_artifacts
from .electrodes import interpolation

Array = NDArray[np.float64]
Band = tuple[float, float]

# Share of a sphere of the same power that is mixed into each covariance: the average reference and short windows leave
# it without full rank.
SHRINKAGE = 0.05
_SMALLEST = 1e-12


def band_covariances(window: EegWindow, electrodes: Sequence[str], bands: Sequence[Band]) -> Array:
    """Return the covariance of electrodes in each band, in microvolts squared.

    The good channels are brought to the electrodes (:func:`~.electrodes.interpolation`) and to their average reference,
    artifacts are limited (:func:`~.band_power.clip_artifacts`), and the cross-spectrum under a Hann window is summed
    over each band.

    Parameters
    ----------
    window : EegWindow
    electrodes : sequence of str
        Canonical 10-10 names.
    bands : sequence of (low, high)
        In Hz; a band holds its lower edge and not its upper one.

    Returns
    -------
    (n_bands, n_electrodes, n_electrodes) float64
    """
    weights = interpolation(window.channel_names, window.good, tuple(electrodes))
    placed = window.samples_uv.astype(np.float64) @ weights
    clean = clip_artifacts(placed - placed.mean(axis=1, keepdims=True), window.rate_hz)
    n_times = len(clean)
    taper = hann(n_times, sym=False)
    spectrum = np.fft.rfft((clean - clean.mean(axis=0)) * taper[:, None], axis=0)
    spectrum *= np.sqrt(2.0 / (n_times * float((taper**2).sum())))
    frequency = np.fft.rfftfreq(n_times, 1.0 / window.rate_hz)
    pieces = (spectrum[(frequency >= low) & (frequency < high)] for low, high in bands)
    return np.stack([(piece.conj().T @ piece).real for piece in pieces])


def among(covariances: Array, kept: Sequence[int]) -> Array:
    """Return covariances of some of the electrodes, referenced to the average of these alone.

    Parameters
    ----------
    covariances : (…, n_electrodes, n_electrodes)
    kept : sequence of int
        Which electrodes.

    Returns
    -------
    (…, n_kept, n_kept) float64
    """
    centring = np.eye(len(kept)) - 1.0 / len(kept)
    chosen: Array = centring @ covariances[..., list(kept), :][..., list(kept)] @ centring
    return chosen


def log_power(covariances: Array) -> Array:
    """Return log10 of the power of each electrode, ``(…, n_electrodes)``."""
    power: Array = np.log10(np.maximum(np.diagonal(covariances, axis1=-2, axis2=-1), FLOOR_UV2))
    return power


@dataclass(frozen=True)
class Reference:
    """What covariances are taken relative to: means over windows.

    Attributes
    ----------
    log : (n_bands, n_electrodes, n_electrodes) float64
        Of the matrix logarithms.
    power : (n_bands, n_electrodes) float64
        Of the log power.
    windows : int
    """

    log: Array
    power: Array
    windows: int

    @classmethod
    def empty(cls, n_bands: int, n_electrodes: int) -> "Reference":
        """Return a reference without windows: one microvolt squared everywhere, and no correlation."""
        return cls(np.zeros((n_bands, n_electrodes, n_electrodes)), np.zeros((n_bands, n_electrodes)), 0)

    @classmethod
    def of(cls, covariances: Array) -> "Reference":
        """Return the reference of windows, ``(n_windows, n_bands, n_electrodes, n_electrodes)``."""
        logs = _of_eigenvalues(_shrunken(covariances), _log)
        return cls(logs.mean(axis=0), log_power(covariances).mean(axis=0), len(covariances))

    def with_window(self, covariances: Array) -> "Reference":
        """Return the reference with one more window, ``(n_bands, n_electrodes, n_electrodes)``."""
        new, n = _of_eigenvalues(_shrunken(covariances), _log), self.windows + 1
        power = self.power + (log_power(covariances) - self.power) / n
        return Reference(self.log + (new - self.log) / n, power, n)


def relative_power(covariances: Array, reference: Reference) -> Array:
    """Return the log power of windows less that of a reference, ``(n_windows, n_bands * n_electrodes)``."""
    power: Array = (log_power(covariances) - reference.power).reshape(len(covariances), -1)
    return power


def tangent(covariances: Array, reference: Reference) -> Array:
    """Return how windows deviate from a reference.

    Parameters
    ----------
    covariances : (n_windows, n_bands, n_electrodes, n_electrodes)
    reference : Reference

    Returns
    -------
    (n_windows, n_bands * n_electrodes * (n_electrodes + 1) / 2) float64
        Upper triangles of the logarithms of the covariances whitened by the reference; off the diagonal times sqrt 2,
        so that Euclidean distances are those of the matrices.
    """
    whitening = _of_eigenvalues(reference.log, lambda values: np.exp(-values / 2.0))
    relative = _of_eigenvalues(whitening @ _shrunken(covariances) @ whitening, _log)
    rows, columns = np.triu_indices(covariances.shape[-1])
    weights = np.where(rows == columns, 1.0, np.sqrt(2.0))
    return (relative[..., rows, columns] * weights).reshape(len(covariances), -1)


def _shrunken(covariances: Array) -> Array:
    size = covariances.shape[-1]
    power = np.maximum(np.trace(covariances, axis1=-2, axis2=-1) / size, FLOOR_UV2)
    mixed: Array = (1.0 - SHRINKAGE) * covariances + SHRINKAGE * power[..., None, None] * np.eye(size)
    return mixed


def _log(values: Array) -> Array:
    logarithm: Array = np.log(np.maximum(values, _SMALLEST))
    return logarithm


def _of_eigenvalues(matrices: Array, function: Callable[[Array], Array]) -> Array:
    values, vectors = np.linalg.eigh(matrices)
    whole: Array = (vectors * function(values)[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    return whole

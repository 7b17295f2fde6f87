"""Fit a gate on features to people (:mod:`moodring.models.decoders.domain_gate`)."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import ledoit_wolf

from ....configs.schema.errors import MoodringError
from ....models.decoders.domain_gate import LARGEST_LIMIT, DomainGate, Recent

Array = NDArray[np.float64]
HALF_LIFE_S = 5.0
_STRIDE = 10  # neighbouring means hardly differ
_ITERATIONS = 4
_UNKNOWN = 1e6  # variance of what was never there: it says nothing
_LEAST_VARIANCE = 1e-6  # of the mean one: features that never vary leave a matrix that can be solved with


def recent_means(windows: NDArray[np.floating], half_life_s: float = HALF_LIFE_S) -> Array:
    """Return the recent means after each window of one recording, from the first that a gate judges.

    Parameters
    ----------
    windows : (n_windows, n_features)
        Half a second apart; NaN where a feature is not there.
    half_life_s : float

    Returns
    -------
    (n_means, n_features) float64
    """
    gate = DomainGate(np.zeros(0), np.zeros((0, 0)), 1.0, half_life_s)
    recent, means = Recent.empty(windows.shape[1]), []
    for features in windows:
        recent = recent.with_window(features, half_life_s)
        if recent.windows >= gate.least_windows:
            means.append(recent.mean)
    return np.array(means).reshape(-1, windows.shape[1])


def fit_gate(training: Sequence[Array], half_life_s: float = HALF_LIFE_S) -> DomainGate:
    """Fit the distribution of recent means; its limit is still infinite.

    Mean and covariance (Ledoit and Wolf 2004, A well-conditioned estimator for large-dimensional covariance matrices)
    by expectation maximisation over what is missing.

    Parameters
    ----------
    training : sequence of (n_means, n_features)
        Recent means of each recording; NaN where a feature is not there.
    half_life_s : float

    Raises
    ------
    MoodringError
        There is nothing to fit it to.
    """
    rows = np.concatenate([means[::_STRIDE] for means in training])
    known = np.flatnonzero(np.isfinite(rows).any(axis=0))
    if len(rows) < 2 or not len(known):
        raise MoodringError(f"a gate on the EEG needs at least {half_life_s:g} s of good EEG; train on longer sessions")
    mean, covariance = np.zeros(rows.shape[1]), _UNKNOWN * np.eye(rows.shape[1])
    mean[known], covariance[np.ix_(known, known)] = _moments(rows[:, known])
    return DomainGate(mean, covariance, np.inf, half_life_s)


def _moments(rows: Array) -> tuple[Array, Array]:
    """Return mean and covariance of rows of which each column is there at least once."""
    there = np.isfinite(rows)
    mean = np.nanmean(rows, axis=0)
    filled, unexplained = np.where(there, rows, mean), np.zeros((rows.shape[1],) * 2)
    patterns, which = np.unique(there, axis=0, return_inverse=True)
    for _ in range(_ITERATIONS):
        covariance = ledoit_wolf(filled - mean, assume_centered=True)[0] + unexplained / len(rows)
        unexplained = np.zeros_like(covariance)
        for index, pattern in enumerate(patterns):
            seen, missing, chosen = np.flatnonzero(pattern), np.flatnonzero(~pattern), np.flatnonzero(which == index)
            if not len(missing):
                continue
            slopes = np.linalg.solve(covariance[np.ix_(seen, seen)], covariance[np.ix_(seen, missing)])
            filled[np.ix_(chosen, missing)] = mean[missing] + (filled[np.ix_(chosen, seen)] - mean[seen]) @ slopes
            left = covariance[np.ix_(missing, missing)] - covariance[np.ix_(missing, seen)] @ slopes
            unexplained[np.ix_(missing, missing)] += len(chosen) * left
        mean = filled.mean(axis=0)
    least = _LEAST_VARIANCE * max(float(np.trace(covariance)) / len(covariance), _LEAST_VARIANCE)
    return mean, covariance + least * np.eye(len(covariance))


def distances(gate: DomainGate, means: Array, every: int = 1) -> Array:
    """Return the distance of every so many recent means, ``(n,)``; NaN where nothing can be judged."""
    found = [gate.distance(mean) for mean in means[::every]]
    return np.array([np.nan if one is None else one for one in found])


def with_limit(gate: DomainGate, held_out: Sequence[Array], quantile: float) -> DomainGate | None:
    """Return a gate with its limit: a quantile of the distances of recordings of people held out.

    None where they are too far or too few for a limit: too little data to know what is like them.
    """
    known = np.concatenate(held_out)
    known = known[np.isfinite(known)]
    limit = float(np.quantile(known, quantile)) if len(known) else np.inf
    return replace(gate, limit=limit) if limit <= LARGEST_LIMIT else None

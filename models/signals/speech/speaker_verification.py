"""Speaker verification: cepstra of an utterance, and a verdict after each second; pure, with explicit state.

A Gaussian mixture over cepstra models people in general (the background). Its means adapted by the maximum a posteriori
rule to what a person said while enrolling model that person. The score is the log-likelihood ratio of the two [1]_.
Coefficients 0 and 1 (level and tilt of the spectrum) are left out, because they follow loudness and vocal effort.

References
----------
.. [1] Reynolds D. A., Quatieri T. F., Dunn R. B. (2000), Speaker verification using adapted Gaussian mixture models,
   Digital Signal Processing 10, https://doi.org/10.1006/dspr.1999.0361
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct
from scipy.special import logsumexp

from ...contract import FloatArray
from .voice_frames import FrameState, mel_bands

LOWEST, HIGHEST = 2, 19
N_CEPSTRA = HIGHEST - LOWEST + 1
QUIET_DB = 30.0
RELEVANCE = 16.0
LONGEST_WINDOW = 3
FEWEST_FRAMES = 60
Array = NDArray[np.floating]
Verdict = Literal["own", "another", "unclear"]
"""The enrolled voice; another voice; too little speech to decide."""


@dataclass(frozen=True)
class Background:
    """Mixture of ``k`` Gaussians with diagonal covariances over scaled cepstra of people in general.

    Attributes
    ----------
    weights : (k,) float
    means, variances : (k, 18) float
    centre, scale : (18,) float
        Of the cepstra, which are scaled by them first.
    """

    weights: Array
    means: Array
    variances: Array
    centre: Array
    scale: Array


@dataclass(frozen=True)
class CepstraState:
    """State between two pieces of an utterance: samples of the next frame, and the loudest frame so far in dB."""

    frames: FrameState = field(default_factory=FrameState)
    loudest_db: float = -np.inf


@dataclass(frozen=True)
class Thresholds:
    """Thresholds on the mean log-likelihood ratio per frame of the enrolled voice and the background.

    After one, two, and three or more seconds. Against other enrolled voices the threshold is 0.
    """

    after_s: tuple[float, float, float]


@dataclass(frozen=True)
class GateState:
    """State within an utterance.

    Attributes
    ----------
    cepstra : CepstraState
    seconds : tuple of (number of frames, sums of the log-likelihoods: people in general, the enrolled, the others)
        Of the newest three segments.
    """

    cepstra: CepstraState = field(default_factory=CepstraState)
    seconds: tuple[tuple[int, FloatArray], ...] = ()


def cepstra(samples: FloatArray, state: CepstraState) -> tuple[FloatArray, CepstraState]:
    """Return cepstra of the frames that these samples complete and that are not quiet.

    Parameters
    ----------
    samples : (n,) float32
        Next samples of an utterance; 16 kHz, all at one gain.
    state : CepstraState

    Returns
    -------
    (n_frames, 18) float32
        Cepstral coefficients 2 to 19 of the frames within 30 dB of the loudest so far.
    state : CepstraState
    """
    mel, level_db, frames = mel_bands(samples, state.frames)
    if not len(mel):
        return np.zeros((0, N_CEPSTRA), np.float32), CepstraState(frames, state.loudest_db)
    loudest_db = np.maximum.accumulate(np.maximum(level_db, state.loudest_db))
    rows: FloatArray = dct(mel[level_db > loudest_db - QUIET_DB], type=2, norm="ortho", axis=1)
    return rows[:, LOWEST : HIGHEST + 1].astype(np.float32), CepstraState(frames, float(loudest_db[-1]))


def map_adapt(background: Background, rows: FloatArray, relevance: float = RELEVANCE) -> Array:
    """Return the background's means adapted to a person (maximum a posteriori).

    Parameters
    ----------
    background : Background
    rows : (n, 18) float32
        Cepstra of that person.
    relevance : float
        Number of frames that weigh as much as the background.

    Returns
    -------
    (k, 18) float
        The background's own means where there are no frames.
    """
    if not len(rows):
        return background.means.copy()
    scaled = _scaled(background, rows)
    joint = _log_densities(background, background.means, scaled)
    shares = np.exp(joint - logsumexp(joint, axis=1, keepdims=True))
    count = shares.sum(axis=0)[:, None]
    # (sum of x + relevance * prior mean) / (count + relevance), the paper's equations 11 to 14 for the means.
    return np.asarray((shares.T @ scaled + relevance * background.means) / (count + relevance))


def log_likelihoods(background: Background, means: Array, rows: FloatArray) -> FloatArray:
    """Return the log-likelihood of each frame ``(n,)`` under the background with these means."""
    likely: FloatArray = logsumexp(_log_densities(background, means, _scaled(background, rows)), axis=1)
    return likely


def step(
    state: GateState,
    samples: FloatArray,
    background: Background,
    voices: tuple[Array, ...],
    thresholds: Thresholds,
) -> tuple[Verdict, GateState]:
    """Return the verdict on an utterance after one more segment, from its newest three.

    Parameters
    ----------
    state : GateState
    samples : (n,) float32
        The segment's own samples, at one gain throughout the utterance; a second, or less in the last segment.
    background : Background
    voices : tuple of (k, 18) float
        Adapted means: of the enrolled person, then of others who may speak.
    thresholds : Thresholds

    Returns
    -------
    verdict : "own", "another" or "unclear"
        "unclear" where fewer than 60 frames (0.6 s) are not quiet.
    state : GateState
    """
    rows, measured = cepstra(samples, state.cepstra)
    sums = np.array([log_likelihoods(background, means, rows).sum() for means in (background.means, *voices)])
    seconds = (*state.seconds, (len(rows), sums))[-LONGEST_WINDOW:]
    return verify(seconds, thresholds), GateState(measured, seconds)


def verify(seconds: tuple[tuple[int, FloatArray], ...], thresholds: Thresholds) -> Verdict:
    """Return the verdict on some seconds of an utterance; see :class:`GateState`."""
    if sum(count for count, _ in seconds) < FEWEST_FRAMES:
        return "unclear"
    people, others = log_likelihood_ratios(seconds)
    return "own" if people >= thresholds.after_s[len(seconds) - 1] and others >= 0.0 else "another"


def log_likelihood_ratios(seconds: tuple[tuple[int, FloatArray], ...]) -> tuple[float, float]:
    """Return the mean log-likelihood ratios per frame of the enrolled voice.

    Returns
    -------
    people : float
        Against the background.
    others : float
        Against the best of the other enrolled voices; infinite where there is none.
    """
    frames = max(sum(count for count, _ in seconds), 1)
    people, own, *others = np.sum([one for _, one in seconds], axis=0) / frames
    return float(own - people), float(own - max(others, default=-np.inf))


def _scaled(background: Background, rows: FloatArray) -> Array:
    return np.asarray((rows - background.centre) / background.scale)


def _log_densities(background: Background, means: Array, scaled: Array) -> Array:
    """Return the log of weight times density of each Gaussian at each frame: ``(n, k)``."""
    inverse = 1.0 / background.variances
    constant = np.log(background.weights) + 0.5 * (np.log(inverse).sum(axis=1) - np.log(2.0 * np.pi) * means.shape[1])
    constant = constant - 0.5 * (means**2 * inverse).sum(axis=1)
    return np.asarray(constant + scaled @ (means * inverse).T - 0.5 * scaled**2 @ inverse.T)

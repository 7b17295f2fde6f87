"""Whose voice it is: cepstra of an utterance in, a verdict after each second out; pure, with explicit state.

A mixture of Gaussians describes how people in general sound (the background), and one moved towards a person's own
sound describes that person: their means are adapted, by the maximum a posteriori rule, to what the person said while
enrolling. How much better the second explains what is heard than the first is the score.

Source: Reynolds, Quatieri & Dunn, "Speaker verification using adapted Gaussian mixture models", Digital Signal
Processing 10, 2000. The cepstrum's level and tilt (coefficients 0 and 1) are left out: they say more of loudness and
effort than of the person.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct
from scipy.special import logsumexp

from ...contract import FloatArray
from .voice_frames import FrameState, bands

LOWEST, HIGHEST = 2, 19
N_CEPSTRA = HIGHEST - LOWEST + 1
QUIET_DB = 30.0
RELEVANCE = 16.0
LONGEST_WINDOW = 3
FEWEST_FRAMES = 60
Array = NDArray[np.floating]
Verdict = Literal["own", "another", "unclear"]
"""The enrolled voice; somebody else's; too little was heard to tell."""


@dataclass(frozen=True)
class Background:
    """How people in general sound: ``k`` Gaussians with diagonal covariances over scaled cepstra.

    Attributes
    ----------
    weights : (k,) float
    means, variances : (k, 18) float
    centre, scale : (18,) float
        What cepstra are scaled by before.
    """

    weights: Array
    means: Array
    variances: Array
    centre: Array
    scale: Array


@dataclass(frozen=True)
class CepstraState:
    """Between two pieces of an utterance: samples of the next frame, and the loudest frame so far in dB."""

    frames: FrameState = field(default_factory=FrameState)
    loudest_db: float = -np.inf


@dataclass(frozen=True)
class Thresholds:
    """How much better than people in general the enrolled voice must explain what is heard, to be taken for it.

    After one, two, and three or more seconds, in mean log-ratio a frame. Of the other enrolled voices it must merely be
    the best.
    """

    after_s: tuple[float, float, float]


@dataclass(frozen=True)
class GateState:
    """Within an utterance.

    Attributes
    ----------
    cepstra : CepstraState
    seconds : tuple of (number of frames, sums of the log-likelihoods: people in general, the enrolled, the others)
        Of the newest three segments.
    """

    cepstra: CepstraState = field(default_factory=CepstraState)
    seconds: tuple[tuple[int, FloatArray], ...] = ()


def cepstra(samples: FloatArray, state: CepstraState) -> tuple[FloatArray, CepstraState]:
    """Measure the frames that these samples complete and that are not quiet.

    Parameters
    ----------
    samples : (n,) float32
        The next of an utterance; 16 kHz, all at one gain.
    state : CepstraState

    Returns
    -------
    (n_frames, 18) float32
        Cepstral coefficients 2 to 19 of the frames within 30 dB of the loudest so far.
    state : CepstraState
    """
    mel, level_db, frames = bands(samples, state.frames)
    if not len(mel):
        return np.zeros((0, N_CEPSTRA), np.float32), CepstraState(frames, state.loudest_db)
    loudest_db = np.maximum.accumulate(np.maximum(level_db, state.loudest_db))
    rows: FloatArray = dct(mel[level_db > loudest_db - QUIET_DB], type=2, norm="ortho", axis=1)
    return rows[:, LOWEST : HIGHEST + 1].astype(np.float32), CepstraState(frames, float(loudest_db[-1]))


def adapt(background: Background, rows: FloatArray, relevance: float = RELEVANCE) -> Array:
    """Move the background's means towards a person's own sound.

    Parameters
    ----------
    background : Background
    rows : (n, 18) float32
        Cepstra of that person.
    relevance : float
        How many frames weigh as much as the background does.

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
    """Give the log-likelihood of each frame ``(n,)`` under the background with these means."""
    likely: FloatArray = logsumexp(_log_densities(background, means, _scaled(background, rows)), axis=1)
    return likely


def step(
    state: GateState,
    samples: FloatArray,
    background: Background,
    voices: tuple[Array, ...],
    thresholds: Thresholds,
) -> tuple[Verdict, GateState]:
    """Judge an utterance after one more of its segments, by its newest three.

    Parameters
    ----------
    state : GateState
    samples : (n,) float32
        The segment's own samples, at one gain throughout the utterance; a second, or less in the last segment.
    background : Background
    voices : tuple of (k, 18) float
        Adapted means: first the enrolled person, then others who may be heard.
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
    return judge(seconds, thresholds), GateState(measured, seconds)


def judge(seconds: tuple[tuple[int, FloatArray], ...], thresholds: Thresholds) -> Verdict:
    """Give the verdict on some seconds of an utterance; see :class:`GateState`."""
    if sum(count for count, _ in seconds) < FEWEST_FRAMES:
        return "unclear"
    people, others = scores(seconds)
    return "own" if people >= thresholds.after_s[len(seconds) - 1] and others >= 0.0 else "another"


def scores(seconds: tuple[tuple[int, FloatArray], ...]) -> tuple[float, float]:
    """Say how much better the enrolled voice explains a frame than others do, as mean log-ratios.

    Returns
    -------
    people : float
        Better than people in general.
    others : float
        Better than the best of the other enrolled voices; infinite where there is none.
    """
    frames = max(sum(count for count, _ in seconds), 1)
    people, own, *others = np.sum([one for _, one in seconds], axis=0) / frames
    return float(own - people), float(own - max(others, default=-np.inf))


def _scaled(background: Background, rows: FloatArray) -> Array:
    return np.asarray((rows - background.centre) / background.scale)


def _log_densities(background: Background, means: Array, scaled: Array) -> Array:
    """Give the log of weight times density of each Gaussian at each frame: ``(n, k)``."""
    inverse = 1.0 / background.variances
    constant = np.log(background.weights) + 0.5 * (np.log(inverse).sum(axis=1) - np.log(2.0 * np.pi) * means.shape[1])
    constant = constant - 0.5 * (means**2 * inverse).sum(axis=1)
    return np.asarray(constant + scaled @ (means * inverse).T - 0.5 * scaled**2 @ inverse.T)

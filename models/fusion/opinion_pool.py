"""Logarithmic opinion pool of face and EEG (felt) with the voice (expressed), and the weight of each.

The voice's categories become levels by their places on the axes (:mod:`moodring.models.fusion.circumplex`). Both are
then put into a logarithmic opinion pool (Genest & Zidek, "Combining probability distributions", Statistical Science 1,
1986), for each axis:

    log p = prior + felt * log p_felt + voice * log p_voice, normalised,

with weights of at least 0, found by maximum likelihood on people whom neither model was trained on. They need not sum
to 1: that is what calibrates. There is a set of them for each situation: nothing was heard of the voice; it was heard,
and the participant is silent; the participant speaks (face and EEG are degraded then); nothing but the voice.

What the voice said fades: its weight halves with every half-life after the speech that it describes, and all else
slides as far towards what holds where nothing was heard. So nothing jumps when the voice is forgotten.

The same code fits a pool and decides live. Pure: what is remembered comes in and goes out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_softmax, ndtr

from ..contract import FloatArray, HeadOutput
from .circumplex import weighted_places

Array = NDArray[np.float64]
Situation = Literal["quiet", "after", "speaking", "voice_alone"]
SITUATIONS: tuple[Situation, ...] = get_args(Situation)
SMALLEST_PROBABILITY = 1e-4
"""Lower bound of probabilities, so that neither side can outweigh any evidence of the other."""

_EDGES = np.array([-1.0, -1 / 3, 1 / 3, 1.0])


@dataclass(frozen=True)
class Weights:
    """Weights of both sides on one axis in one situation.

    Attributes
    ----------
    felt, voice : float
        Exponents, at least 0; 0 where the side is absent.
    prior : tuple of 3 floats
        Log odds of the levels before anything is known, of mean 0.
    threshold : float
        Conformal: the set holds every level whose probability is at least this.
    """

    felt: float
    voice: float
    prior: tuple[float, float, float] = (0.0, 0.0, 0.0)
    threshold: float = 0.0


NOTHING = Weights(0.0, 0.0)
"""Uniform levels, where neither a face nor a voice was observed."""


@dataclass(frozen=True)
class VoiceLevels:
    """The newest estimate of the voice, as levels.

    Attributes
    ----------
    levels : (2, 3) float64
        Of valence and arousal.
    end_s : float
        Where the speech that it describes ends.
    """

    levels: Array
    end_s: float


def levels_of(classes: Sequence[str], probabilities: Sequence[float]) -> Array | None:
    """Return the probabilities of the levels of valence and arousal from those of categories.

    Each category is a normal distribution about its place with its spread, cut off at the ends of the axis and divided
    at -1/3 and 1/3; the levels are those of the mixture.

    Parameters
    ----------
    classes : sequence of str
    probabilities : sequence of float
        One per class; they count relative to their sum.

    Returns
    -------
    (2, 3) float64 or None
        Valence and arousal by low, medium, high. None where a category has no place, or nothing is probable.
    """
    weighted = weighted_places(classes, probabilities)
    if weighted is None:
        return None
    shares = np.array([share for share, _ in weighted])
    at = np.array([(place.valence, place.arousal) for _, place in weighted])
    spread = np.array([(place.valence_sd, place.arousal_sd) for _, place in weighted])
    below = ndtr((_EDGES - at[:, :, None]) / spread[:, :, None])
    thirds = np.diff(below, axis=2) / (below[:, :, -1:] - below[:, :, :1])
    mixed: Array = np.einsum("c,cal->al", shares, thirds)
    return mixed


def remember(before: VoiceLevels | None, voice: HeadOutput | None) -> VoiceLevels | None:
    """Return the newest answer of the voice as levels; a silence changes nothing."""
    if voice is None or voice.probabilities is None or voice.end_s is None:
        return before
    levels = levels_of(voice.classes, voice.probabilities)
    return before if levels is None else VoiceLevels(levels, voice.end_s)


def situation(felt: bool, voice: VoiceLevels | None, speaks: bool) -> Situation | None:
    """Return the situation of a decision, which selects the weights.

    Parameters
    ----------
    felt : bool
        Whether face or EEG say something.
    voice : VoiceLevels or None
    speaks : bool
        Whether the participant speaks, or did while face and EEG were looked at.

    Returns
    -------
    Situation or None
        None where neither side says anything.
    """
    if not felt:
        return None if voice is None else "voice_alone"
    if voice is None:
        return "quiet"
    return "speaking" if speaks else "after"


def left_of(age_s: ArrayLike, half_life_s: float) -> Array:
    """Return the remaining weight (1 to 0) of a voice after its age."""
    left: Array = np.exp2(-np.maximum(np.asarray(age_s, np.float64), 0.0) / half_life_s)
    return left


def slid(weights: Weights, unheard: Weights, left: float) -> Weights:
    """Interpolate the weights towards those without a voice as the voice fades.

    The threshold stays: it was found on decisions pooled like this.
    """

    def between(one: float, other: float) -> float:
        return left * one + (1.0 - left) * other

    low, medium, high = (between(one, other) for one, other in zip(weights.prior, unheard.prior, strict=True))
    return Weights(
        between(weights.felt, unheard.felt),
        between(weights.voice, unheard.voice),
        (low, medium, high),
        weights.threshold,
    )


def pooled(weights: Weights, felt: ArrayLike | None, voice: ArrayLike | None) -> FloatArray:
    """Return the pooled probabilities of one axis.

    Parameters
    ----------
    weights : Weights
    felt, voice : (..., 3) or None
        Probabilities; None is absent.

    Returns
    -------
    (..., 3) float32
    """
    scores = np.asarray(weights.prior, np.float64)
    for weight, side in ((weights.felt, felt), (weights.voice, voice)):
        if side is not None:
            scores = scores + weight * evidence(side)
    probabilities: FloatArray = np.exp(log_softmax(scores, axis=-1)).astype(np.float32)
    return probabilities


def evidence(probabilities: ArrayLike) -> Array:
    """Return centred log ratios (Aitchison 1982), ``(..., 3)``: 0 where every level is as likely."""
    logs = np.log(np.maximum(np.asarray(probabilities, np.float64), SMALLEST_PROBABILITY))
    centred: Array = logs - logs.mean(axis=-1, keepdims=True)
    return centred


def voice_share(weights: Weights, felt: ArrayLike | None, voice: ArrayLike | None) -> float:
    """Return the voice's share of the weight of a decision, 0..1; face and EEG have the rest.

    Each side's part is the length of what it adds to the scores: its weight times the norm of its :func:`evidence`. A
    side that finds every level as likely has no part, however large its weight. Where neither has any, the weights are
    compared.
    """
    parts = [
        (0.0, 0.0) if side is None else (weight, weight * float(np.linalg.norm(evidence(side))))
        for weight, side in ((weights.felt, felt), (weights.voice, voice))
    ]
    for which in (1, 0):
        total = parts[0][which] + parts[1][which]
        if total > 0.0:
            return parts[1][which] / total
    return 1.0 if felt is None else 0.0

"""The weights of a pool by maximum likelihood, and its conformal thresholds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax

from ...models import pooling
from ...models.pooling import SITUATIONS, Situation, Weights
from ..metrics import Array, IntArray, conformal_threshold
from .pooling_people import Evidence

FELT_IN: tuple[Situation, ...] = ("quiet", "after", "speaking")
VOICE_IN: tuple[Situation, ...] = ("after", "speaking", "voice_alone")
Fitted = dict[Situation, Weights]

# Three log odds of mean 0 from two numbers.
_PRIOR = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]])


@dataclass(frozen=True)
class Decisions:
    """What one axis of one situation is fitted on.

    Attributes
    ----------
    truth : (n,) int64
    felt, voice : (n, 3) float64
        The voice as far as it has faded.
    people : (n,) int64
        Whose decision it is.
    """

    truth: IntArray
    felt: Array
    voice: Array
    people: IntArray

    @property
    def groups(self) -> list[str]:
        """Whose decisions they are, as the metrics take it."""
        return [str(person) for person in self.people]


def decisions_in(people: Sequence[Evidence], axis: int, case: Situation, half_life_s: float) -> Decisions:
    """Gather the decisions that a situation is fitted on.

    What either side would say alone is fitted on all decisions in which it says anything: nobody needs to fall silent.

    Parameters
    ----------
    people : sequence of Evidence
    axis : 0 for valence, 1 for arousal
    case : Situation
    half_life_s : float
    """
    wanted = {"quiet": FELT_IN, "voice_alone": VOICE_IN}.get(case, (case,))
    kept = [np.array([one in wanted for one in person.situations(half_life_s)], np.bool_) for person in people]
    pairs = list(zip(people, kept, strict=True))
    return Decisions(
        np.concatenate([person.truth[chosen, axis] for person, chosen in pairs]),
        np.concatenate([person.felt[chosen, axis] for person, chosen in pairs]),
        np.concatenate([voice_of(person, axis, half_life_s)[chosen] for person, chosen in pairs]),
        np.repeat(np.arange(len(people)), [int(chosen.sum()) for chosen in kept]),
    )


def voice_of(person: Evidence, axis: int, half_life_s: float) -> Array:
    """Give what the voice said as far as it has faded at each decision, ``(n, 3)``; NaN before its first word."""
    return pooling.faded(person.voice[:, axis], person.times_s - person.voice_end_s, half_life_s)


def fit(found: Decisions, felt: bool, voice: bool) -> Weights:
    """Find the weights and the prior that give the truth the best likelihood, each person counting alike; convex.

    Parameters
    ----------
    found : Decisions
    felt, voice : bool
        Which sides there are; the other's weight is 0.
    """
    n = len(found.truth)
    design = np.zeros((n, 3, 4))
    if felt:
        design[:, :, 0] = pooling.evidence(found.felt)
    if voice:
        design[:, :, 1] = pooling.evidence(found.voice)
    design[:, :, 2:] = _PRIOR
    _, which, counts = np.unique(found.people, return_inverse=True, return_counts=True)
    share = 1.0 / (len(counts) * counts[which])
    right = np.eye(3)[found.truth]

    def loss(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logs = log_softmax(design @ values, axis=1)
        slope = np.einsum("n,nl,nlk->k", share, np.exp(logs) - right, design)
        return float(-(share * logs[np.arange(n), found.truth]).sum()), slope

    bounds = [(0.0, None if side else 0.0) for side in (felt, voice)] + [(None, None)] * 2
    start = np.array([float(felt), float(voice), 0.0, 0.0])
    best = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-12}).x
    low, medium, high = (_PRIOR @ best[2:]).round(6).tolist()
    return Weights(round(float(best[0]), 6), round(float(best[1]), 6), (low, medium, high))


def fit_axis(people: Sequence[Evidence], axis: int, half_life_s: float) -> Fitted:
    """Fit every situation of one axis."""
    return {
        case: fit(decisions_in(people, axis, case, half_life_s), case in FELT_IN, case in VOICE_IN)
        for case in SITUATIONS
    }


def with_thresholds(
    fitted: Fitted, people: Sequence[Evidence], axis: int, half_life_s: float, coverage: float
) -> Fitted:
    """Add the conformal thresholds; see :func:`~moodring.offline.metrics.conformal_threshold`."""
    made: Fitted = {}
    for case, weights in fitted.items():
        found = decisions_in(people, axis, case, half_life_s)
        probabilities = apply(weights, found, case)
        threshold = conformal_threshold(found.truth, probabilities, found.groups, coverage)
        made[case] = Weights(weights.felt, weights.voice, weights.prior, round(threshold, 6))
    return made


def apply(weights: Weights, found: Decisions, case: Situation) -> Array:
    """Pool decisions, ``(n, 3)``."""
    felt = found.felt if case in FELT_IN else None
    voice = found.voice if case in VOICE_IN else None
    probabilities: Array = pooling.pooled(weights, felt, voice).astype(np.float64)
    return probabilities


def pool_person(person: Evidence, fitted: Fitted, axis: int, half_life_s: float) -> Array:
    """Pool one person's decisions on one axis, ``(n, 3)``; NaN where neither side says anything."""
    cases = np.array(person.situations(half_life_s), np.str_)
    voice = voice_of(person, axis, half_life_s)
    out = np.full((len(cases), 3), np.nan)
    for case, weights in fitted.items():
        chosen = cases == case
        found = Decisions(person.truth[chosen, axis], person.felt[chosen, axis], voice[chosen], np.zeros(0, np.int64))
        out[chosen] = apply(weights, found, case)
    return out


def held_out_loss(people: Sequence[Evidence], half_life_s: float, folds: int) -> float:
    """Give the mean negative log likelihood, in nats, of people left out of the fit; both axes, people counting alike."""
    losses = []
    for fold in range(folds):
        inside = [person for index, person in enumerate(people) if index % folds != fold]
        outside = [person for index, person in enumerate(people) if index % folds == fold]
        for axis in range(2):
            fitted = fit_axis(inside, axis, half_life_s)
            for person in outside:
                said = pool_person(person, fitted, axis, half_life_s)
                known = np.isfinite(said[:, 0])
                losses.append(float(-np.log(said[known, person.truth[known, axis]]).mean()))
    return float(np.mean(losses))

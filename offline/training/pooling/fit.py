"""The weights of a pool by maximum likelihood, and its conformal thresholds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from ....models.fusion import opinion_pool
from ....models.fusion.opinion_pool import Situation, Weights
from ...evaluation.metrics import Array, IntArray, conformal_threshold
from .people import Evidence

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
    left : (n,) float64
        Of the voice's weight, 1 to 0.
    people : (n,) int64
        Whose decision it is.
    """

    truth: IntArray
    felt: Array
    voice: Array
    left: Array
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
    kept = [np.array([one in wanted for one in person.situations], np.bool_) for person in people]
    pairs = list(zip(people, kept, strict=True))
    return Decisions(
        np.concatenate([person.truth[chosen, axis] for person, chosen in pairs]),
        np.concatenate([person.felt[chosen, axis] for person, chosen in pairs]),
        np.concatenate([person.voice[chosen, axis] for person, chosen in pairs]),
        np.concatenate([person.left(half_life_s)[chosen] for person, chosen in pairs]),
        np.repeat(np.arange(len(people)), [int(chosen.sum()) for chosen in kept]),
    )


def fit(found: Decisions, case: Situation, unheard: Weights = opinion_pool.NOTHING) -> Weights:
    """Find the weights and the prior that give the truth the best likelihood, each person counting alike; convex.

    Parameters
    ----------
    found : Decisions
    case : Situation
        Says which sides there are; the other's weight is 0.
    unheard : Weights
        What weights slide to as the voice fades.
    """
    sides = case in FELT_IN, case in VOICE_IN
    n, left = len(found.truth), _left(found, case)[:, None]
    design = np.zeros((n, 3, 4))
    if sides[0]:
        design[:, :, 0] = left * opinion_pool.evidence(found.felt)
    if sides[1]:
        design[:, :, 1] = left * opinion_pool.evidence(found.voice)
    design[:, :, 2:] = left[:, :, None] * _PRIOR
    given = (1.0 - left) * np.log(opinion_pool.pooled(unheard, found.felt if sides[0] else None, None))
    _, which, counts = np.unique(found.people, return_inverse=True, return_counts=True)
    share = 1.0 / (len(counts) * counts[which])
    right = np.eye(3)[found.truth]

    def loss(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logs = log_softmax(given + design @ values, axis=1)
        slope = np.einsum("n,nl,nlk->k", share, np.exp(logs) - right, design)
        return float(-(share * logs[np.arange(n), found.truth]).sum()), slope

    bounds = [(0.0, None if side else 0.0) for side in sides] + [(None, None)] * 2
    start = np.array([*map(float, sides), 0.0, 0.0])
    best = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-12}).x
    low, medium, high = (_PRIOR @ best[2:]).round(6).tolist()
    return Weights(round(float(best[0]), 6), round(float(best[1]), 6), (low, medium, high))


def fit_axis(people: Sequence[Evidence], axis: int, half_life_s: float) -> Fitted:
    """Fit every situation of one axis."""
    fitted: Fitted = {"quiet": fit(decisions_in(people, axis, "quiet", half_life_s), "quiet")}
    for case in VOICE_IN:
        fitted[case] = fit(decisions_in(people, axis, case, half_life_s), case, _unheard(fitted, case))
    return fitted


def with_thresholds(
    fitted: Fitted, people: Sequence[Evidence], axis: int, half_life_s: float, coverage: float
) -> Fitted:
    """Add the conformal thresholds; see :func:`~moodring.offline.evaluation.metrics.conformal_threshold`."""
    made: Fitted = {}
    for case, weights in fitted.items():
        found = decisions_in(people, axis, case, half_life_s)
        threshold = conformal_threshold(found.truth, apply(fitted, found, case), found.groups, coverage)
        made[case] = replace(weights, threshold=round(threshold, 6))
    return made


def apply(fitted: Fitted, found: Decisions, case: Situation) -> Array:
    """Pool decisions as :meth:`~moodring.models.fusion.pool_file.Pool.decide` does one by one, ``(n, 3)``."""
    felt = found.felt if case in FELT_IN else None
    voice = found.voice if case in VOICE_IN else None
    left = _left(found, case)[:, None]
    # Scores are linear in the weights: between two sets of weights lies what is between their log probabilities.
    now = np.log(opinion_pool.pooled(fitted[case], felt, voice).astype(np.float64))
    later = np.log(opinion_pool.pooled(_unheard(fitted, case), felt, None).astype(np.float64))
    between: Array = softmax(left * now + (1.0 - left) * later, axis=1)
    return between


def pool_person(person: Evidence, fitted: Fitted, axis: int, half_life_s: float) -> Array:
    """Pool one person's decisions on one axis, ``(n, 3)``; NaN where neither side says anything."""
    cases, left = np.array(person.situations, np.str_), person.left(half_life_s)
    out = np.full((len(cases), 3), np.nan)
    for case in fitted:
        chosen = cases == case
        sides = person.felt[chosen, axis], person.voice[chosen, axis]
        found = Decisions(person.truth[chosen, axis], *sides, left[chosen], np.zeros(0, np.int64))
        out[chosen] = apply(fitted, found, case)
    return out


def _left(found: Decisions, case: Situation) -> Array:
    """Give what is left of the voice's weight; where it is left out, nothing fades."""
    return np.ones_like(found.left) if case == "quiet" else found.left


def _unheard(fitted: Fitted, case: Situation) -> Weights:
    return opinion_pool.NOTHING if case == "voice_alone" else fitted["quiet"]


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

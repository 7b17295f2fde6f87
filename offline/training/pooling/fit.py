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
from .people import DecodedPerson

FELT_IN: tuple[Situation, ...] = ("quiet", "after", "speaking")
VOICE_IN: tuple[Situation, ...] = ("after", "speaking", "voice_alone")
WeightsBySituation = dict[Situation, Weights]

# Three log odds of mean 0 from two numbers.
_PRIOR = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]])


@dataclass(frozen=True)
class PooledDecisions:
    """The decisions that one axis of one situation is fitted to.

    Attributes
    ----------
    truth : (n,) int64
    felt, voice : (n, 3) float64
    fade : (n,) float64
        Share of the voice's weight that is left, 1 to 0.
    people : (n,) int64
        Whose decision it is.
    """

    truth: IntArray
    felt: Array
    voice: Array
    fade: Array
    people: IntArray

    @property
    def groups(self) -> list[str]:
        """The person of each decision, as the metrics take it."""
        return [str(person) for person in self.people]


def select_decisions(
    people: Sequence[DecodedPerson], axis: int, case: Situation, half_life_s: float
) -> PooledDecisions:
    """Select the decisions that a situation is fitted to.

    The weights of either side alone are fitted to all decisions in which that side gives probabilities.

    Parameters
    ----------
    people : sequence of DecodedPerson
    axis : 0 for valence, 1 for arousal
    case : Situation
    half_life_s : float
    """
    wanted = {"quiet": FELT_IN, "voice_alone": VOICE_IN}.get(case, (case,))
    kept = [np.array([one in wanted for one in person.situations], np.bool_) for person in people]
    pairs = list(zip(people, kept, strict=True))
    return PooledDecisions(
        np.concatenate([person.truth[chosen, axis] for person, chosen in pairs]),
        np.concatenate([person.felt[chosen, axis] for person, chosen in pairs]),
        np.concatenate([person.voice[chosen, axis] for person, chosen in pairs]),
        np.concatenate([person.fade(half_life_s)[chosen] for person, chosen in pairs]),
        np.repeat(np.arange(len(people)), [int(chosen.sum()) for chosen in kept]),
    )


def fit_weights(found: PooledDecisions, case: Situation, without_voice: Weights = opinion_pool.NOTHING) -> Weights:
    """Return the weights and the prior of maximum likelihood, each person counting alike; the problem is convex.

    Parameters
    ----------
    found : PooledDecisions
    case : Situation
        Says which sides there are; the other's weight is 0.
    without_voice : Weights
        The weights that are approached as the voice fades.
    """
    sides = case in FELT_IN, case in VOICE_IN
    n, fade = len(found.truth), _fade(found, case)[:, None]
    design = np.zeros((n, 3, 4))
    if sides[0]:
        design[:, :, 0] = fade * opinion_pool.evidence(found.felt)
    if sides[1]:
        design[:, :, 1] = fade * opinion_pool.evidence(found.voice)
    design[:, :, 2:] = fade[:, :, None] * _PRIOR
    given = (1.0 - fade) * np.log(opinion_pool.pooled(without_voice, found.felt if sides[0] else None, None))
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


def fit_axis(people: Sequence[DecodedPerson], axis: int, half_life_s: float) -> WeightsBySituation:
    """Fit every situation of one axis."""
    fitted: WeightsBySituation = {"quiet": fit_weights(select_decisions(people, axis, "quiet", half_life_s), "quiet")}
    for case in VOICE_IN:
        fitted[case] = fit_weights(
            select_decisions(people, axis, case, half_life_s), case, _without_voice(fitted, case)
        )
    return fitted


def add_thresholds(
    fitted: WeightsBySituation, people: Sequence[DecodedPerson], axis: int, half_life_s: float, coverage: float
) -> WeightsBySituation:
    """Add the conformal thresholds; see :func:`~moodring.offline.evaluation.metrics.conformal_threshold`."""
    made: WeightsBySituation = {}
    for case, weights in fitted.items():
        found = select_decisions(people, axis, case, half_life_s)
        threshold = conformal_threshold(found.truth, pool_decisions(fitted, found, case), found.groups, coverage)
        made[case] = replace(weights, threshold=round(threshold, 6))
    return made


def pool_decisions(fitted: WeightsBySituation, found: PooledDecisions, case: Situation) -> Array:
    """Pool decisions as :meth:`~moodring.models.fusion.pool_file.Pool.decide` does one by one, ``(n, 3)``."""
    felt = found.felt if case in FELT_IN else None
    voice = found.voice if case in VOICE_IN else None
    fade = _fade(found, case)[:, None]
    # Scores are linear in the weights: between two sets of weights lies what is between their log probabilities.
    now = np.log(opinion_pool.pooled(fitted[case], felt, voice).astype(np.float64))
    later = np.log(opinion_pool.pooled(_without_voice(fitted, case), felt, None).astype(np.float64))
    between: Array = softmax(fade * now + (1.0 - fade) * later, axis=1)
    return between


def pool_person(person: DecodedPerson, fitted: WeightsBySituation, axis: int, half_life_s: float) -> Array:
    """Pool the decisions of one person on one axis, ``(n, 3)``; NaN where neither side gives probabilities."""
    cases, fade = np.array(person.situations, np.str_), person.fade(half_life_s)
    out = np.full((len(cases), 3), np.nan)
    for case in fitted:
        chosen = cases == case
        sides = person.felt[chosen, axis], person.voice[chosen, axis]
        found = PooledDecisions(person.truth[chosen, axis], *sides, fade[chosen], np.zeros(0, np.int64))
        out[chosen] = pool_decisions(fitted, found, case)
    return out


def _fade(found: PooledDecisions, case: Situation) -> Array:
    """Return the share of the voice's weight that is left; 1 where the voice is left out."""
    return np.ones_like(found.fade) if case == "quiet" else found.fade


def _without_voice(fitted: WeightsBySituation, case: Situation) -> Weights:
    return opinion_pool.NOTHING if case == "voice_alone" else fitted["quiet"]


def held_out_loss(people: Sequence[DecodedPerson], half_life_s: float, folds: int) -> float:
    """Return the mean negative log likelihood of held-out people in nats, over both axes, people counting alike."""
    losses = []
    for fold in range(folds):
        inside = [person for index, person in enumerate(people) if index % folds != fold]
        outside = [person for index, person in enumerate(people) if index % folds == fold]
        for axis in range(2):
            fitted = fit_axis(inside, axis, half_life_s)
            for person in outside:
                pooled = pool_person(person, fitted, axis, half_life_s)
                known = np.isfinite(pooled[:, 0])
                losses.append(float(-np.log(pooled[known, person.truth[known, axis]]).mean()))
    return float(np.mean(losses))

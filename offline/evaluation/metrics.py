"""Metrics of class probabilities, with intervals and baselines over people.

Windows of one person are not independent, so intervals, baselines and calibration count people (groups), not windows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn import metrics as sk

from .intervals import Interval, over_groups

IntArray = NDArray[np.int64]
Array = NDArray[np.float64]

SMALLEST_PROBABILITY = 1e-7


@dataclass(frozen=True)
class Permuted:
    """Distribution of a metric under permuted truth.

    Attributes
    ----------
    mean : float
    high : float
        95th percentile.
    p_value : float
        Share of permutations at least as good as the real one, itself counted.
    """

    mean: float
    high: float
    p_value: float


@dataclass(frozen=True)
class Scores:
    """All metrics of one set of predictions.

    Attributes
    ----------
    n, n_groups : int
    class_counts : tuple of int
    uar : Interval
        Pooled over windows; the interval is a jackknife t interval over groups.
    accuracy, macro_f1 : float
    majority_uar, majority_accuracy : float
        Of always predicting the most frequent class.
    permutation : Permuted
        Of UAR, truth shifted in time within each group.
    ece, brier, nll : float
    confusion : (n_classes, n_classes) int64
        Rows are the truth.
    """

    n: int
    n_groups: int
    class_counts: tuple[int, ...]
    uar: Interval
    accuracy: float
    macro_f1: float
    majority_uar: float
    majority_accuracy: float
    permutation: Permuted
    ece: float
    brier: float
    nll: float
    confusion: IntArray


def uar(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Return the unweighted average recall over the classes that occur in the truth.

    Parameters
    ----------
    truth, predicted : (n,) int64
        Classes, from 0 on. Not checked, since permutations call this thousands of times.

    Returns
    -------
    float
        NaN where there is no truth.
    """
    true, given = np.asarray(truth, np.int64), np.asarray(predicted, np.int64)
    if not len(true):
        return float("nan")
    n_classes = int(max(true.max(), given.max())) + 1
    counts = np.bincount(true * n_classes + given, minlength=n_classes**2).reshape(n_classes, n_classes)
    totals = counts.sum(axis=1)
    present = totals > 0
    return float((np.diag(counts)[present] / totals[present]).mean())


def accuracy(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Return the share of correct predictions."""
    return float(sk.accuracy_score(truth, predicted))


def macro_f1(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Return the mean F1 over the classes that occur in the truth."""
    present = np.unique(np.asarray(truth))
    return float(sk.f1_score(truth, predicted, labels=present, average="macro", zero_division=0.0))


def confusion(truth: ArrayLike, predicted: ArrayLike, n_classes: int) -> IntArray:
    """Count predictions, ``(n_classes, n_classes)`` int64, rows the truth."""
    counts: IntArray = sk.confusion_matrix(truth, predicted, labels=np.arange(n_classes)).astype(np.int64)
    return counts


def nll(truth: IntArray, probabilities: ArrayLike) -> float:
    """Return the mean negative log likelihood in nats."""
    likelihood = np.asarray(probabilities, np.float64)[np.arange(len(truth)), truth]
    return float(-np.log(np.maximum(likelihood, SMALLEST_PROBABILITY)).mean())


def brier(truth: IntArray, probabilities: ArrayLike) -> float:
    """Return the Brier score summed over classes: 0 is perfect, 2 is certain and wrong."""
    given = np.asarray(probabilities, np.float64)
    return float(((given - np.eye(given.shape[1])[truth]) ** 2).sum(axis=1).mean())


def ece(truth: IntArray, probabilities: ArrayLike, bins: int = 15) -> float:
    """Return the expected calibration error of the winning class, with bins of equal width.

    Guo, Pleiss, Sun and Weinberger (2017), On calibration of modern neural networks, https://arxiv.org/abs/1706.04599.
    """
    given = np.asarray(probabilities, np.float64)
    confidence = given.max(axis=1)
    correct = given.argmax(axis=1) == truth
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    excess = np.bincount(which, weights=confidence - correct, minlength=bins)
    return float(np.abs(excess).sum() / len(truth))


def permutation(
    metric: Callable[[IntArray, IntArray], float],
    truth: IntArray,
    predicted: IntArray,
    groups: Sequence[str],
    seed: int,
    draws: int = 200,
) -> Permuted:
    """Return the distribution of a metric under chance: the truth shifted around within each group.

    A circular shift keeps each person's class counts and how slowly classes change; shuffled windows would make
    chance look steadier than it is. Items are in the order of time within their group.
    """
    members = _members(groups)
    rng = np.random.default_rng(seed)
    real = metric(truth, predicted)
    permuted = np.empty(draws)
    for draw in range(draws):
        shifted = truth.copy()
        for index in members:
            shifted[index] = np.roll(truth[index], rng.integers(len(index)))
        permuted[draw] = metric(shifted, predicted)
    p_value = (1 + int((permuted >= real).sum())) / (1 + draws)
    return Permuted(float(permuted.mean()), float(np.quantile(permuted, 0.95)), p_value)


def score(truth: IntArray, probabilities: ArrayLike, groups: Sequence[str], seed: int) -> Scores:
    """Score class probabilities.

    Parameters
    ----------
    truth : (n,) int64
    probabilities : (n, n_classes)
    groups : sequence of str
        The person of each item, in the order of time within each.
    seed : int
        Of the permutations.
    """
    given = np.asarray(probabilities, np.float64)
    predicted = given.argmax(axis=1)
    counts = np.bincount(truth, minlength=given.shape[1])
    majority = np.full_like(truth, counts.argmax())
    return Scores(
        n=len(truth),
        n_groups=len(set(groups)),
        class_counts=tuple(int(count) for count in counts),
        uar=over_groups(lambda index: uar(truth[index], predicted[index]), groups).within(0.0, 1.0),
        accuracy=accuracy(truth, predicted),
        macro_f1=macro_f1(truth, predicted),
        majority_uar=uar(truth, majority),
        majority_accuracy=accuracy(truth, majority),
        permutation=permutation(uar, truth, predicted, groups, seed),
        ece=ece(truth, given),
        brier=brier(truth, given),
        nll=nll(truth, given),
        confusion=confusion(truth, predicted, given.shape[1]),
    )


def fit_temperature(logits: ArrayLike, truth: IntArray, groups: Sequence[str]) -> float:
    """Return the temperature (0.05..20) that gives held-out people the best likelihood, each person counting alike.

    Divide logits by it before the softmax (Guo et al. 2017).
    """
    raw = np.asarray(logits, np.float64)
    weights = _person_weights(groups)
    rows = np.arange(len(truth))

    def loss(log_temperature: float) -> float:
        log_probability = log_softmax(raw / np.exp(log_temperature), axis=1)
        return float(-(weights * log_probability[rows, truth]).sum())

    found = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20.0)), method="bounded", options={"xatol": 1e-4})
    return float(np.exp(found.x))


def fit_temperature_of_winner(logits: ArrayLike, truth: IntArray, groups: Sequence[str]) -> float:
    """Return the temperature (0.05..20) at which the winning class is right as often as its probability says.

    It gives whether the winner is right the best likelihood, each person counting alike. Items of truth -1 are of none
    of the classes: no winner is right.
    """
    raw = np.asarray(logits, np.float64)
    weights = _person_weights(groups)
    right = raw.argmax(axis=1) == truth

    def loss(log_temperature: float) -> float:
        confidence = np.exp(log_softmax(raw / np.exp(log_temperature), axis=1).max(axis=1))
        likelihood = np.where(right, confidence, 1.0 - confidence)
        return float(-(weights * np.log(np.maximum(likelihood, SMALLEST_PROBABILITY))).sum())

    found = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20.0)), method="bounded", options={"xatol": 1e-4})
    return float(np.exp(found.x))


def conformal_threshold(
    truth: IntArray, probabilities: ArrayLike, groups: Sequence[str], coverage: float = 0.9
) -> float:
    """Return the threshold above which classes enter the set, so that sets cover a new person's truth often enough.

    Least ambiguous sets (Sadinle, Lei and Wasserman 2019, https://doi.org/10.1080/01621459.2017.1395341),
    calibrated over people as in hierarchical conformal prediction (Lee, Barber and Willett 2023,
    https://arxiv.org/abs/2306.06342): each of the K people carries 1 / (K + 1), shared among their items, and the
    new person the rest, counted as never covered. So with few people the coverage needs large sets; below
    ``coverage / (1 - coverage)`` people only the set of all classes has it.

    Returns
    -------
    float
        A set holds every class whose probability is at least this; 0 where only the set of all classes has the
        coverage.
    """
    likelihood = np.asarray(probabilities, np.float64)[np.arange(len(truth)), truth]
    n_people = len(set(groups))
    weights = _person_weights(groups) * n_people / (n_people + 1)
    falling = np.argsort(-likelihood, kind="stable")
    covered = np.cumsum(weights[falling])
    enough = np.flatnonzero(covered >= coverage - 1e-12)
    return float(likelihood[falling[enough[0]]]) if len(enough) else 0.0


def conformal_sets(probabilities: ArrayLike, threshold: float) -> NDArray[np.bool_]:
    """Return which classes are in each set, ``(n, n_classes)`` bool; the likeliest class always is."""
    given = np.asarray(probabilities, np.float64)
    sets: NDArray[np.bool_] = given >= threshold
    sets[np.arange(len(given)), given.argmax(axis=1)] = True
    return sets


def _members(groups: Sequence[str]) -> list[IntArray]:
    names = np.asarray(groups)
    return [np.flatnonzero(names == name) for name in np.unique(names)]


def _person_weights(groups: Sequence[str]) -> Array:
    """Return the weight of each item, people counting alike and all items 1 together."""
    _, which, count = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)
    weights: Array = 1.0 / (len(count) * count[which])
    return weights

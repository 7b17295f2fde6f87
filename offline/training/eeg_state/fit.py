"""Linear discriminants with shrinkage, in which people count alike; what is chosen is chosen on people apart."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.special import softmax

from ....models.contract import FloatArray
from ....models.decoders.eeg_state import Discriminant
from ...evaluation.metrics import conformal_threshold, fit_temperature, uar
from .people import PersonWindows, causal_mean

Array = NDArray[np.float64]
_WELL_CONDITIONED = 0.5


@dataclass(frozen=True)
class Moments:
    """Means of one person's features.

    Attributes
    ----------
    means : (n_classes, n_features) float64
    second : (n_features, n_features) float32
        Mean over classes of the mean outer product.
    """

    means: Array
    second: FloatArray


def moments(person: PersonWindows, n_classes: int, labels: NDArray[np.int64] | None = None) -> Moments:
    """Return the moments of a person, whose classes count alike; ``labels`` replaces the person's own."""
    classes = person.labels if labels is None else labels
    rows = [person.features[classes == index] for index in range(n_classes)]
    second = sum(one.T @ one / np.float32(len(one) * n_classes) for one in rows)
    return Moments(np.stack([one.mean(axis=0, dtype=np.float64) for one in rows]), np.asarray(second, np.float32))


def discriminants(people: Sequence[Moments], shrinkages: Sequence[float]) -> list[Discriminant]:
    """Fit a discriminant for each shrinkage: 0 is the covariance within classes, 1 a sphere of the same variance.

    Covariance and means are over people, each counting alike (Friedman 1989, Regularized discriminant analysis).
    """
    means = np.mean([one.means for one in people], axis=0)
    second = np.zeros(people[0].second.shape)
    for one in people:
        second += one.second
    within = second / len(people) - means.T @ means / len(means)
    sphere = np.trace(within) / len(within)
    found = []
    for shrinkage in shrinkages:
        matrix = (1.0 - shrinkage) * within
        matrix[np.diag_indices_from(matrix)] += shrinkage * sphere
        # So much of a sphere is well conditioned, and single precision takes half the time.
        exact = np.float32 if shrinkage >= _WELL_CONDITIONED else np.float64
        factor = cho_factor(matrix.astype(exact), overwrite_a=True, check_finite=False)
        weights = cho_solve(factor, means.T.astype(exact)).T.astype(np.float64)
        found.append(Discriminant(weights, -0.5 * (weights * means).sum(axis=1)))
    return found


@dataclass(frozen=True)
class Chosen:
    """What was chosen on people apart.

    Attributes
    ----------
    shrinkage : float
    temperature, conformal_threshold : float
        For scores averaged over the memory.
    """

    shrinkage: float
    temperature: float
    conformal_threshold: float


def choose(
    people: Sequence[PersonWindows],
    known: Sequence[Moments],
    shrinkages: Sequence[float],
    memory_s: float,
    seed: int,
    n_folds: int,
    coverage: float = 0.9,
) -> Chosen:
    """Choose shrinkage (best UAR over the memory), temperature and conformal threshold by folds of people.

    Parameters
    ----------
    people, known : sequences, equally long
        Windows and moments of the training people, at least two.
    shrinkages : sequence of float
    memory_s : float
    seed : int
        Of the folds.
    n_folds : int
        At most one a person.
    coverage : float
        Of the sets.
    """
    order = np.random.default_rng(seed).permutation(len(people))
    n_folds = min(n_folds, len(people))
    fold = np.empty(len(people), np.int64)
    fold[order] = np.arange(len(people)) % n_folds
    scores: list[list[Array]] = [[np.zeros(0)] * len(people) for _ in shrinkages]
    for held in range(n_folds):
        fitted = discriminants([known[i] for i in range(len(people)) if fold[i] != held], shrinkages)
        for i in np.flatnonzero(fold == held).tolist():
            for which, one in enumerate(fitted):
                raw = one.scores(people[i].features)
                scores[which][i] = causal_mean(raw, people[i], memory_s)
    figures = [
        np.mean([uar(p.labels, s.argmax(axis=1)) for p, s in zip(people, theirs, strict=True)]) for theirs in scores
    ]
    best = int(np.argmax(figures))
    logits, truth = np.concatenate(scores[best]), np.concatenate([person.labels for person in people])
    groups = [person.subject for person in people for _ in person.labels]
    temperature = fit_temperature(logits, truth, groups)
    threshold = conformal_threshold(truth, softmax(logits / temperature, axis=1), groups, coverage)
    return Chosen(shrinkages[best], temperature, threshold)

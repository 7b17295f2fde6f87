"""A linear classifier by ridge regression in which every class weighs the same and speaker offsets are penalised.

Women and men may get weights of their own that share a part, as tasks do in regularised multi-task learning (Evgeniou
and Pontil 2004, https://doi.org/10.1145/1014052.1014067): anger and happiness raise pitch and formants of both, but
from different levels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from sklearn.linear_model import Ridge

from ....models.contract import FloatArray

IntArray = NDArray[np.int64]
CLIP = 5.0


@dataclass(frozen=True)
class SexTerm:
    """A term added to the scores of a woman's voice and subtracted from those of a man's.

    Attributes
    ----------
    weights : (n_numbers, n_classes) float32
    tell_weights : (n_numbers,) float32
        Of the sex detector: ``x @ tell_weights + tell_bias``, clipped to -1 (a man's voice) to 1 (a woman's), scales
        the term, so that scores change gradually where the sex is uncertain.
    tell_bias : () float32
    """

    weights: FloatArray
    tell_weights: FloatArray
    tell_bias: FloatArray


@dataclass(frozen=True)
class Linear:
    """``scores = x @ weights + bias`` with ``x = clip((numbers - mean) / scale, -5, 5)``.

    Attributes
    ----------
    mean, scale : (n_numbers,) float32
    weights : (n_numbers, n_classes) float32
    bias : (n_classes,) float32
    sexes : SexTerm or None
    """

    mean: FloatArray
    scale: FloatArray
    weights: FloatArray
    bias: FloatArray
    sexes: SexTerm | None = None

    def standardised(self, numbers: FloatArray) -> FloatArray:
        """Return numbers in standard deviations of the training data, bounded."""
        return np.asarray(np.clip((numbers - self.mean) / self.scale, -CLIP, CLIP))

    def scores(self, numbers: FloatArray) -> FloatArray:
        """Return ``(n, n_classes)`` float32 for ``(n, n_numbers)``: about 1 for the class, -1 for the others."""
        x = self.standardised(numbers)
        scores: FloatArray = x @ self.weights + self.bias
        if self.sexes is not None:
            side = np.clip(x @ self.sexes.tell_weights + self.sexes.tell_bias, -1.0, 1.0)
            scores = scores + side[:, None] * (x @ self.sexes.weights)
        return scores


def fit_linear(
    numbers: FloatArray,
    labels: IntArray,
    speakers: NDArray[np.str_],
    n_classes: int,
    importance: FloatArray,
    penalty: float,
    speaker_penalty: float,
    female: NDArray[np.bool_] | None = None,
    sex_weight: float = 0.0,
) -> Linear:
    """Fit by regularised least squares in the space of the utterances.

    The offset of a speaker's mean from the mean of a class ought not to change the scores: for each such offset a row
    with target 0 is added, a soft form of nuisance attribute projection (Solomonoff, Campbell and Boardman 2005,
    Advances in channel compensation for SVM speaker recognition, ICASSP).

    Parameters
    ----------
    numbers : (n, n_numbers) float32
    labels : (n,) int64
    speakers : (n,) str
    n_classes : int
    importance : (n_numbers,) float32
        How much each number counts once standardised.
    penalty : float
        Per standardised number, relative to utterances of average weight.
    speaker_penalty : float
        Weight of all offsets together relative to all utterances.
    female : (n,) bool, optional
        Whose voice it is; needed where ``sex_weight`` is not 0.
    sex_weight : float
        0: one set of weights for everybody. 1: women and men learn nothing from each other. Between: two voices of one
        sex are ``1 + sex_weight`` times as alike as their numbers say, of both ``1 - sex_weight`` times.
    """
    mean, scale = numbers.mean(axis=0), numbers.std(axis=0) + np.float32(1e-6)
    # So that the penalty means the same however numbers are weighted.
    importance = importance / np.sqrt(np.mean(importance**2))
    x = np.clip((numbers - mean) / scale, -CLIP, CLIP) * importance
    mean, scale = mean.astype(np.float32), scale.astype(np.float32)
    if female is None or not sex_weight:
        weights, bias = _solve(x, labels, speakers, n_classes, penalty, speaker_penalty, len(importance))
        return Linear(mean, scale, (weights * importance[:, None]).astype(np.float32), bias.astype(np.float32))
    # The sides are a second copy of the numbers, with the sign of the sex: shared weights, and what differs.
    share = np.float32(np.sqrt(sex_weight))
    sides = np.where(female, share, -share)[:, None]
    both = _solve(
        np.concatenate((x, sides * x), axis=1), labels, speakers, n_classes, penalty, speaker_penalty, len(importance)
    )
    shared, differing = np.split(both[0], 2)
    tell, tell_bias = _solve(x, female.astype(np.int64), speakers, 2, penalty, 0.0, len(importance))
    sexes = SexTerm(
        (share * differing * importance[:, None]).astype(np.float32),
        ((tell[:, 1] - tell[:, 0]) * importance).astype(np.float32),
        np.asarray(tell_bias[1] - tell_bias[0], np.float32),
    )
    return Linear(mean, scale, (shared * importance[:, None]).astype(np.float32), both[1].astype(np.float32), sexes)


def _solve(
    rows: FloatArray,
    labels: IntArray,
    speakers: NDArray[np.str_],
    n_classes: int,
    penalty: float,
    speaker_penalty: float,
    n_numbers: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return weights ``(n_columns, n_classes)`` and bias; the penalty is relative to ``n_numbers``."""
    counts = np.bincount(labels, minlength=n_classes)
    sample_weight = 1.0 / counts[labels]
    sample_weight *= len(labels) / sample_weight.sum()
    targets = np.where(labels[:, None] == np.arange(n_classes), 1.0, -1.0)
    centre = sample_weight @ rows / len(rows)
    level = sample_weight @ targets / len(rows)
    rows, targets = rows - centre.astype(np.float32), targets - level
    offsets = _speaker_offsets(rows, labels, speakers)
    if speaker_penalty and len(offsets):
        each = speaker_penalty * len(rows) / len(offsets)
        rows = np.concatenate((rows, offsets))
        targets = np.concatenate((targets, np.zeros((len(offsets), n_classes))))
        sample_weight = np.concatenate((sample_weight, np.full(len(offsets), each)))
    # The offsets must not move the intercept, so the rows are centred here, without them.
    ridge = Ridge(alpha=penalty * n_numbers, fit_intercept=False, solver="cholesky")
    weights = ridge.fit(rows.astype(np.float64), targets, sample_weight).coef_.T
    return weights, level - centre @ weights


def _speaker_offsets(rows: FloatArray, labels: IntArray, speakers: NDArray[np.str_]) -> FloatArray:
    offsets = [np.zeros((0, rows.shape[1]), np.float32)]
    for label in np.unique(labels):
        of_class = labels == label
        mean = rows[of_class].mean(axis=0)
        for speaker in np.unique(speakers[of_class]):
            own = of_class & (speakers == speaker)
            if own.sum() > 1:
                offsets.append((rows[own].mean(axis=0) - mean)[None])
    return np.concatenate(offsets)


def solve_from_products(
    products: NDArray[np.float64],
    labels: IntArray,
    speakers: NDArray[np.str_],
    n_classes: int,
    penalty: float,
    speaker_penalty: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit as :func:`fit_linear` from the rows' scalar products alone, so that folds of the same rows share them.

    Parameters
    ----------
    products : (n, n)
        Of each row with each.
    labels : (n,) int64
    speakers : (n,) str
    n_classes : int
    penalty : float
        Of the squared weights.
    speaker_penalty : float
        See :func:`fit_linear`.

    Returns
    -------
    coefficients : (n, n_classes)
        The weights are ``rows.T @ coefficients``, the scores of any row its products with these rows times them.
    bias : (n_classes,)
    """
    n = len(labels)
    balance = 1.0 / np.bincount(labels, minlength=n_classes)[labels]
    balance /= balance.sum()
    targets = np.where(labels[:, None] == np.arange(n_classes), 1.0, -1.0)
    level = balance @ targets
    # Every row of the fit as a sum of the given ones: centred rows, then a speaker's mean less that of all.
    offsets = _offset_sums(labels, speakers) if speaker_penalty else np.zeros((0, n))
    sums = np.concatenate((np.eye(n) - balance, offsets))
    each = np.full(len(offsets), speaker_penalty * n / max(len(offsets), 1))
    root = np.sqrt(np.concatenate((balance * n, each)))[:, None]
    centred = products - balance @ products
    centred = centred - (centred @ balance)[:, None]
    crossed = offsets @ centred
    whole = np.block([[centred, crossed.T], [crossed, crossed @ offsets.T]]) * root * root.T
    whole[np.diag_indices(len(whole))] += penalty
    targets = np.concatenate((targets - level, np.zeros((len(offsets), n_classes))))
    dual = root * cho_solve(cho_factor(whole, overwrite_a=True, check_finite=False), root * targets)
    coefficients = sums.T @ dual
    return coefficients, level - balance @ products @ coefficients


def _offset_sums(labels: IntArray, speakers: NDArray[np.str_]) -> NDArray[np.float64]:
    """Return the sums of rows that :func:`_speaker_offsets` makes."""
    sums = [np.zeros((0, len(labels)))]
    for label in np.unique(labels):
        of_class = labels == label
        for speaker in np.unique(speakers[of_class]):
            own = of_class & (speakers == speaker)
            if own.sum() > 1:
                sums.append((own / own.sum() - of_class / of_class.sum())[None])
    return np.concatenate(sums)

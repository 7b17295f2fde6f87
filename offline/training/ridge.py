"""A linear classifier by ridge regression: every class weighs the same, and speakers' own ways are discouraged."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from ...models.contract import FloatArray

IntArray = NDArray[np.int64]
CLIP = 5.0


@dataclass(frozen=True)
class Linear:
    """``scores = clip((x - mean) / scale, -5, 5) @ weights + bias``.

    Attributes
    ----------
    mean, scale : (n_numbers,) float32
    weights : (n_numbers, n_classes) float32
    bias : (n_classes,) float32
    """

    mean: FloatArray
    scale: FloatArray
    weights: FloatArray
    bias: FloatArray

    def scores(self, numbers: FloatArray) -> FloatArray:
        """Give ``(n, n_classes)`` float32 for ``(n, n_numbers)``: about 1 for the class, -1 for the others."""
        scores: FloatArray = np.clip((numbers - self.mean) / self.scale, -CLIP, CLIP) @ self.weights + self.bias
        return scores


def fit_linear(
    numbers: FloatArray,
    labels: IntArray,
    speakers: NDArray[np.str_],
    n_classes: int,
    importance: FloatArray,
    penalty: float,
    speaker_penalty: float,
) -> Linear:
    """Fit by regularised least squares in the space of the utterances.

    Where a speaker stands apart from the others within a class, scores ought not to differ: for each such offset a
    row with target 0 is added (a soft form of nuisance attribute projection, Solomonoff et al. 2005).

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
    """
    mean, scale = numbers.mean(axis=0), numbers.std(axis=0) + np.float32(1e-6)
    # So that the penalty means the same however numbers are weighted.
    importance = importance / np.sqrt(np.mean(importance**2))
    rows = np.clip((numbers - mean) / scale, -CLIP, CLIP) * importance
    counts = np.bincount(labels, minlength=n_classes)
    share = 1.0 / counts[labels]
    share *= len(labels) / share.sum()
    targets = np.where(labels[:, None] == np.arange(n_classes), 1.0, -1.0)
    centre = share @ rows / len(rows)
    level = share @ targets / len(rows)
    rows = rows - centre.astype(np.float32)
    slack = penalty / share
    offsets = _speaker_offsets(rows, labels, speakers)
    targets = targets - level
    if speaker_penalty and len(offsets):
        each = speaker_penalty * len(rows) / len(offsets)
        rows = np.concatenate((rows, offsets))
        targets = np.concatenate((targets, np.zeros((len(offsets), n_classes))))
        slack = np.concatenate((slack, np.full(len(offsets), penalty / each)))
    kernel = (rows @ rows.T).astype(np.float64) / rows.shape[1]
    kernel[np.diag_indices_from(kernel)] += slack
    solved = cho_solve(cho_factor(kernel, overwrite_a=True), targets)
    weights = rows.T @ solved / rows.shape[1]
    bias = level - centre @ weights
    return Linear(
        mean.astype(np.float32),
        scale.astype(np.float32),
        (weights * importance[:, None]).astype(np.float32),
        bias.astype(np.float32),
    )


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

"""Fisher vector of a set of frames under a Gaussian mixture with diagonal covariances.

Perronnin, Sanchez and Mensink (2010), Improving the Fisher kernel for large-scale image classification,
https://doi.org/10.1007/978-3-642-15561-1_11: the gradient of the mean log likelihood by means and deviations, each
divided by the root of the Fisher information, then signed square roots, then length 1.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.mixture import GaussianMixture

from ....configs.schema.errors import MoodringError
from ....models.contract import FloatArray

Array = NDArray[np.float64]
_SMALLEST_VARIANCE = 1e-3


class FisherEncoder:
    """A mixture fitted on frames, and the vectors that it makes of utterances.

    Parameters
    ----------
    utterances : sequence of (n_frames, n_descriptors)
        To fit on.
    neutral : sequence of bool
        Which of them are neutral speech: descriptors are z-scored by its mean and deviation.
    components : int
    most_frames : int
        Drawn at random where there are more.
    seed : int

    Raises
    ------
    MoodringError
        No utterance is neutral, or there are fewer frames than components.
    """

    def __init__(
        self, utterances: Sequence[FloatArray], neutral: Sequence[bool], components: int, most_frames: int, seed: int
    ) -> None:
        if not any(neutral):
            raise MoodringError("descriptors are z-scored by neutral speech, and none of the utterances is neutral")
        resting = np.concatenate([one for one, is_neutral in zip(utterances, neutral, strict=True) if is_neutral])
        self._mean, self._scale = resting.mean(axis=0), np.maximum(resting.std(axis=0), 1e-6)
        frames = np.concatenate(list(utterances))
        if len(frames) < components:
            raise MoodringError(f"{len(frames)} frames for {components} components; give more speech or fewer")
        drawn = np.random.default_rng(seed).permutation(len(frames))[:most_frames]
        self.mixture = GaussianMixture(
            components, covariance_type="diag", reg_covar=_SMALLEST_VARIANCE, max_iter=50, random_state=seed
        )
        self.mixture.fit(self.scaled(frames[drawn]))

    def scaled(self, frames: FloatArray) -> Array:
        """Return frames z-scored against neutral speech."""
        return np.asarray((frames - self._mean) / self._scale, np.float64)

    def encode(self, frames: FloatArray) -> Array:
        """Return the Fisher vector of an utterance, ``(2 * components * n_descriptors,)``, of length 1."""
        raw = fisher_gradient(self.scaled(frames), self.mixture)
        rooted = np.sign(raw) * np.sqrt(np.abs(raw))
        return np.asarray(rooted / max(float(np.linalg.norm(rooted)), 1e-12))


def fisher_gradient(frames: Array, mixture: GaussianMixture) -> Array:
    """Return the normalised gradient by means, then by deviations; component after component.

    Parameters
    ----------
    frames : (n_frames, n_descriptors)
    mixture : GaussianMixture
        With diagonal covariances.
    """
    shares = mixture.predict_proba(frames)
    weights, deviations = mixture.weights_, np.sqrt(mixture.covariances_)
    total = shares.sum(axis=0)[:, None]
    first, second = shares.T @ frames, shares.T @ np.square(frames)
    means = mixture.means_
    by_mean = (first - total * means) / deviations
    squares = (second - 2.0 * means * first + total * np.square(means)) / np.square(deviations)
    by_deviation = squares - total
    roots = np.sqrt(weights)[:, None] * len(frames)
    return np.concatenate(((by_mean / roots).ravel(), (by_deviation / (np.sqrt(2.0) * roots)).ravel()))

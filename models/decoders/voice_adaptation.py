"""Adapt a voice recogniser to a speaker without labels, from the numbers of the utterances heard before.

Three steps, each shrunk towards the training corpus's figures as if so many utterances had been heard there:

1. The numbers are moved by the mean and scaled by the spread of what was heard of the speaker. The length of the shift
   is capped. Linear scores of the classes follow.
2. A back-end reads the scores, as in language recognition (Singer et al. 2003, Acoustic, phonetic, and discriminative
   approaches to automatic language identification): how scores of each class lie and vary in speakers who were not
   trained on. Its tails are heavy, Student's t, so that scores far from every class tell classes less surely apart.
3. Its class means are adapted to the speaker's scores by expectation maximisation, as speaker models are (Reynolds,
   Quatieri and Dunn 2000, https://doi.org/10.1006/dspr.1999.0361), in which scores far off count less (Peel and
   McLachlan 2000, https://doi.org/10.1023/A:1008981510081). Who has shown one emotion alone moves that class.

Pure functions; the history is a value that is passed in and comes back.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from scipy.special import softmax

from ..contract import FloatArray
from ..signals.speech.voice_summary import functional_weights

MOST_UTTERANCES = 64
SHORTEST_S = 1.0
"""Of an utterance that is remembered."""
SHIFT_PRIOR = 1.5
SPREAD_PRIOR = 8.0
MEAN_PRIOR = 4.0
ROUNDS = 6
WIDEST = 8.0
"""Standard deviations of the training data that a number counts at most."""


def _nothing() -> FloatArray:
    return np.zeros((0, len(functional_weights())), np.float32)


@dataclass(frozen=True)
class VoiceHistory:
    """The numbers of the utterances heard of one speaker.

    Attributes
    ----------
    numbers : (n_utterances, n_numbers) float32
        Oldest first, the latest 64 at most; as they were measured, so that they mean the same to every bundle.
    """

    numbers: FloatArray = field(default_factory=_nothing)

    def __len__(self) -> int:
        """Return how many utterances there are."""
        return len(self.numbers)

    def heard(self, numbers: FloatArray) -> "VoiceHistory":
        """Return the history with one more utterance ``(n_numbers,)``; without it where it is not finite."""
        if not np.isfinite(numbers).all():
            return self
        return VoiceHistory(np.concatenate((self.numbers, numbers[None]))[-MOST_UTTERANCES:].astype(np.float32))


@dataclass(frozen=True)
class Voice:
    """What is known of a speaker's numbers: where they lie and how far they spread.

    Attributes
    ----------
    shift : (n_numbers,)
        From the training corpus's mean, in its standard deviations.
    stretch : (n_numbers,)
        The training speakers' spread over this speaker's.
    """

    shift: FloatArray
    stretch: FloatArray

    def normalised(self, standardised: FloatArray) -> FloatArray:
        """Return standardised numbers ``(…, n_numbers)`` relative to the speaker."""
        relative: FloatArray = (standardised - self.shift) * self.stretch
        return relative


def voice_of(heard: FloatArray, spread: FloatArray, longest: float) -> Voice:
    """Estimate a speaker's voice.

    Parameters
    ----------
    heard : (n_utterances, n_numbers)
        Standardised numbers of at least one utterance.
    spread : (n_numbers,)
        Of one speaker's utterances in the training corpus.
    longest : float
        Cap on the root mean square of the shift.
    """
    n = len(heard)
    mean = heard.mean(axis=0)
    shift = mean * (n / (n + SHIFT_PRIOR))
    length = float(np.sqrt(np.mean(shift**2)))
    if length > longest:
        shift = shift * (longest / length)
    squares = ((heard - mean) ** 2).sum(axis=0) + SPREAD_PRIOR * spread**2
    return Voice(shift, spread / np.sqrt(squares / (n - 1 + SPREAD_PRIOR)))


@dataclass(frozen=True)
class BackEnd:
    """How the scores of each class lie in speakers not trained on: t distributions of one shape, equally probable.

    Attributes
    ----------
    means : (n_classes, n_classes)
        Mean scores of each class.
    precision : (n_classes, n_classes)
        Inverse of the covariance within classes.
    freedom : float
        Degrees of freedom; infinite: Gaussians.
    """

    means: FloatArray
    precision: FloatArray
    freedom: float = np.inf

    def log_likelihoods(self, scores: FloatArray) -> FloatArray:
        """Return ``(n, n_classes)`` for scores ``(n, n_classes)``, up to a constant."""
        squares = self._squares(scores)
        if np.isinf(self.freedom):
            return -0.5 * squares
        result: FloatArray = -0.5 * (self.freedom + scores.shape[1]) * np.log1p(squares / self.freedom)
        return result

    def adapted(self, scores: FloatArray) -> "BackEnd":
        """Return the back-end with its means adapted to a speaker's scores ``(n, n_classes)``, of unknown classes."""
        now = self
        for _ in range(ROUNDS):
            share = softmax(now.log_likelihoods(scores), axis=1)
            if np.isfinite(self.freedom):
                share = share * (self.freedom + scores.shape[1]) / (self.freedom + now._squares(scores))
            means = (share.T @ scores + MEAN_PRIOR * self.means) / (share.sum(axis=0)[:, None] + MEAN_PRIOR)
            now = replace(now, means=means)
        return now

    def _squares(self, scores: FloatArray) -> FloatArray:
        """Return the squared Mahalanobis distances ``(n, n_classes)`` of scores from the means."""
        apart = scores[:, None] - self.means
        result: FloatArray = np.einsum("nci,ij,ncj->nc", apart, self.precision, apart)
        return result


@dataclass(frozen=True)
class AdaptedModel:
    """The model on numbers relative to the speaker.

    Attributes
    ----------
    spread : (n_numbers,) float32
        Of one speaker's utterances, in standard deviations of the training data.
    longest : () float32
        Cap on the shift; see :func:`voice_of`.
    weights : (n_numbers, n_classes) float32
    bias : (n_classes,) float32
    means, precision : (n_classes, n_classes) float32
    freedom : () float32
        See :class:`BackEnd`; bundles of before it have Gaussians.
    """

    spread: FloatArray
    longest: FloatArray
    weights: FloatArray
    bias: FloatArray
    means: FloatArray
    precision: FloatArray
    freedom: FloatArray = field(default_factory=lambda: np.asarray(np.inf, np.float32))

    def logits(self, heard: FloatArray, clip: float) -> FloatArray:
        """Return the logits ``(n_classes,)`` of the last of the utterances heard.

        Parameters
        ----------
        heard : (n_utterances, n_numbers)
            Standardised numbers, the utterance to judge last.
        clip : float
            Bound of the relative numbers.
        """
        bounded = np.clip(heard, -WIDEST, WIDEST)
        relative = voice_of(bounded, self.spread, float(self.longest)).normalised(bounded)
        scores = np.clip(relative, -clip, clip) @ self.weights + self.bias
        back_end = BackEnd(self.means, self.precision, float(self.freedom))
        logits: FloatArray = back_end.adapted(scores).log_likelihoods(scores[-1:])[0]
        return logits

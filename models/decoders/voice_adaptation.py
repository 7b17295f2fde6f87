"""Adapt a voice recogniser to a speaker without labels, from the numbers of the utterances heard before.

A speaker's numbers are moved by the mean and scaled by the spread of what has been heard of this speaker, and so are
the scores of the classes, as scores are normalised in speaker verification (Auckenthaler, Carey and Lloyd-Thomas 2000,
https://doi.org/10.1006/dspr.1999.0360). How far depends on how much was heard: every figure is shrunk towards the
training corpus's as by so many more utterances from there. The length of the shift is capped. Pure functions; the
history is a value that is passed in and comes back.
"""

from dataclasses import dataclass, field

import numpy as np

from ..contract import FloatArray
from ..signals.speech.voice_summary import functional_weights

MOST_UTTERANCES = 64
SHORTEST_S = 1.0
SHIFT_PRIOR = 1.5
SPREAD_PRIOR = 8.0
SCORE_PRIOR = 12.0
SCORE_SPREAD = 0.45
"""Standard deviation of a class's scores over a speaker's utterances, as on speakers of EMO-DB not trained on."""
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

    def heard(self, numbers: FloatArray, seconds: float) -> "VoiceHistory":
        """Return the history with one more utterance; without it where it is shorter than a second or not finite.

        Parameters
        ----------
        numbers : (n_numbers,) float32
        seconds : float
        """
        if seconds < SHORTEST_S or not np.isfinite(numbers).all():
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


def normalised_scores(heard: FloatArray) -> FloatArray:
    """Return the scores of the last utterance relative to those of all that was heard of the speaker.

    Parameters
    ----------
    heard : (n_utterances, n_classes)
        At least one; about 1 for the class, -1 for the others.

    Returns
    -------
    (n_classes,)
    """
    n, n_classes = heard.shape
    usual = 2.0 / n_classes - 1.0
    centre = heard.mean(axis=0)
    squares = ((heard - centre) ** 2).sum(axis=0) + SCORE_PRIOR * SCORE_SPREAD**2
    moved = heard[-1] - usual - (centre - usual) * (n / (n + SCORE_PRIOR))
    result: FloatArray = usual + moved * SCORE_SPREAD / np.sqrt(squares / (n - 1 + SCORE_PRIOR))
    return result


@dataclass(frozen=True)
class AdaptedModel:
    """The linear model on numbers relative to the speaker.

    Attributes
    ----------
    spread : (n_numbers,) float32
        Of one speaker's utterances, in standard deviations of the training data.
    mean, scale : (n_numbers,) float32
        Standardise the relative numbers.
    weights : (n_numbers, n_classes) float32
    bias : (n_classes,) float32
    longest : () float32
        Cap on the shift; see :func:`voice_of`.
    """

    spread: FloatArray
    mean: FloatArray
    scale: FloatArray
    weights: FloatArray
    bias: FloatArray
    longest: FloatArray

    def scores(self, heard: FloatArray, clip: float) -> FloatArray:
        """Return the class scores ``(n_classes,)`` of the last of the utterances heard.

        Parameters
        ----------
        heard : (n_utterances, n_numbers)
            Standardised numbers, the utterance to judge last.
        clip : float
            Bound of the relative numbers.
        """
        bounded = np.clip(heard, -WIDEST, WIDEST)
        relative = voice_of(bounded, self.spread, float(self.longest)).normalised(bounded)
        x = np.clip((relative - self.mean) / self.scale, -clip, clip)
        return normalised_scores(x @ self.weights + self.bias)

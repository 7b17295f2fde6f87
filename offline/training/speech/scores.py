"""Scores of a speech network on people it was not trained on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from ...evaluation.metrics import Scores, score, uar
from .simulated_utterances import VoiceActivityScores


@dataclass(frozen=True)
class UtteranceLogits:
    """Logits of the network over one utterance.

    Attributes
    ----------
    person, label : int
    logits : (n_segments, n_classes) float64
        After each segment.
    """

    person: int
    label: int
    logits: NDArray[np.float64]


@dataclass(frozen=True)
class SpeechScores:
    """The result of a training run on its test people.

    Attributes
    ----------
    utterances, segments : Scores
        Of the last output of each utterance, and of the output after each segment.
    by_person : tuple of (person, UAR per utterance, UAR per segment)
        Over the classes that the person showed.
    loss : float
        Negative log-likelihood per segment after calibration, all classes weighing the same.
    temperature : float
    voice_activity : VoiceActivityScores
        Means over people, and sums of missed and false utterances.
    """

    utterances: Scores
    segments: Scores
    by_person: tuple[tuple[int, float, float], ...]
    loss: float
    temperature: float
    voice_activity: VoiceActivityScores

    def line(self) -> str:
        """Return a summary in one line."""
        one = self.utterances
        return (
            f"UAR per utterance {one.uar}, per segment {self.segments.uar}; majority {one.majority_uar:.2f}, "
            f"chance {one.permutation.mean:.2f} (95 % below {one.permutation.high:.2f}); {one.n} utterances of "
            f"{one.n_groups} people; speech found {self.voice_activity.recall:.3f}, false alarms "
            f"{self.voice_activity.false_alarm:.3f}"
        )


def balanced_loss(outputs: Sequence[UtteranceLogits], temperature: float = 1.0) -> float:
    """Return the negative log-likelihood per segment, every class weighing the same."""
    labels, logits = _segments(outputs)
    chosen = -log_softmax(logits / temperature, axis=1)[np.arange(len(labels)), labels]
    return float(np.mean([chosen[labels == label].mean() for label in np.unique(labels)]))


def fit_utterance_temperature(outputs: Sequence[UtteranceLogits]) -> float:
    """Return the temperature in 0.2..10 that gives held-out people the lowest loss (Guo et al. 2017)."""
    result = minimize_scalar(
        lambda exponent: balanced_loss(outputs, float(np.exp(exponent))),
        bounds=(np.log(0.2), np.log(10.0)),
        method="bounded",
    )
    return float(np.exp(result.x))


def score_utterances(
    outputs: Sequence[UtteranceLogits], temperature: float, detection: Sequence[VoiceActivityScores], seed: int
) -> SpeechScores:
    """Score the last output of each utterance, and that of every segment."""
    labels, logits = _segments(outputs)
    persons = np.repeat([one.person for one in outputs], [len(one.logits) for one in outputs])
    last_labels = np.array([one.label for one in outputs], np.int64)
    last_logits = np.stack([one.logits[-1] for one in outputs])
    last_persons = np.array([one.person for one in outputs])
    return SpeechScores(
        utterances=_score_logits(last_labels, last_logits / temperature, last_persons, seed),
        segments=_score_logits(labels, logits / temperature, persons, seed),
        by_person=tuple(
            (
                int(person),
                _uar_of(person, last_labels, last_logits, last_persons),
                _uar_of(person, labels, logits, persons),
            )
            for person in np.unique(persons)
        ),
        loss=balanced_loss(outputs, temperature),
        temperature=temperature,
        voice_activity=VoiceActivityScores(
            float(np.mean([one.recall for one in detection])),
            float(np.mean([one.false_alarm for one in detection])),
            sum(one.missed for one in detection),
            sum(one.false for one in detection),
        ),
    )


def recalls(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the recall of each class from the confusion matrix; NaN where a class did not come up."""
    totals = counts.sum(axis=1)
    return np.asarray(np.divide(np.diag(counts), totals, out=np.full(len(counts), np.nan), where=totals > 0))


def _segments(outputs: Sequence[UtteranceLogits]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    logits = np.concatenate([one.logits for one in outputs])
    labels = np.repeat(np.array([one.label for one in outputs], np.int64), [len(one.logits) for one in outputs])
    return labels, logits


def _score_logits(
    labels: NDArray[np.int64], logits: NDArray[np.float64], persons: NDArray[np.int64], seed: int
) -> Scores:
    return score(labels, softmax(logits, axis=1), [str(person) for person in persons], seed)


def _uar_of(person: int, labels: NDArray[np.int64], logits: NDArray[np.float64], persons: NDArray[np.int64]) -> float:
    own = persons == person
    return uar(labels[own], logits[own].argmax(axis=1))

"""How well a speech model does on people it was not trained on, and the card that says so."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from ....configs.schema.errors import MoodringError
from ....models.contract import ModelSpec
from ...evaluation.metrics import Scores, uar
from ...evaluation.metrics import score as score_probabilities
from .data import CLASSES, Hearing


@dataclass(frozen=True)
class Verdict:
    """What the network said of one utterance.

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
        Of the last verdict of each utterance, and of the verdict after each segment.
    by_person : tuple of (person, UAR per utterance, UAR per segment)
        Over the classes that the person showed.
    loss : float
        Negative log-likelihood per segment after calibration, all classes weighing the same.
    temperature : float
    hearing : Hearing
        Means over people, and sums of missed and false utterances.
    """

    utterances: Scores
    segments: Scores
    by_person: tuple[tuple[int, float, float], ...]
    loss: float
    temperature: float
    hearing: Hearing

    def line(self) -> str:
        """Sum up in one line."""
        one = self.utterances
        return (
            f"UAR per utterance {one.uar}, per segment {self.segments.uar}; majority {one.majority_uar:.2f}, "
            f"chance {one.permutation.mean:.2f} (95 % below {one.permutation.high:.2f}); {one.n} utterances of "
            f"{one.n_groups} people; speech heard {self.hearing.recall:.3f}, falsely {self.hearing.false_alarm:.3f}"
        )


def balanced_loss(verdicts: Sequence[Verdict], temperature: float = 1.0) -> float:
    """Give the negative log-likelihood per segment, every class weighing the same."""
    labels, logits = _segments(verdicts)
    chosen = -log_softmax(logits / temperature, axis=1)[np.arange(len(labels)), labels]
    return float(np.mean([chosen[labels == label].mean() for label in np.unique(labels)]))


def fit_temperature(verdicts: Sequence[Verdict]) -> float:
    """Find the temperature in 0.2..10 that gives held-out people the lowest loss (Guo et al. 2017)."""
    result = minimize_scalar(
        lambda exponent: balanced_loss(verdicts, float(np.exp(exponent))),
        bounds=(np.log(0.2), np.log(10.0)),
        method="bounded",
    )
    return float(np.exp(result.x))


def score(verdicts: Sequence[Verdict], temperature: float, hearings: Sequence[Hearing], seed: int) -> SpeechScores:
    """Score the last verdict of each utterance, and every segment's."""
    labels, logits = _segments(verdicts)
    persons = np.repeat([one.person for one in verdicts], [len(one.logits) for one in verdicts])
    last_labels = np.array([one.label for one in verdicts], np.int64)
    last_logits = np.stack([one.logits[-1] for one in verdicts])
    last_persons = np.array([one.person for one in verdicts])
    return SpeechScores(
        utterances=_scored(last_labels, last_logits / temperature, last_persons, seed),
        segments=_scored(labels, logits / temperature, persons, seed),
        by_person=tuple(
            (
                int(person),
                _uar_of(person, last_labels, last_logits, last_persons),
                _uar_of(person, labels, logits, persons),
            )
            for person in np.unique(persons)
        ),
        loss=balanced_loss(verdicts, temperature),
        temperature=temperature,
        hearing=Hearing(
            float(np.mean([one.recall for one in hearings])),
            float(np.mean([one.false_alarm for one in hearings])),
            sum(one.missed for one in hearings),
            sum(one.false for one in hearings),
        ),
    )


def recalls(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give the recall of each class from the confusion matrix; NaN where a class did not come up."""
    totals = counts.sum(axis=1)
    return np.asarray(np.divide(np.diag(counts), totals, out=np.full(len(counts), np.nan), where=totals > 0))


def write_card(path: Path, spec: ModelSpec, scores: SpeechScores, n_training: int, epoch: int) -> None:
    """Write the model card.

    Raises
    ------
    MoodringError
        The file cannot be written.
    """
    whole, parts, heard = scores.utterances, scores.segments, scores.hearing
    rows = "\n".join(
        f"| {what} | {one.n} | {one.uar} | {one.accuracy:.2f} | {one.macro_f1:.2f} | {one.majority_uar:.2f} "
        f"| {one.permutation.mean:.2f} ({one.permutation.high:.2f}) |"
        for what, one in (("utterance", whole), ("segment", parts))
    )
    classes = "\n".join(
        f"| {name} | {count} | {a:.2f} | {b:.2f} |"
        for name, count, a, b in zip(
            CLASSES, whole.class_counts, recalls(whole.confusion), recalls(parts.confusion), strict=True
        )
    )
    people = "\n".join(f"| {person} | {a:.2f} | {b:.2f} |" for person, a, b in scores.by_person)
    text = f"""# Speech model, simulated people

**Demonstration model, not valid for people.** It was trained on simulated voices only; what it says of a real person
means nothing.

- Decodes: {", ".join(spec.head("speech").classes)}, *{spec.head("speech").construct}* in the voice. Labels: {spec.label_source}.
- Network: four convolution blocks per second of speech, LSTM from second to second, softmax; {_sizes(spec)}.
- Input: 16 kHz mono; voice activity by silero-vad; segments of 16,000 samples divided by the running RMS of the utterance.
- Training: SGD with Nesterov momentum, early stopping (best epoch: {epoch}), {n_training} utterances, classes weighing
  the same, guided by the valence and arousal that the simulated voice expresses. Seed {spec.seed}.
- Protocol: {spec.protocol}.
- Simulation's parameters, SHA-256: {", ".join(spec.data_hashes)}.

## On the test people

Interval: 95 % bootstrap over people. Majority: UAR of always saying the most frequent class. Chance: UAR with the truth shifted
in time within each person, mean and 95th percentile.

| per | n | UAR | accuracy | macro-F1 | majority | chance |
|---|---|---|---|---|---|---|
{rows}

| class | utterances | recall per utterance | recall per segment |
|---|---|---|---|
{classes}

| person (seed) | UAR per utterance | UAR per segment |
|---|---|---|
{people}

By person, UAR is over the classes that the person showed.

Negative log-likelihood per segment, every class weighing the same: {scores.loss:.3f} (uninformed: {np.log(len(CLASSES)):.3f}) at
temperature {scores.temperature:.2f}. The probabilities suppose that all classes are equally frequent.

Voice activity: {heard.recall:.3f} of the spoken time taken for speech, {heard.false_alarm:.3f} of the silent time (short pauses within an
utterance and its padding included); {heard.missed} utterances missed, {heard.false} found where nobody spoke.
"""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise MoodringError(f"model card '{path}' cannot be written: {error}; free or choose a place") from error


def _sizes(spec: ModelSpec) -> str:
    return "; ".join(f"{key} {value}" for key, value in spec.network.items())


def _segments(verdicts: Sequence[Verdict]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    logits = np.concatenate([one.logits for one in verdicts])
    labels = np.repeat(np.array([one.label for one in verdicts], np.int64), [len(one.logits) for one in verdicts])
    return labels, logits


def _scored(labels: NDArray[np.int64], logits: NDArray[np.float64], persons: NDArray[np.int64], seed: int) -> Scores:
    return score_probabilities(labels, softmax(logits, axis=1), [str(person) for person in persons], seed)


def _uar_of(person: int, labels: NDArray[np.int64], logits: NDArray[np.float64], persons: NDArray[np.int64]) -> float:
    own = persons == person
    return uar(labels[own], logits[own].argmax(axis=1))

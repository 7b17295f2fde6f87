"""How well a speech model does on people it was not trained on, and the card that says so."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from ...configs.errors import MoodringError
from ...models.contract import ModelSpec
from .speech_data import CLASSES, Hearing

_RESAMPLES = 1_000
_SHUFFLES = 500


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
class Score:
    """Unweighted average recall with its 95 % interval over people, and the recall of each class.

    ``by_person`` averages over the classes that a person showed. ``shuffled`` is the 95th percentile with the labels
    shuffled within each person; always saying the most frequent class gives ``majority``.
    """

    n: int
    uar: float
    low: float
    high: float
    recalls: tuple[float, ...]
    accuracy: float
    majority: float
    shuffled: float
    by_person: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class SpeechScores:
    """The result of a training run on its test people.

    ``loss`` is the negative log-likelihood with all classes weighing the same, after calibration.
    """

    utterances: Score
    segments: Score
    loss: float
    temperature: float
    hearing: Hearing

    def line(self) -> str:
        """Sum up in one line."""
        one = self.utterances
        return (
            f"UAR per utterance {one.uar:.3f} [{one.low:.3f}, {one.high:.3f}], per segment {self.segments.uar:.3f}; "
            f"majority {one.majority:.2f}, labels shuffled {one.shuffled:.3f}; n = {one.n} utterances of "
            f"{len(one.by_person)} people; speech heard {self.hearing.recall:.3f}, falsely {self.hearing.false_alarm:.3f}"
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
    last = np.array([one.logits[-1].argmax() for one in verdicts])
    return SpeechScores(
        utterances=_score(
            np.array([one.label for one in verdicts]), last, np.array([one.person for one in verdicts]), seed
        ),
        segments=_score(labels, logits.argmax(axis=1), persons, seed),
        loss=balanced_loss(verdicts, temperature),
        temperature=temperature,
        hearing=Hearing(
            float(np.mean([one.recall for one in hearings])),
            float(np.mean([one.false_alarm for one in hearings])),
            sum(one.missed for one in hearings),
            sum(one.false for one in hearings),
        ),
    )


def recalls(labels: NDArray[np.int64], said: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give the recall of each class; NaN where it did not come up."""
    table = np.zeros((len(CLASSES), len(CLASSES)))
    np.add.at(table, (labels, said), 1)
    totals = table.sum(axis=1)
    return np.asarray(np.divide(np.diag(table), totals, out=np.full(len(CLASSES), np.nan), where=totals > 0))


def write_card(path: Path, spec: ModelSpec, scores: SpeechScores, n_training: int, epoch: int) -> None:
    """Write the model card.

    Raises
    ------
    MoodringError
        The file cannot be written.
    """
    whole, parts, heard = scores.utterances, scores.segments, scores.hearing
    rows = "\n".join(
        f"| {what} | {one.n} | {one.uar:.3f} [{one.low:.3f}, {one.high:.3f}] | {one.accuracy:.3f} "
        f"| {one.majority:.3f} | {one.shuffled:.3f} |"
        for what, one in (("utterance", whole), ("segment", parts))
    )
    classes = "\n".join(
        f"| {name} | {a:.3f} | {b:.3f} |" for name, a, b in zip(CLASSES, whole.recalls, parts.recalls, strict=True)
    )
    people = "\n".join(
        f"| {person} | {a:.3f} | {b:.3f} |"
        for (person, a), (_, b) in zip(whole.by_person, parts.by_person, strict=True)
    )
    text = f"""# Speech model, simulated people

**Demonstration model, not valid for people.** It was trained on simulated voices only; what it says of a real person
means nothing.

- Decodes: {", ".join(spec.classes)}, *{spec.target}* in the voice. Labels: {spec.label_source}.
- Network: four convolution blocks per second of speech, LSTM from second to second, softmax; {_sizes(spec)}.
- Input: 16 kHz mono; voice activity by silero-vad; segments of 16,000 samples divided by the running RMS of the utterance.
- Training: SGD with Nesterov momentum, early stopping (best epoch: {epoch}), {n_training} utterances, classes weighing
  the same. Seed {spec.seed}.
- Protocol: {spec.protocol}.
- Simulation's parameters, SHA-256: {", ".join(spec.data_hashes)}.

## On the test people

Interval: 95 % bootstrap over people. Majority: always the most frequent class. Shuffled: 95th percentile of UAR with the labels
shuffled within each person.

| per | n | UAR | accuracy | majority (UAR) | shuffled |
|---|---|---|---|---|---|
{rows}

| recall of | per utterance | per segment |
|---|---|---|
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


def _score(labels: NDArray[np.int64], said: NDArray[np.int64], persons: NDArray[np.int64], seed: int) -> Score:
    rng = np.random.default_rng(seed)
    of_person = [np.flatnonzero(persons == person) for person in np.unique(persons)]
    drawn = []
    for _ in range(_RESAMPLES):
        rows = np.concatenate([of_person[i] for i in rng.integers(len(of_person), size=len(of_person))])
        drawn.append(np.nanmean(recalls(labels[rows], said[rows])))
    shuffled = []
    for _ in range(_SHUFFLES):
        mixed = labels.copy()
        for rows in of_person:
            mixed[rows] = labels[rng.permutation(rows)]
        shuffled.append(np.nanmean(recalls(mixed, said)))
    each = recalls(labels, said)
    most = np.full_like(labels, np.bincount(labels).argmax())
    return Score(
        n=len(labels),
        uar=float(np.nanmean(each)),
        low=float(np.quantile(drawn, 0.025)),
        high=float(np.quantile(drawn, 0.975)),
        recalls=tuple(float(one) for one in each),
        accuracy=float(np.mean(labels == said)),
        majority=float(np.nanmean(recalls(labels, most))),
        shuffled=float(np.quantile(shuffled, 0.95)),
        by_person=tuple(
            (int(persons[rows[0]]), float(np.nanmean(recalls(labels[rows], said[rows])))) for rows in of_person
        ),
    )

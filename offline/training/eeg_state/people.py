"""What a model of a state of mind is trained on: each person's windows as features with labels."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....configs.schema.errors import MoodringError
from ....models.contract import FloatArray
from ....models.signals.eeg.band_covariance import Reference, among, relative_power, tangent
from .windows import TrialWindows

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class PersonWindows:
    """Labelled windows of one person.

    Attributes
    ----------
    subject : str
    features : (n, n_features) float32
    labels : (n,) int64
    trials : (n,) int64
        Which recording each window is from.
    end_s : (n,) float64
        Rising within a recording.
    """

    subject: str
    features: FloatArray
    labels: IntArray
    trials: IntArray
    end_s: Array


@dataclass(frozen=True)
class Task:
    """Which windows count, and as what.

    Attributes
    ----------
    label : str
        Key of the trials' labels.
    classes : tuple of str
    rest : str or None
        The class whose first ``rest_s`` seconds are the reference and belong to no class; None: the reference is the.
    rest_s, window_s : float
    span : callable or None
        Takes a trial's label and its windows' ends, and returns their classes (-1: left out) in the place of the label.
    """

    label: str
    classes: tuple[str, ...]
    rest: str | None
    rest_s: float
    window_s: float
    span: Callable[[str, Array], IntArray] | None = None

    def labels_of(self, one: TrialWindows) -> IntArray:
        """Return the class of each window of a trial; -1 for windows that do not count."""
        label = one.trial.labels[self.label]
        if self.span is not None:
            classes = self.span(label, one.end_s)
        else:
            classes = np.full(len(one.end_s), self.classes.index(label) if label in self.classes else -1, np.int64)
        if label == self.rest:
            classes = np.where(one.end_s - self.window_s >= self.rest_s - 1e-6, classes, -1)
        return classes


def by_person(trials: Sequence[TrialWindows]) -> dict[str, list[TrialWindows]]:
    """Return the trials of each person, sorted by name."""
    found: dict[str, list[TrialWindows]] = {}
    for one in trials:
        found.setdefault(one.trial.subject, []).append(one)
    return dict(sorted(found.items()))


Extract = Callable[[TrialWindows, TrialWindows, IntArray], FloatArray]
"""Takes a trial, and the trial and the rows of the person's rest (none: no reference); returns ``(n, n_features)``."""


def people_of(trials: Sequence[TrialWindows], task: Task, extract: Extract) -> list[PersonWindows]:
    """Return the labelled windows of each person.

    Raises
    ------
    MoodringError
        Somebody has no rest, or no window of some class.
    """
    people = []
    for subject, theirs in by_person(trials).items():
        resting, rows = _rest_of(subject, theirs, task)
        labels = [task.labels_of(one) for one in theirs]
        kept = [np.flatnonzero(which >= 0) for which in labels]
        there = {int(value) for which in labels for value in which}
        missing = [name for index, name in enumerate(task.classes) if index not in there]
        if missing:
            raise MoodringError(f"person {subject} has no clean window of '{missing[0]}'; leave the person out")
        people.append(
            PersonWindows(
                subject,
                np.concatenate([extract(one, resting, rows)[k] for one, k in zip(theirs, kept, strict=True)]),
                np.concatenate([which[k] for which, k in zip(labels, kept, strict=True)]),
                np.repeat(np.arange(len(theirs)), [len(k) for k in kept]),
                np.concatenate([one.end_s[k] for one, k in zip(theirs, kept, strict=True)]),
            )
        )
    return people


@dataclass(frozen=True)
class Measure:
    """What is taken of the covariances.

    Attributes
    ----------
    bands : tuple of tuple of int
        Which of the measured bands are summed to each of its own.
    electrodes : tuple of int
        Which of the measured electrodes.
    whole : bool
        The covariances in the tangent space at the reference; False: the log power of each electrode less its mean in
        the reference.
    """

    bands: tuple[tuple[int, ...], ...]
    electrodes: tuple[int, ...]
    whole: bool = True

    def __call__(self, one: TrialWindows, resting: TrialWindows, rows: IntArray) -> FloatArray:
        """Return the features of a trial; see :data:`Extract`."""
        own, rest = self.chosen(one.covariances), self.chosen(resting.covariances[rows])
        reference = Reference.of(rest) if len(rest) else Reference.empty(*own.shape[1:3])
        relative = tangent if self.whole else relative_power
        features: FloatArray = relative(own, reference).astype(np.float32)
        return features

    def chosen(self, covariances: FloatArray) -> Array:
        """Return the covariances of its bands and electrodes, ``(n_windows, n_bands, n_electrodes, n_electrodes)``."""
        summed = [covariances[:, list(band)].sum(axis=1, dtype=np.float64) for band in self.bands]
        return among(np.stack(summed, axis=1), self.electrodes)


def band_power_features(one: TrialWindows, resting: TrialWindows, rows: IntArray) -> FloatArray:
    """Return log theta, alpha and beta power of each channel less the rest's mean; 0 for bad channels."""
    own, rest = one.band_power[:, one.on_scalp], resting.band_power[rows][:, resting.on_scalp]
    seen = np.isfinite(rest)
    mean = np.where(seen, rest, 0.0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    features: FloatArray = np.nan_to_num((own - mean).reshape(len(own), -1)).astype(np.float32)
    return features


def causal_mean(scores: Array, person: PersonWindows, seconds: float) -> Array:
    """Return the mean of the scores of each window and of those that ended less than some seconds before it.

    Parameters
    ----------
    scores : (n, n_classes)
    person : PersonWindows
    seconds : float
        0 for the window alone; means do not reach into another recording.
    """
    result = np.array(scores, np.float64)
    for trial in np.unique(person.trials):
        rows = np.flatnonzero(person.trials == trial)
        ends = person.end_s[rows]
        low = np.minimum(np.searchsorted(ends, ends - seconds + 1e-6), np.arange(len(rows)))
        total = np.concatenate([np.zeros((1, scores.shape[1])), np.cumsum(scores[rows], axis=0)])
        count = np.arange(1, len(rows) + 1) - low
        result[rows] = (total[1:] - total[low]) / count[:, None]
    return result


def _rest_of(subject: str, theirs: Sequence[TrialWindows], task: Task) -> tuple[TrialWindows, IntArray]:
    """Return the trial of a person's rest and its rows; no rows where the task has no rest."""
    if task.rest is None:
        return theirs[0], np.zeros(0, np.int64)
    resting = next((one for one in theirs if one.trial.labels[task.label] == task.rest), None)
    rows = np.flatnonzero(resting.end_s <= task.rest_s + 1e-6) if resting is not None else np.zeros(0, np.int64)
    if resting is None or not len(rows):
        raise MoodringError(f"person {subject} has no clean window in the first {task.rest_s:g} s of '{task.rest}'")
    return resting, rows
